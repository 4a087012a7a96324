import type { Hold } from '../../ledger/index.ts';
import type { Updater } from './configuration/index.ts';
import type { ImageDecision } from './decision.ts';
import type { ImageEdit } from './write.ts';

/**
 * How a cycle of one updater ended. `current`: there was nothing to do. `committed`: Git asks for what the policies
 * choose. `proposed`: a pull request does. `would-commit`: it was only asked what would be done. `held`, `limited`,
 * `suspended`: there is something to do, and it is not done by itself. `failed`: it could not be done; nothing was
 * committed.
 */
export type UpdateOutcome =
  | 'current'
  | 'committed'
  | 'proposed'
  | 'would-commit'
  | 'held'
  | 'limited'
  | 'suspended'
  | 'failed';

/** What a cycle found and did for one updater. */
export interface UpdateReport {
  readonly updater: Updater;
  /** ISO 8601. */
  readonly at: string;
  readonly outcome: UpdateOutcome;
  /** One sentence. */
  readonly why: string;
  readonly hint?: string;
  readonly code?: string;
  readonly images: readonly ImageDecision[];
  readonly edits: readonly ImageEdit[];
  readonly warnings: readonly string[];
  readonly holds: readonly Hold[];
  /** The commit that this cycle made, or found made by another. */
  readonly commit: string | undefined;
  /** Branch that it is on. */
  readonly branch: string | undefined;
  readonly pullRequest?: { readonly number: number; readonly url: string };
  /** The newest commit of an updater for this application in the history that was looked at. */
  readonly last: LastUpdate | undefined;
}

export interface LastUpdate {
  readonly commit: string;
  readonly time: string;
  readonly subject: string;
}
