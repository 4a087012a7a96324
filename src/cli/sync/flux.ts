import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
} from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { SyncCommandOptions } from '../commands/sync.ts';
import type { SyncReport } from './report.ts';

/** Flux looks at an object again when this annotation changes, and puts its value into its status when it has. */
const REQUESTED = 'reconcile.fluxcd.io/requestedAt';

const SOURCE_VERSIONS: Readonly<Record<string, string>> = {
  GitRepository: 'source.toolkit.fluxcd.io/v1',
  OCIRepository: 'source.toolkit.fluxcd.io/v1',
  Bucket: 'source.toolkit.fluxcd.io/v1',
  HelmRepository: 'source.toolkit.fluxcd.io/v1',
};

/** Refuses what Flux has no word for. */
export function checkFluxOptions(object: KubeObject, options: SyncCommandOptions): void {
  const asked = [
    options.prune === true ? '--prune' : '',
    options.dryRun === true ? '--dry-run' : '',
    options.revision === undefined ? '' : '--revision',
    options.resource === undefined ? '' : '--resource',
    options.force === true ? '--force' : '',
    options.terminate === true ? '--terminate' : '',
  ].filter((flag) => flag !== '');
  if (asked.length > 0) {
    throw new LandfallError(
      `${objectName(object)} is reconciled by Flux, which takes no ${asked.join(', ')}.`,
      {
        kind: 'invalid-input',
        code: 'flux-option',
        object: objectName(object),
        hint: 'What Flux prunes, forces or follows stands in the spec of the object.',
      },
    );
  }
  if (getIn(object, 'spec', 'suspend') === true) {
    throw new LandfallError(`${objectName(object)} is suspended; Flux does not look at it.`, {
      kind: 'conflict',
      code: 'flux-suspended',
      object: objectName(object),
      hint: 'Set spec.suspend to false in Git.',
    });
  }
}

/** Asks Flux to fetch the source and to reconcile the object now, as `flux reconcile --with-source`. Gives the request. */
export async function askFlux(
  kube: KubeClient,
  object: KubeObject,
  at: string,
  signal: AbortSignal,
): Promise<string> {
  const annotate = { metadata: { annotations: { [REQUESTED]: at } } };
  const options = { fieldManager: 'landfall' };
  const source =
    getObject(object, 'spec', 'sourceRef') ??
    getObject(object, 'spec', 'chartRef') ??
    getObject(object, 'spec', 'chart', 'spec', 'sourceRef');
  const kind = getString(source, 'kind') ?? '';
  const apiVersion = getString(source, 'apiVersion') ?? SOURCE_VERSIONS[kind];
  const name = getString(source, 'name');
  const namespace = getString(source, 'namespace') ?? object.metadata.namespace ?? '';
  if (apiVersion !== undefined && name !== undefined) {
    try {
      await kube.patch({ apiVersion, kind, namespace, name }, 'merge', annotate, options, signal);
    } catch (thrown) {
      // A source that is not there is what Flux will say of the object itself.
      if (asLandfallError(thrown).kind !== 'not-found') throw thrown;
    }
  }
  await kube.patch(refOf(object), 'merge', annotate, options, signal);
  return at;
}

/** How far Flux is with that request; undefined while it has not taken it up. */
export function readFlux(
  object: KubeObject,
  at: string,
): Pick<SyncReport, 'state' | 'message' | 'revision' | 'dryRun' | 'objects'> | undefined {
  if (getString(object, 'status', 'lastHandledReconcileAt') !== at) return undefined;
  const generation = object.metadata.generation ?? 0;
  const ready = getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === 'Ready');
  const current =
    (getNumber(ready, 'observedGeneration') ?? getNumber(object, 'status', 'observedGeneration') ?? 0) >=
    generation;
  const status = current ? getString(ready, 'status') : undefined;
  const applied = status === 'False' ? undefined : getString(object, 'status', 'lastAppliedRevision');
  // A HelmRelease has no word for what was applied: its last attempt is what succeeded.
  const revision = applied ?? getString(object, 'status', 'lastAttemptedRevision') ?? '';
  return {
    state: status === 'True' ? 'synced' : status === 'False' ? 'failed' : 'running',
    message: getString(ready, 'message') ?? '',
    revision,
    dryRun: false,
    objects: [],
  };
}
