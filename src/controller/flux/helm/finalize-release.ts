import { asLandfallError, getIn, getString } from '../../../kernel/index.ts';
import { refOf } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { releaseName } from '../../../boundaries/render/index.ts';
import type { Turn } from '../../queue.ts';
import { DEPENDENCY_WAIT, HEALTH_LOOK } from '../failure.ts';
import type { FluxTarget, Next } from '../failure.ts';
import { FINALIZER } from '../kinds.ts';
import { dropChart } from './chart-template.ts';
import type { ReleaseOptions } from './release-options.ts';
import { report } from './report.ts';
import { uninstall } from './uninstall.ts';

/** Takes the release's objects along, unless it is suspended, and lets the HelmRelease go. */
export async function finalizeRelease(
  options: ReleaseOptions,
  release: KubeObject,
  turn: Turn,
): Promise<Next> {
  const { client, journals } = options;
  if (release.metadata.finalizers?.includes(FINALIZER) !== true) return undefined;
  const target = await targetOf(options, release, turn);
  if (target !== undefined) {
    const { name, namespace = 'default' } = release.metadata;
    const subject = { cluster: target.client.server, namespace, application: `HelmRelease/${name}` };
    await journals?.firstLook(target.client, subject, turn.signal);
    await journals?.proving(target.client, subject);
    await journals?.stand(subject, 'it was deleted before it was known to be healthy');
  }
  if (getIn(release, 'spec', 'suspend') !== true) {
    await dropChart(client, release, turn.signal);
    const step =
      target === undefined
        ? ({ state: 'done', message: '' } as const)
        : await uninstall(options, release, target, turn);
    if (step.state === 'running') return { again: HEALTH_LOOK };
    if (step.state === 'failed') return failed(options, release, step.message, turn);
  }
  const finalizers = (release.metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
  await client.patch(refOf(release), 'merge', { metadata: { finalizers } }, {}, turn.signal);
  return undefined;
}

async function failed(options: ReleaseOptions, release: KubeObject, why: string, turn: Turn): Promise<Next> {
  const { name, namespace } = releaseName(release);
  const chart = getString(release, 'status', 'history', 0, 'chartName') ?? '';
  const of = chart === '' ? '' : ` with chart ${chart}`;
  const message = `Helm uninstall failed for release ${namespace}/${name}${of}: ${why}`;
  const failure = { reason: 'UninstallFailed', message, again: DEPENDENCY_WAIT };
  return report(options, release, failure, undefined, turn);
}

/** Undefined: the kubeconfig of its cluster is gone, and nothing there can be reached any more; as helm-controller. */
async function targetOf(
  options: ReleaseOptions,
  release: KubeObject,
  turn: Turn,
): Promise<FluxTarget | undefined> {
  try {
    return await options.target(release, turn.signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code === 'kubeconfig-secret' && error.kind === 'not-found') return undefined;
    throw error;
  }
}
