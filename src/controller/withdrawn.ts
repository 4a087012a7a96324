import { getArray, getObject, getString, isJsonObject, jsonEqual, textOf } from '../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import type { EventRecorder } from './events.ts';
import { kubeTime } from './status.ts';
import type { Watched } from './watch-written.ts';

/** What an object says that was applied, and is as it was before. */
const WITHDRAWN = 'taken back, because what was applied did not become healthy in time';

/** Writes into an Application that its last sync, which had succeeded, was taken back. */
export async function sayWithdrawn(
  {
    writer,
    events,
    clock,
  }: {
    readonly writer: ApplicationWriter;
    readonly events: EventRecorder;
    readonly clock: Clock;
  },
  application: KubeObject,
  { revision, message }: Extract<Watched, { state: 'withdrawn' }>,
  signal: AbortSignal,
): Promise<void> {
  const before = getObject(application, 'status') ?? {};
  const state = getObject(before, 'operationState') ?? {};
  const result = getObject(state, 'syncResult');
  const several = getArray(result, 'revisions').map(textOf).join(', ');
  const text = `Sync operation to ${revision} was taken back: ${message}`;
  if ((several || getString(result, 'revision')) === revision) {
    const operationState: JsonObject = {
      ...state,
      phase: 'Failed',
      message: `${getString(state, 'message') ?? 'successfully synced'}, then ${message}`,
      syncResult: { ...result, resources: getArray(result, 'resources').map(withdrawn) },
      finishedAt: kubeTime(clock.now()),
    };
    const history = getArray(before, 'history').filter((entry) => !isOf(entry, state, result ?? {}));
    await writer.write(application, { status: { ...before, operationState, history } }, signal);
  }
  await events.record(application, 'Warning', 'OperationCompleted', text, signal);
}

function withdrawn(item: JsonValue): JsonValue {
  if (!isJsonObject(item) || getString(item, 'hookType') !== undefined) return item;
  if (getString(item, 'message')?.endsWith(' unchanged') === true) return item;
  return { ...item, status: 'SyncFailed', hookPhase: 'Failed', message: WITHDRAWN };
}

/** The entry that this operation added to the history of what was delivered. */
function isOf(entry: JsonValue, state: JsonObject, result: JsonObject): boolean {
  const revisions = (value: JsonValue): JsonValue => [
    getString(value, 'revision') ?? '',
    [...getArray(value, 'revisions')],
  ];
  return (
    getString(entry, 'deployStartedAt') === getString(state, 'startedAt') &&
    jsonEqual(revisions(entry), revisions(result))
  );
}
