import { isFlux, isRelease } from '../../boundaries/index.ts';
import { getString } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { NamedResource } from '../commands/sync.ts';
import { askForSync, userName } from '../sync/argo.ts';
import { askFlux } from '../sync/flux.ts';

/** Asks the controller to look at Git now, as `argocd app get --refresh` and `flux reconcile` do. */
export async function lookNow(
  kube: KubeClient,
  application: KubeObject,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (isFlux(application) || isRelease(application)) {
    await askFlux(kube, application, new Date(clock.now()).toISOString(), signal);
    return;
  }
  const annotations = { 'argocd.argoproj.io/refresh': 'normal' };
  await kube.patch(refOf(application), 'merge', { metadata: { annotations } }, {}, signal);
}

/** Asks the controller to put objects back as Git has them. Flux knows no single objects: it reconciles all of them. */
export async function putBack(
  kube: KubeClient,
  application: KubeObject,
  asked: { readonly revision: string; readonly resource: readonly NamedResource[]; readonly prune: boolean },
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (isRelease(application)) {
    // Without drift detection a release is only put back by being released again.
    const at = new Date(clock.now()).toISOString();
    if (getString(application, 'spec', 'driftDetection', 'mode') !== 'enabled') {
      const annotations = { 'reconcile.fluxcd.io/forceAt': at };
      await kube.patch(refOf(application), 'merge', { metadata: { annotations } }, {}, signal);
    }
    await askFlux(kube, application, at, signal);
  } else if (isFlux(application)) await lookNow(kube, application, clock, signal);
  else await askForSync(kube, application, asked, userName(), signal);
}
