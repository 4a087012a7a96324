import { createHash } from 'node:crypto';
import { getArray, getIn, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeObject, ObjectRef } from '../../kube/index.ts';
import type { Turn } from '../queue.ts';
import { kubeTime } from '../status.ts';
import { isSkipped } from './apply.ts';
import { HEALTH_LOOK, failed, timeoutOf, timeoutText } from './failure.ts';
import type { FluxTarget, KustomizationOptions, Next } from './failure.ts';
import { readinessOf, rulesOf, unusable } from './health.ts';
import { conditionOf, handled, intervalOf, withConditions, writeStatus } from './kinds.ts';
import type { Conditions } from './kinds.ts';
import type { Source } from './source.ts';

/** After everything is applied: health, where it is asked for, and then Ready. */
export async function settle(
  options: KustomizationOptions,
  object: KubeObject,
  source: Source,
  target: FluxTarget,
  desired: readonly KubeObject[],
  turn: Turn,
): Promise<Next> {
  const { client, clock, events } = options;
  const { revision } = source;
  const checked = checkedRefs(object, desired);
  const wasReady =
    getString(conditionOf(object, 'Ready'), 'status') === 'True' &&
    getString(object, 'status', 'lastAppliedRevision') === revision &&
    getIn(object, 'status', 'observedGeneration') === object.metadata.generation;
  if (checked.length > 0) {
    const found = await target.live.read(checked, 'watched', turn.signal);
    const rules = rulesOf(getArray(object, 'spec', 'healthCheckExprs'));
    const readings = found.map((each) => readinessOf(each, rules, clock.now()));
    const current = found.flatMap((each, index) =>
      each !== undefined && readings[index] === 'Current' ? [each] : [],
    );
    // What was proven once is watched; before, it is looked at whether it is as good as it says.
    const doubtful = wasReady
      ? new Set<KubeObject>()
      : await unusable(target.client, current, rules, clock.now(), turn.signal);
    const waiting = checked.flatMap((ref, at) => {
      const isDoubtful = current.some((each) => each === found[at] && doubtful.has(each));
      const readiness = isDoubtful ? 'InProgress' : (readings[at] ?? 'NotFound');
      return readiness === 'Current' ? [] : [{ ref, readiness }];
    });
    if (waiting.length > 0) {
      // What was ready and is not now is looked at again at the next interval, as Flux does it.
      if (wasReady && turn.level === 'live') return { again: intervalOf(object) };
      return wait(options, object, revision, waiting, turn);
    }
  }
  const message = `Applied revision: ${revision}`;
  const healthy: Conditions =
    checked.length === 0
      ? { Healthy: undefined }
      : getString(conditionOf(object, 'Healthy'), 'status') === 'True'
        ? {}
        : {
            Healthy: {
              status: 'True',
              reason: 'Succeeded',
              message: `Health check passed in ${sinceText(object, clock.now())}`,
            },
          };
  await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAppliedRevision: revision,
      lastAttemptedRevision: revision,
      observedGeneration: object.metadata.generation ?? 1,
      ...(wasReady ? {} : { history: withHistory(object, desired, revision, clock.now()) }),
      conditions: withConditions(
        object,
        {
          Ready: { status: 'True', reason: 'ReconciliationSucceeded', message },
          Reconciling: undefined,
          Stalled: undefined,
          ...healthy,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  if (!wasReady) {
    const text = `Reconciliation finished, next run in ${getString(object, 'spec', 'interval') ?? '5m'}`;
    await events.record(object, 'Normal', 'ReconciliationSucceeded', text, turn.signal);
  }
  return { again: intervalOf(object) };
}

const HISTORY = 5;

/** `status.history`: what was delivered, newest first; the same again is counted. */
function withHistory(
  object: KubeObject,
  desired: readonly KubeObject[],
  revision: string,
  now: number,
): JsonValue[] {
  const before = getArray(object, 'status', 'history');
  const digest = `sha256:${createHash('sha256').update(JSON.stringify(desired)).digest('hex')}`;
  const [last] = before;
  const isSame = getString(last, 'digest') === digest && getString(last, 'metadata', 'revision') === revision;
  const begun = Date.parse(getString(conditionOf(object, 'Reconciling'), 'lastTransitionTime') ?? '');
  const entry: JsonObject = {
    digest,
    firstReconciled: (isSame ? getString(last, 'firstReconciled') : undefined) ?? kubeTime(now),
    lastReconciled: kubeTime(now),
    lastReconciledDuration: `${Number.isNaN(begun) ? 0 : Math.max(0, Math.round((now - begun) / 1000))}s`,
    lastReconciledStatus: 'ReconciliationSucceeded',
    totalReconciliations: (isSame ? (getNumber(last, 'totalReconciliations') ?? 0) : 0) + 1,
    metadata: { revision },
  };
  return [entry, ...before.slice(isSame ? 1 : 0)].slice(0, HISTORY);
}

/** Whether it says that somebody waits for health. */
export function isHealthAsked(object: KubeObject): boolean {
  return getIn(object, 'spec', 'wait') === true || getArray(object, 'spec', 'healthChecks').length > 0;
}

/** `wait` checks everything that is applied, `healthChecks` what they name; never the Kustomization itself. */
function checkedRefs(object: KubeObject, desired: readonly KubeObject[]): readonly ObjectRef[] {
  const refs =
    getIn(object, 'spec', 'wait') === true
      ? desired.filter((each) => !isSkipped(each, undefined)).map(refOf)
      : getArray(object, 'spec', 'healthChecks').map((check): ObjectRef => {
          const namespace = getString(check, 'namespace') || undefined;
          return {
            apiVersion: getString(check, 'apiVersion') ?? '',
            kind: getString(check, 'kind') ?? '',
            name: getString(check, 'name') ?? '',
            ...(namespace === undefined ? {} : { namespace }),
          };
        });
  return refs.filter(
    (ref) =>
      !(
        ref.kind === 'Kustomization' &&
        ref.name === object.metadata.name &&
        ref.namespace === object.metadata.namespace
      ),
  );
}

function sinceText(object: KubeObject, now: number): string {
  const since = Date.parse(getString(conditionOf(object, 'Healthy'), 'lastTransitionTime') ?? '');
  return `${Number.isNaN(since) ? 0 : Math.max(0, Math.round((now - since) / 1000))}s`;
}

async function wait(
  { client, clock }: KustomizationOptions,
  object: KubeObject,
  revision: string,
  waiting: readonly { readonly ref: ObjectRef; readonly readiness: string }[],
  turn: Turn,
): Promise<Next> {
  const healthy = conditionOf(object, 'Healthy');
  const message = `Running health checks for revision ${revision} with a timeout of ${timeoutText(object)}`;
  const begun = Date.parse(getString(healthy, 'lastTransitionTime') ?? '');
  const running =
    getString(healthy, 'status') === 'Unknown' &&
    getString(healthy, 'message') === message &&
    !Number.isNaN(begun);
  const names = waiting.map(
    ({ ref, readiness }) =>
      `${ref.namespace === undefined ? '' : `${ref.kind}/${ref.namespace}/`}${ref.namespace === undefined ? `${ref.kind}/` : ''}${ref.name} status: '${readiness}'`,
  );
  const lost = waiting.some(({ readiness }) => readiness === 'Failed');
  const over = running && clock.now() - begun >= timeoutOf(object);
  if (lost || over) {
    const after = running ? Math.round((clock.now() - begun) / 1000) : 0;
    const what = lost
      ? `failed early due to stalled resources: [${names.join(', ')}]`
      : `timeout waiting for: [${names.join(', ')}]`;
    throw failed({ reason: 'HealthCheckFailed', message: `health check failed after ${after}s: ${what}` });
  }
  await writeStatus(
    client,
    object,
    {
      ...getObject(object, 'status'),
      ...handled(object),
      lastAttemptedRevision: revision,
      conditions: withConditions(
        object,
        {
          Ready: { status: 'Unknown', reason: 'Progressing', message: 'Reconciliation in progress' },
          Reconciling: { status: 'True', reason: 'Progressing', message },
          // A new check begins its own time.
          Healthy: { status: 'Unknown', reason: 'Progressing', message },
          Stalled: undefined,
        },
        clock.now(),
      ),
    },
    turn.signal,
  );
  return { again: HEALTH_LOOK };
}
