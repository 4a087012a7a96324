import type { KubeObject } from '../api/contract.ts';
import type { WriteRequest } from './write-request.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE';

/** One step that may change or refuse a write. `object` is the step's own to change. */
export interface AdmissionPlugin {
  readonly name: string;
  /** Before validation; may change the object. */
  mutate?(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): void;
  /** After validation; throws ApiStatusError to refuse. */
  validate?(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): void;
  /** Steps that ask somebody over the network; undefined when this write does not concern them. */
  mutateRemote?(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<KubeObject> | undefined;
  validateRemote?(
    operation: AdmissionOperation,
    object: KubeObject,
    old: KubeObject | undefined,
    request: WriteRequest,
  ): Promise<void> | undefined;
}
