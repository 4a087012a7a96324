import { applicationStatus, isSyncing } from '../../boundaries/index.ts';
import type { Drift } from '../../boundaries/index.ts';
import { getIn } from '../../kernel/index.ts';
import { splitApiVersion } from '../../kube/index.ts';
import type { ObjectRef } from '../../kube/index.ts';
import { findApplication, qualifiedName } from '../../verdict/index.ts';
import type { NamedResource } from '../commands/sync.ts';
import { putBack } from './application.ts';
import { liveObject, problemOf, shownValue, untilAgreed } from './settle.ts';
import type { Settled, SettledChange, Settling } from './settle.ts';

function refOf({ apiVersion, object, namespace }: Drift): ObjectRef {
  const [kind = '', name = ''] = object.split('/');
  return namespace === undefined ? { apiVersion, kind, name } : { apiVersion, kind, namespace, name };
}

function resourceOf(drift: Drift): NamedResource {
  const { apiVersion, kind, name, namespace = '' } = refOf(drift);
  return { group: splitApiVersion(apiVersion).group, kind, name, namespace };
}

/** `/spec/template/spec/containers/0/env/2` */
function pointer(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * What Git never asked for is taken out by its path, and only as long as it still says what was seen: no sync would
 * remove it, because the controller does not own it.
 */
async function takeOut(work: Settling, drift: Drift): Promise<void> {
  const live = liveObject(work.material, drift);
  // Values of Secrets are in no drift; they go from the cluster to the cluster.
  const value = live && getIn(live, ...drift.path);
  if (value === undefined) return;
  const path = pointer(drift.path);
  await work.sources.kube.patch(
    refOf(drift),
    'json',
    [
      { op: 'test', path, value },
      { op: 'remove', path },
    ],
    { fieldManager: 'landfall' },
    work.io.signal,
  );
}

function changeOf(drift: Drift): SettledChange {
  const to =
    drift.kind === 'left-over'
      ? 'deleted'
      : drift.kind === 'absent'
        ? 'made again'
        : shownValue(drift.desired);
  return {
    object: drift.object,
    field: drift.field,
    from: drift.kind === 'left-over' ? 'still there' : shownValue(drift.live),
    to,
    where: drift.kind === 'added' ? 'taken out of the live object' : 'by a sync of what Git says',
  };
}

/** Lets the controller put back what Git says, and waits until Git, controller and workload agree. */
export async function revertDrift(work: Settling): Promise<Settled> {
  const { sources, drifts, options, io, report } = work;
  const { signal } = io;
  const base = {
    action: 'revert' as const,
    application: report.application,
    dryRun: options.dryRun === true,
    commit: undefined,
    changes: drifts.map(changeOf),
  };
  if (drifts.length === 0) return { ...base, agrees: true, agreements: [], left: 0, problem: undefined };
  if (options.dryRun === true) return { ...base, agrees: false, agreements: [], left: 0, problem: undefined };
  // From the back of a list to its front, so that no index moves.
  const added = drifts
    .filter((drift) => drift.kind === 'added')
    .toSorted((a, b) => (a.field < b.field ? 1 : -1));
  for (const drift of added) await takeOut(work, drift);
  const synced = drifts.filter((drift) => drift.kind !== 'added');
  const spec = await findApplication(
    sources.kube,
    qualifiedName(work.material.subject),
    report.namespace,
    signal,
  );
  if (synced.length > 0) {
    await putBack(
      sources.kube,
      spec.object,
      {
        revision: report.revision,
        resource: synced.map(resourceOf),
        prune: synced.some((drift) => drift.kind === 'left-over'),
      },
      io.clock,
      signal,
    );
  }
  const { agreements, left } = await untilAgreed(work);
  const missing = agreements.find(({ agrees }) => !agrees);
  const now = await findApplication(
    sources.kube,
    qualifiedName(work.material.subject),
    report.namespace,
    signal,
  );
  const waiting = missing !== undefined && isSyncing(applicationStatus(now.object));
  return {
    ...base,
    agrees: missing === undefined,
    agreements,
    left,
    problem:
      missing &&
      (waiting
        ? 'no controller has taken up the sync: is landfall serve, or Argo CD, running for this cluster?'
        : problemOf(missing, left)),
  };
}
