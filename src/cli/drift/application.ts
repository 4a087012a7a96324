import { APPLICATION_KIND } from '../../boundaries/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';

function refOfApplication(application: KubeObject) {
  const { name, namespace = '' } = application.metadata;
  return { ...APPLICATION_KIND, namespace, name };
}

/** Asks the controller to look at Git now, as `argocd app get --refresh` does. */
export async function refresh(kube: KubeClient, application: KubeObject, signal: AbortSignal): Promise<void> {
  const annotations = { 'argocd.argoproj.io/refresh': 'normal' };
  await kube.patch(refOfApplication(application), 'merge', { metadata: { annotations } }, {}, signal);
}

/** Asks the controller for a sync, as `argocd app sync` does. */
export async function askForSync(
  kube: KubeClient,
  application: KubeObject,
  sync: JsonObject,
  signal: AbortSignal,
): Promise<void> {
  const operation = { initiatedBy: { username: 'landfall' }, sync };
  await kube.patch(refOfApplication(application), 'merge', { operation }, {}, signal);
}
