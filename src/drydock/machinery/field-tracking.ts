import type { KubeObject } from '../api/contract.ts';
import type { Engine } from './engine.ts';
import type { WriteRequest } from './write-request.ts';

/** Brings metadata.managedFields up to what a plain write by this manager changed. */
export function trackUpdate(
  _engine: Engine,
  _request: WriteRequest,
  _live: KubeObject | undefined,
  object: KubeObject,
): KubeObject {
  return object;
}
