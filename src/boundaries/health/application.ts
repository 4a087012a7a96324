import { getArray, getIn, getString, jsonEqual } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { deadlineAfter, firstLine, until } from './facts.ts';
import type { ObjectHealth } from './facts.ts';

/**
 * An Argo CD Application among the applied objects (an app of apps): its own status, as long as that is about the
 * source that is stored. Source: Argo CD, Application status.
 */
export function applicationHealth(live: KubeObject, now: number): ObjectHealth {
  const name = objectName(live);
  const deadline = deadlineAfter(live);
  const error = getArray(live, 'status', 'conditions').find(
    (item) => getString(item, 'type')?.endsWith('Error') === true,
  );
  if (error !== undefined)
    return until(
      {
        reason: 'application-error',
        text: `${name}: ${getString(error, 'type') ?? ''}: ${firstLine(getString(error, 'message') ?? '')}`,
      },
      deadline,
      now,
    );
  const sync = getString(live, 'status', 'sync', 'status');
  const health = getString(live, 'status', 'health', 'status');
  if (sync === undefined || health === undefined)
    return until({ reason: 'not-observed', text: `${name} has no status yet` }, deadline, now, 'unknown');
  for (const field of ['source', 'sources', 'destination']) {
    const compared = getIn(live, 'status', 'sync', 'comparedTo', field);
    if (compared !== undefined && !jsonEqual(compared, getIn(live, 'spec', field)))
      return until(
        { reason: 'not-observed', text: `${name}: its status is about another ${field} than the stored one` },
        deadline,
        now,
        'unknown',
      );
  }
  const what = `${name} is ${sync} and ${health}`;
  if (health === 'Healthy' && sync === 'Synced') return { state: 'proven', reason: 'synced', text: what };
  const phase = getString(live, 'status', 'operationState', 'phase');
  if (phase === 'Failed' || phase === 'Error')
    return until(
      {
        reason: 'sync-failed',
        text: `${what}; its last sync ${phase.toLowerCase()}: ${firstLine(getString(live, 'status', 'operationState', 'message') ?? '')}`,
      },
      deadline,
      now,
    );
  if (health === 'Suspended' || health === 'Unknown' || sync === 'Unknown')
    return until({ reason: 'application-unknown', text: what }, deadline, now, 'unknown');
  return until({ reason: health === 'Healthy' ? 'out-of-sync' : 'not-healthy', text: what }, deadline, now);
}
