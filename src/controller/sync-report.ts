import { getString } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { syncCounts, syncCountsText } from '../boundaries/sync/index.ts';
import type { EventRecorder } from './events.ts';
import type { SyncRequest } from './operation.ts';
import type { SyncOutcome } from './outcome.ts';

interface Reported {
  readonly commit: string;
  readonly request: SyncRequest;
  /** Milliseconds since the epoch. */
  readonly begun: number;
}

/** Tells how an attempt ended: the log, and whoever reads Events. */
export interface SyncReporter {
  report(key: string, run: Reported, outcome: SyncOutcome, state: JsonObject): void;
  announce(
    application: KubeObject,
    run: Reported,
    outcome: SyncOutcome,
    state: JsonObject,
    signal: AbortSignal,
  ): Promise<void>;
}

export function createSyncReporter(options: {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
}): SyncReporter {
  const { clock, logger, events } = options;

  /** One line a sync, whose numbers are counted from its results. */
  function report(key: string, run: Reported, outcome: SyncOutcome, state: JsonObject): void {
    const counts = syncCounts(
      outcome.results.map((item) => ({
        status: getString(item, 'status') ?? '',
        message: getString(item, 'message') ?? '',
        hookPhase: getString(item, 'hookPhase') ?? '',
      })),
    );
    const text = `Sync ${outcome.phase.toLowerCase()}. Resources: ${syncCountsText(counts)}`;
    const fields = {
      application: key,
      revision: run.commit,
      phase: getString(state, 'phase') ?? '',
      operationMessage: getString(state, 'message') ?? '',
      tookMs: clock.now() - run.begun,
    };
    if (outcome.phase === 'Succeeded') logger.info(text, fields);
    else logger.warn(text, fields);
  }

  async function announce(
    application: KubeObject,
    run: Reported,
    outcome: SyncOutcome,
    state: JsonObject,
    signal: AbortSignal,
  ): Promise<void> {
    const what = run.request.only.length > 0 ? 'Partial sync operation' : 'Sync operation';
    const to = run.commit === '' ? '' : ` to ${run.commit}`;
    if (outcome.phase === 'Succeeded') {
      await events.record(application, 'Normal', 'OperationCompleted', `${what}${to} succeeded`, signal);
    } else {
      const message = `${what}${to} failed: ${getString(state, 'message') ?? ''}`;
      await events.record(application, 'Warning', 'OperationCompleted', message, signal);
    }
  }

  return { report, announce };
}
