import type { Clock } from '../../kernel/index.ts';
import type { Container, Probe } from '../controllers/index.ts';
import type { ProbeKind } from './probe-counter.ts';
import type { Outcome } from './probe.ts';
import { startProber } from './prober.ts';
import type { Prober } from './prober.ts';

export interface ContainerProbesOptions {
  readonly spec: Container;
  readonly clock: Clock;
  readonly run: (probe: Probe, signal: AbortSignal) => Promise<Outcome>;
  /** The sentence of the Unhealthy event. */
  readonly onUnhealthy: (message: string) => void;
  readonly onState: (state: { readonly started: boolean; readonly ready: boolean }) => void;
  /** Liveness or startup failed for good: the container has to be restarted. */
  readonly onDead: (kind: 'liveness' | 'startup', probe: Probe) => void;
}

/** Probes one run of a container: the startup probe alone first, then readiness and liveness. Answers how to stop. */
export function startContainerProbes(options: ContainerProbesOptions): () => void {
  const { spec, clock, onState, onDead } = options;
  const { startupProbe, readinessProbe, livenessProbe } = spec;
  const probers: Prober[] = [];

  function start(kind: ProbeKind, probe: Probe, onTurn: (passing: boolean) => void): Prober {
    const name = kind.charAt(0).toUpperCase() + kind.slice(1);
    const prober = startProber({
      clock,
      kind,
      probe,
      attempt: (signal) => options.run(probe, signal),
      onFailure: (message) => options.onUnhealthy(`${name} probe failed: ${message}`),
      onTurn,
    });
    probers.push(prober);
    return prober;
  }

  function afterStart(): void {
    if (readinessProbe !== undefined) {
      start('readiness', readinessProbe, (ready) => onState({ started: true, ready }));
    }
    if (livenessProbe !== undefined)
      start('liveness', livenessProbe, () => onDead('liveness', livenessProbe));
  }

  if (startupProbe === undefined) {
    afterStart();
  } else {
    const startup = start('startup', startupProbe, (passing) => {
      startup.stop();
      if (!passing) {
        onDead('startup', startupProbe);
        return;
      }
      afterStart();
      onState({ started: true, ready: readinessProbe === undefined });
    });
  }
  return () => {
    for (const prober of probers) prober.stop();
  };
}
