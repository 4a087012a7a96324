import type { Logger } from '../../kernel/index.ts';
import type { InProcessApi } from '../api/contract.ts';
import type { Caches, EventRecorder } from '../controllers/index.ts';
import type { AddressPool, WorkFolder } from '../runtime/index.ts';
import type { NodeImages } from './images.ts';

/** What the pods of one node share. */
export interface NodeContext {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly caches: Caches;
  readonly recorder: EventRecorder;
  readonly images: NodeImages;
  readonly addresses: AddressPool;
  readonly work: WorkFolder;
  /** Below the work folder: one folder per pod. */
  readonly folder: string;
  readonly preload: string;
  readonly hostsFile: string;
  /** Only these digests are ever executed. */
  readonly isExecutable: (digests: readonly string[]) => boolean;
}
