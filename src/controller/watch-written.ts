import type { Clock } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../kube/index.ts';
import { isWorkload } from '../boundaries/index.ts';
import { lookAtHealth, objectHealth } from '../boundaries/health/index.ts';
import type { LedgerSubject } from '../ledger/index.ts';
import type { FailurePolicy } from './failure-policy.ts';
import type { SyncJournals } from './journals.ts';
import type { LiveObjects } from './live.ts';
import type { TakenBack } from './sync/index.ts';
import { ownDeadlineMs, progressOf, writtenHealth } from './written-health.ts';
import type { Written } from './written-health.ts';

/** How far a sync is that was written, and is watched. */
export type Watched =
  | { readonly state: 'nothing' }
  /** Look again after so many ms, if nothing changes before. */
  | { readonly state: 'moving'; readonly again: number }
  | {
      readonly state: 'withdrawn';
      readonly revision: string;
      /** Why, and what became of it: the end of a sentence about the sync. */
      readonly message: string;
      readonly back: TakenBack;
      /** Deleted by the sync, and there again. */
      readonly revived: readonly ObjectRef[];
    };

export interface WatchOptions {
  readonly journals: SyncJournals | undefined;
  readonly clock: Clock;
  readonly subject: LedgerSubject;
  readonly target: { readonly client: KubeClient; readonly live: LiveObjects };
  readonly policy: FailurePolicy;
  /** Nothing may be written now (a sync window): what is due waits. */
  readonly mayWrite: () => boolean;
}

/** A container that nobody probes is ready when it starts: it has to stay so for a while. */
const STEADY = 10_000;
const LOOK_AGAIN = 10_000;
const NOTHING: Watched = { state: 'nothing' };

/**
 * Looks once at what the last sync wrote: healthy, it stands for good; not healthy when its time is up, everything
 * goes back and the revision is held. What happens to it after it was healthy once is no reason to take it back.
 */
export async function watchWritten(options: WatchOptions, signal: AbortSignal): Promise<Watched> {
  const { journals, clock, subject, target, policy } = options;
  const proving = await journals?.proving(target.client, subject);
  if (journals === undefined || proving === undefined) return NOTHING;
  const { written, since, revision } = proving;
  if (policy.onFailure === 'keep') {
    await journals.stand(subject, 'it is left as it is, healthy or not, because that was asked for');
    return NOTHING;
  }
  const refs = written.map(({ ref }) => ref);
  const limit = Math.max(policy.healthTimeoutMs, ownDeadlineMs(written));
  const seen = await target.live.read(refs, 'watched', signal);
  const further = proving.furtherAt(progressOf(seen));
  const elapsed = clock.now() - since;
  // Who gets further, however slowly, is not late.
  const left = further + limit - clock.now();
  const early = writtenHealth(written, seen);
  if (early.waiting.length > 0 && left > 0) return { state: 'moving', again: left };
  const steady = written.some(({ after }) => isWorkload(after)) ? STEADY : 0;
  if (elapsed < Math.min(steady, limit)) return { state: 'moving', again: Math.min(steady, limit) - elapsed };
  // What the watches brought may be older than the write.
  const { waiting, reasons } = await askedAnew(options, written, signal);
  if (waiting.length === 0) {
    await journals.stand(subject, 'everything that was written became healthy');
    return NOTHING;
  }
  if (left > 0) return { state: 'moving', again: Math.min(left, LOOK_AGAIN) };
  if (reasons.length === 0) {
    await journals.stand(
      subject,
      `left as it is, though it is not known to be healthy: ${waiting.join('; ')}`,
    );
    return NOTHING;
  }
  if (!options.mayWrite()) return { state: 'moving', again: LOOK_AGAIN };
  const why = `not healthy ${seconds(elapsed)} after it was applied: ${reasons.slice(0, 5).join('; ')}`;
  const back = await journals.withdraw(subject, why);
  if (back === undefined) return NOTHING;
  return { state: 'withdrawn', revision, message: `${why}, and ${back.note}`, back, revived: proving.pruned };
}

/** By the API server's own answers; what says that it is healthy is looked at whether its pods agree. */
async function askedAnew(
  { target, clock }: WatchOptions,
  written: readonly Written[],
  signal: AbortSignal,
): Promise<{ readonly waiting: readonly string[]; readonly reasons: readonly string[] }> {
  const { client, live } = target;
  const stored = await live.read(
    written.map(({ ref }) => ref),
    'fresh',
    signal,
  );
  const first = writtenHealth(written, stored);
  if (first.waiting.length > 0) return first;
  const workloads = stored.filter(
    (object): object is KubeObject => object !== undefined && isWorkload(object),
  );
  const subjects = await lookAtHealth(client, workloads, undefined, signal);
  const now = clock.now();
  const waiting = subjects.flatMap((subject) => {
    const { state, text } = objectHealth(subject, now);
    return state === 'moving' || state === 'broken' ? [`${objectName(subject.object)}: ${text}`] : [];
  });
  return { waiting, reasons: waiting };
}

function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  return whole < 120 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}
