import type { Clock, Timer } from '../../kernel/index.ts';
import type { Probe } from '../controllers/index.ts';
import { probeCounter } from './probe-counter.ts';
import type { ProbeKind } from './probe-counter.ts';
import type { Outcome } from './probe.ts';

export interface ProberOptions {
  readonly clock: Clock;
  readonly kind: ProbeKind;
  readonly probe: Probe;
  readonly attempt: (signal: AbortSignal) => Promise<Outcome>;
  /** Called when the probe turns; `passing` as it is from now on. */
  readonly onTurn: (passing: boolean) => void;
  readonly onFailure: (message: string) => void;
}

export interface Prober {
  readonly passing: boolean;
  stop(): void;
}

/** What a kubelet does soon after a start, before the first period is over: it looks again when a status changes. */
const EARLY_ATTEMPTS_MS = [250, 1000];

/** Probes one run of a container until it is stopped: after the initial delay, then once a period. */
export function startProber(options: ProberOptions): Prober {
  const { clock, kind, probe, attempt, onTurn, onFailure } = options;
  const counter = probeCounter(kind, probe);
  const periodMs = (probe.periodSeconds ?? 10) * 1000;
  const started = clock.now();
  const readyAfterMs = (probe.initialDelaySeconds ?? 0) * 1000;
  const controller = new AbortController();
  let timer: Timer | undefined;
  let stopped = false;

  function nextDelay(): number {
    const elapsed = clock.now() - started;
    const early =
      kind === 'liveness' ? undefined : EARLY_ATTEMPTS_MS.find((at) => at > elapsed && at < periodMs);
    if (early !== undefined && !counter.passing && readyAfterMs === 0) return early - elapsed;
    if (elapsed < readyAfterMs) return readyAfterMs - elapsed;
    return periodMs - (elapsed % periodMs);
  }

  function schedule(): void {
    if (!stopped) timer = clock.after(nextDelay(), () => void once());
  }

  async function once(): Promise<void> {
    const outcome = await attempt(controller.signal);
    if (stopped) return;
    if (!outcome.success) onFailure(outcome.message);
    const turned = counter.count(outcome.success);
    if (turned) onTurn(counter.passing);
    schedule();
  }

  schedule();
  return {
    get passing() {
      return counter.passing;
    },
    stop() {
      stopped = true;
      timer?.cancel();
      controller.abort();
    },
  };
}
