import type { Logger } from '../../kernel/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import type { Caches, EventRecorder, Pod } from '../controllers/index.ts';
import type { FaultBoard } from '../faults/index.ts';
import type { AddressPool, Target, WorkFolder } from '../runtime/index.ts';
import type { NodeImages } from './images.ts';

export interface PodToken {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export type PodTokens = (
  pod: Pod,
  audience: string | undefined,
  expirationSeconds: number,
) => PodToken | undefined;

/** What the pods of one node share. */
export interface NodeContext {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly caches: Caches;
  readonly recorder: EventRecorder;
  readonly images: NodeImages;
  /** What goes wrong on purpose. */
  readonly faults: FaultBoard;
  readonly addresses: AddressPool;
  readonly work: WorkFolder;
  /** Below the work folder: one folder per pod. */
  readonly folder: string;
  readonly preload: string;
  readonly hostsFile: string;
  /** Where the API server really listens. */
  readonly apiServer: Target;
  /** A token of a service account for this pod; undefined where the account is gone. */
  readonly tokens: PodTokens;
  /** Nothing is heard of this node, and nothing reaches it. */
  readonly isLost: () => boolean;
  /** Only these digests are ever executed. */
  readonly isExecutable: (digests: readonly string[]) => boolean;
}
