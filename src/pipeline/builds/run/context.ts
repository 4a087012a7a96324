import type { GitMirror } from '../../../git/index.ts';
import type { Clock, Logger } from '../../../kernel/index.ts';
import type { Builds, BuildState } from '../../../ledger/index.ts';
import type { BuildRecord, RegistryClient } from '../../../oci/index.ts';

/** How a run ended. */
export interface Ended {
  readonly state: BuildState;
  /** One sentence: why. */
  readonly message: string;
}

export interface RunContext {
  readonly builds: Builds;
  /** The repository that is built, with the credentials that it needs. */
  readonly openSource: (repository: string, signal: AbortSignal) => Promise<GitMirror>;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where workspaces are made. */
  readonly folder: string;
  /** Where `secretEnv` looks variables up, and PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** An image that Landfall itself made was pushed. */
  readonly onPushed?: (record: BuildRecord) => Promise<void>;
  /** Between SIGTERM and SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  /** Ms between two looks whether somebody asked for an end. Default 1,000. */
  readonly heartbeatMs?: number;
}
