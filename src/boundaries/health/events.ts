import { getString } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { HealthSubject } from './facts.ts';
import { firstLine } from './facts.ts';

/** What was told about an object, and when it was told last. */
export interface Told {
  readonly reason: string;
  readonly message: string;
  /** ms. */
  readonly at: number;
}

function timeOf(event: KubeObject): number {
  const times = [
    getString(event, 'series', 'lastObservedTime'),
    getString(event, 'lastTimestamp'),
    getString(event, 'eventTime'),
    event.metadata.creationTimestamp,
  ].map((time) => Date.parse(time ?? ''));
  return times.find((time) => !Number.isNaN(time)) ?? 0;
}

/**
 * The latest event about one of `uids` with one of `reasons`. An event is history: whoever asks has to see that what
 * it tells is still so. Events that were last seen before `since` (ms) are about something else.
 */
export function latestEvent(
  subject: HealthSubject,
  uids: ReadonlySet<string>,
  reasons: ReadonlySet<string>,
  since: number,
): Told | undefined {
  const events = subject.events ?? subject.around?.events(subject.object.metadata.namespace ?? 'default');
  if (events?.state !== 'read') return undefined;
  let latest: Told | undefined;
  for (const event of events.value) {
    const reason = getString(event, 'reason') ?? '';
    if (!reasons.has(reason) || !uids.has(getString(event, 'involvedObject', 'uid') ?? '')) continue;
    const at = timeOf(event);
    // Times of events are whole seconds.
    if (at + 1000 <= since || (latest !== undefined && latest.at >= at)) continue;
    latest = { reason, message: firstLine(getString(event, 'message') ?? ''), at };
  }
  return latest;
}
