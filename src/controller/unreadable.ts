import { asLandfallError, getArray, getString, isJsonObject } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { ApplicationWriter } from './application-writer.ts';
import { compareWithoutTarget } from './comparison.ts';
import type { Subject } from './look.ts';
import { comparedStatus } from './status.ts';

/** A server that does not answer for a moment is not yet worth a word. */
const GRACE = 20_000;

/** Says of applications whose cluster cannot be read that nothing is known of them, and why. */
export interface Unreadable {
  /** The turn failed; what it says about the cluster of the application goes into its status. Never throws. */
  say(subject: Subject, thrown: unknown, signal: AbortSignal): Promise<void>;
  /** The application was read, or is gone. */
  forget(key: string): void;
}

export function createUnreadable(options: {
  readonly clock: Clock;
  readonly writer: ApplicationWriter;
  /** The server that holds the Applications: while it is away nothing can be said either. */
  readonly home: string;
}): Unreadable {
  const { clock, writer, home } = options;
  const since = new Map<string, number>();

  /** Undefined: it is about something else, or too early to say. */
  function messageOf({ key, cluster }: Subject, thrown: unknown): string | undefined {
    const error = asLandfallError(thrown);
    if (!error.code.startsWith('kube-')) return undefined;
    if (error.kind === 'denied') return error.message;
    if (error.kind !== 'unavailable' || cluster.server === home) return undefined;
    const first = since.get(key) ?? clock.now();
    since.set(key, first);
    return clock.now() - first < GRACE ? undefined : error.message;
  }

  return {
    async say(subject, thrown, signal) {
      const message = messageOf(subject, thrown);
      if (message === undefined) return;
      const { application, spec } = subject;
      const listed = getArray(application, 'status', 'resources')
        .filter(isJsonObject)
        .map((item): JsonObject =>
          getString(item, 'status') === undefined ? item : { ...item, status: 'Unknown' },
        );
      const status = comparedStatus({
        application,
        spec,
        comparison: { ...compareWithoutTarget([]), resources: listed },
        target: undefined,
        commit: undefined,
        invalid: true,
        conditions: [{ type: 'ComparisonError', message: `Failed to load live state: ${message}` }],
        reconciled: true,
        now: clock.now(),
      });
      try {
        await writer.write(application, { status }, signal);
      } catch {
        // The next turn says it: what the caller has to tell is why this one failed.
      }
    },
    forget: (key) => {
      since.delete(key);
    },
  };
}
