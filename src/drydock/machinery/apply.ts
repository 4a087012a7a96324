import type { JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { Engine } from './engine.ts';
import { badRequest } from './status-errors.ts';
import type { WriteRequest } from './write-request.ts';

/** Server-side apply. */
export function applyObject(
  _engine: Engine,
  _request: WriteRequest,
  _name: string,
  _patch: JsonValue,
): Promise<{ readonly object: KubeObject; readonly created: boolean }> {
  return Promise.reject(badRequest('server-side apply is not served yet'));
}
