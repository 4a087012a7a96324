import type { JsonObject } from '../../../kernel/index.ts';
import type { ChartOptions } from '../../../boundaries/render/index.ts';
import type { Waits } from '../../waits.ts';
import type { KustomizationOptions } from '../failure.ts';
import type { createReleaseRenderer } from './render.ts';

/** One attempt at a release that goes on over several turns. Kept in memory: after a restart it begins anew. */
export interface RunningRelease {
  readonly digest: string;
  /** ms since the epoch. */
  readonly startedAt: number;
  readonly results: readonly JsonObject[];
  /** It only puts right what differs. */
  readonly isDrift: boolean;
}

export interface ReleaseOptions
  extends
    Pick<KustomizationOptions, 'client' | 'clock' | 'events' | 'files' | 'target' | 'policy' | 'journals'>,
    Pick<ChartOptions, 'helm' | 'versions'> {
  readonly render: ReturnType<typeof createReleaseRenderer>;
  readonly running: Map<string, RunningRelease>;
  readonly waits: Waits;
}
