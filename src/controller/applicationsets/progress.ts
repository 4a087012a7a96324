import { asLandfallError, getArray, getIn, getObject, getString } from '../../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { Turn } from '../queue.ts';
import { mergePatch } from '../status.ts';
import { hasBegun, lookAtRollout, rollingSync, stepsOf } from './rollout/index.ts';
import type { RolloutCondition } from './rollout/index.ts';
import { APPLICATION_SET_KIND, MANAGER, applicationChange, refOf } from './write-application.ts';
import type { WriteOptions } from './write-application.ts';

/** A progressive sync as it stands, written down already. */
export interface Progress {
  readonly conditions: readonly RolloutCondition[];
  /** Of the set's status. */
  readonly written: JsonObject;
  /** When each of those that are to be synced now was let go. */
  readonly pending: ReadonlyMap<string, string>;
  /** An Application without automated sync: the set says when it syncs. */
  readonly manual: (application: KubeObject) => KubeObject;
}

interface ProgressOptions extends WriteOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Looks at the progressive sync of a set and writes down what comes next, before anything is synced: whoever starts
 * next goes on from there. Undefined where the set asks for none.
 */
export async function progressively(
  { client, clock, jq }: ProgressOptions,
  set: KubeObject,
  desired: readonly KubeObject[],
  current: readonly KubeObject[],
  turn: Turn,
): Promise<Progress | undefined> {
  const steps = rollingSync(set);
  if (steps === undefined) return undefined;
  const wanted = new Map(desired.map((application) => [application.metadata.name, application]));
  const changed = new Set<string>();
  for (const application of current) {
    const next = wanted.get(application.metadata.name);
    if (next === undefined) continue;
    const by = { jq, signal: turn.signal };
    const change = await applicationChange(set, application, withoutAutomation(next), by);
    if (change?.['spec'] !== undefined) changed.add(application.metadata.name);
  }
  const before = getArray(set, 'status', 'applicationStatus');
  const { statuses, pending, conditions } = lookAtRollout({
    steps: stepsOf(steps, desired),
    before,
    current,
    isChanged: ({ metadata }) => changed.has(metadata.name),
    now: clock.now(),
  });
  const patch = mergePatch({ applicationStatus: [...before] }, { applicationStatus: [...statuses] });
  if (patch !== undefined) {
    const { name, namespace } = set.metadata;
    const { subresources } = await client.resource(APPLICATION_SET_KIND, turn.signal);
    await client.patch(
      { ...APPLICATION_SET_KIND, name, ...(namespace === undefined ? {} : { namespace }) },
      'merge',
      { status: patch },
      { fieldManager: MANAGER, ...(subresources.includes('status') ? { subresource: 'status' } : {}) },
      turn.signal,
    );
  }
  const since = (name: string) =>
    getString(
      statuses.find((one) => getString(one, 'application') === name),
      'lastTransitionTime',
    ) ?? '';
  return {
    conditions,
    written: { applicationStatus: [...statuses] },
    pending: new Map([...pending].map((name) => [name, since(name)])),
    manual: withoutAutomation,
  };
}

function withoutAutomation(application: KubeObject): KubeObject {
  const automated = getObject(application, 'spec', 'syncPolicy', 'automated');
  if (automated === undefined) return application;
  const spec = getObject(application, 'spec') ?? {};
  const syncPolicy = { ...getObject(spec, 'syncPolicy'), automated: { ...automated, enabled: false } };
  return { ...application, spec: { ...spec, syncPolicy } };
}

/** Asks for the syncs that are due and were not begun yet, each as its Application's own policy has it. */
export async function triggerSyncs(
  { client, logger }: ProgressOptions,
  progress: Progress,
  valid: readonly KubeObject[],
  turn: Turn,
): Promise<void> {
  for (const application of valid) {
    const since = progress.pending.get(application.metadata.name);
    if (since === undefined) continue;
    // What a watch has may be older than the last request.
    const fresh = await client.get(refOf(application), turn.signal);
    const phase = getString(fresh, 'status', 'operationState', 'phase') ?? '';
    if (fresh === undefined || phase === 'Running' || phase === 'Terminating') continue;
    if (getObject(fresh, 'operation') !== undefined || hasBegun(fresh, since)) continue;
    const { resourceVersion } = fresh.metadata;
    try {
      await client.patch(
        refOf(application),
        'merge',
        {
          metadata: resourceVersion === undefined ? {} : { resourceVersion },
          operation: operationOf(application),
        },
        { fieldManager: MANAGER },
        turn.signal,
      );
    } catch (thrown) {
      const error = asLandfallError(thrown);
      // Somebody wrote it meanwhile: that wakes the set again.
      if (error.kind !== 'conflict') throw error;
      continue;
    }
    logger.info('A progressive sync asked an Application to sync', {
      application: `${application.metadata.namespace ?? ''}/${application.metadata.name}`,
    });
  }
}

function operationOf(application: KubeObject): JsonObject {
  const policy = getObject(application, 'spec', 'syncPolicy');
  const automated = getObject(policy, 'automated');
  const options = getArray(policy, 'syncOptions');
  const prunes = getIn(automated, 'enabled') !== false && getIn(automated, 'prune') === true;
  return {
    initiatedBy: { username: 'applicationset-controller', automated: true },
    info: [
      {
        name: 'Reason',
        value: 'ApplicationSet RollingSync triggered a sync of this Application resource',
      },
    ],
    retry: getObject(policy, 'retry') ?? { limit: 5 },
    sync: {
      ...(options.length === 0 ? {} : { syncOptions: [...options] }),
      ...(prunes ? { prune: true } : {}),
    },
  };
}
