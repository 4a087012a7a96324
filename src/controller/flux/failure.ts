import { getString } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { fluxFailure } from '../../boundaries/render/index.ts';
import type { FluxFailure } from '../../boundaries/render/index.ts';
import type { EventRecorder } from '../events.ts';
import type { FailurePolicy } from '../failure-policy.ts';
import type { SyncJournals } from '../journals.ts';
import type { LiveObjects } from '../live.ts';
import { intervalOf } from './kinds.ts';
import type { Source } from './source.ts';

export { fluxFailure as failed };
export type { FluxFailure as Failure };

/** Where the objects of a Kustomization go, as whom. */
export interface FluxTarget {
  readonly client: KubeClient;
  readonly live: LiveObjects;
}

export interface KustomizationOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  /** The files of a source, as they were at a commit or digest. */
  readonly files: (source: Source, signal: AbortSignal) => Promise<FileTree>;
  readonly target: (object: KubeObject, signal: AbortSignal) => Promise<FluxTarget>;
  /** The program that opens what is encrypted. Default `sops`. */
  readonly sops?: string;
  /** Variables without a value fail the build: Flux' feature gate StrictPostBuildSubstitutions. */
  readonly strict: boolean;
  /** Of Kustomizations that say nothing else. */
  readonly policy: FailurePolicy;
  /** Left out: what a failed set has written stays. */
  readonly journals?: SyncJournals;
}

/** Ms after which to look again, if anything is known of it. */
export type Next = { readonly again?: number } | undefined;

/** Ms until a dependency is looked at again. */
export const DEPENDENCY_WAIT = 30_000;
/** Ms between two looks at health. */
export const HEALTH_LOOK = 1000;
/** Between two corrections of the same objects, so that nobody is fought at full speed. */
export const CORRECTION_WAIT = 10_000;

export function timeoutOf(object: KubeObject): number {
  return intervalOf(object, 'timeout', Math.max(30_000, intervalOf(object) - 30_000));
}

export function timeoutText(object: KubeObject): string {
  return getString(object, 'spec', 'timeout') ?? `${Math.round(timeoutOf(object) / 1000)}s`;
}
