import { asLandfallError, getArray, getIn, getString } from '../../kernel/index.ts';
import type { KindRef, KubeClient, KubeObject } from '../../kube/index.ts';
import { podTemplate } from '../../boundaries/index.ts';
import type { SurveyedApplication } from '../promotion/index.ts';

const DEPLOYMENT: KindRef = { apiVersion: 'apps/v1', kind: 'Deployment' };
const AUTOMATIONS: readonly KindRef[] = [
  { apiVersion: 'image.toolkit.fluxcd.io/v1', kind: 'ImageUpdateAutomation' },
  { apiVersion: 'image.toolkit.fluxcd.io/v1beta2', kind: 'ImageUpdateAutomation' },
  { apiVersion: 'image.toolkit.fluxcd.io/v1beta1', kind: 'ImageUpdateAutomation' },
];
const NAME = 'argocd-image-updater';

async function listed(kube: KubeClient, kind: KindRef, signal: AbortSignal): Promise<readonly KubeObject[]> {
  try {
    return (await kube.list(kind, {}, signal)).items;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // A cluster that does not know the kind has none; what may not be read is not known, and is said by nobody.
    if (error.kind === 'cancelled' || error.kind === 'unavailable') throw error;
    return [];
  }
}

function isUpdater(deployment: KubeObject): boolean {
  const containers = getArray(podTemplate(deployment), 'spec', 'containers');
  return (
    deployment.metadata.labels?.['app.kubernetes.io/name'] === NAME ||
    containers.some((container) => (getString(container, 'image') ?? '').includes(`/${NAME}`))
  );
}

function isWatched({ spec }: SurveyedApplication): boolean {
  const annotations = spec.object.metadata.annotations ?? {};
  return annotations['argocd-image-updater.argoproj.io/image-list'] !== undefined;
}

/** Updaters of others that look after the same application: our holds are nothing to them. */
export async function foreignUpdaters(
  target: SurveyedApplication,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { spec, place } = target;
  const { kube } = place.sources;
  const warnings: string[] = [];
  const argo = (await listed(kube, DEPLOYMENT, signal)).filter(
    (deployment) => isUpdater(deployment) && getIn(deployment, 'spec', 'replicas') !== 0,
  );
  for (const { metadata } of argo) {
    const { name, namespace = '' } = metadata;
    warnings.push(
      isWatched(target)
        ? `Argo CD Image Updater runs (${namespace}/${name}) and watches ${spec.name}: it knows no holds and may undo this. Pause it first: kubectl annotate application ${spec.name} -n ${spec.namespace} argocd-image-updater.argoproj.io/image-list-   or kubectl scale deploy/${name} -n ${namespace} --replicas=0`
        : `Argo CD Image Updater runs (${namespace}/${name}). ${spec.name} has no image-list annotation; an ImageUpdater resource may name it all the same, and would undo this. To pause it: kubectl scale deploy/${name} -n ${namespace} --replicas=0`,
    );
  }
  const seen = new Set<string>();
  for (const kind of AUTOMATIONS) {
    for (const automation of await listed(kube, kind, signal)) {
      const { name, namespace = '' } = automation.metadata;
      const key = `${namespace}/${name}`;
      if (seen.has(key) || getIn(automation, 'spec', 'suspend') === true) continue;
      seen.add(key);
      const path = (getString(automation, 'spec', 'update', 'path') ?? '')
        .replace(/^\.?\//, '')
        .replace(/\/+$/, '');
      const below = path === '' || path === '.' || spec.path === path || spec.path.startsWith(`${path}/`);
      if (below)
        warnings.push(
          `Flux' image automation ${key} writes below ${path === '' ? 'the root' : path}: it knows no holds and may undo this. Pause it first: flux suspend image update ${name} -n ${namespace}`,
        );
    }
  }
  return warnings;
}
