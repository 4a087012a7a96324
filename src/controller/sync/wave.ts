import type { FieldValidation, KubeObject } from '../../kube/index.ts';
import type { SyncWriter } from './writer.ts';

/** One write that a wave announces before its first one. */
export interface WaveStep {
  readonly desired: KubeObject;
  /** What is there now; undefined where there is nothing. */
  readonly before: KubeObject | undefined;
  readonly validation: FieldValidation;
}

/** The writes of one wave: either all of them stand, or what was there before is there again. */
export interface Wave {
  /** Objects that were not announced are written as they are, and stay. */
  readonly writer: SyncWriter;
  /** What was written stands. */
  commit(): Promise<void>;
  /** Takes everything back. Gives what stays as it is, each with its reason; undefined where nothing is taken back. */
  restore(): Promise<readonly string[] | undefined>;
}

/** Opens waves; how they are kept is not the sync's business. */
export type OpenWave = (steps: readonly WaveStep[]) => Promise<Wave>;

/** Writes straight to the cluster, and takes nothing back. */
export function plainWaves(writer: SyncWriter): OpenWave {
  return () =>
    Promise.resolve({
      writer,
      commit: () => Promise.resolve(),
      restore: () => Promise.resolve(undefined),
    });
}
