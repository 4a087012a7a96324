import { jsonEqual } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { ApiStatusError } from '../api/contract.ts';
import type { KubeObject, OwnerReference } from '../api/contract.ts';

export function isConflict(error: unknown): boolean {
  return error instanceof ApiStatusError && error.code === 409 && error.reason === 'Conflict';
}

export function isAlreadyExists(error: unknown): boolean {
  return error instanceof ApiStatusError && error.reason === 'AlreadyExists';
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiStatusError && error.code === 404;
}

/** Whether a create failed because its namespace is being deleted: nothing to retry then. */
export function isNamespaceTerminating(error: unknown): boolean {
  if (!(error instanceof ApiStatusError) || error.code !== 403) return false;
  return (
    JSON.stringify(error.details ?? {}).includes('NamespaceTerminating') ||
    error.message.includes('being terminated')
  );
}

/** The reference by which a controller owns what it creates. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Leaves out what is undefined, and zeros where the original's JSON omits them. */
export function omitEmpty<T extends object>(value: T): T {
  return Object.fromEntries(
    Object.entries(value).filter(([, field]) => field !== undefined && field !== 0),
  ) as T;
}

const BURST = 500;

/**
 * Runs `count` calls in batches of 1, 2, 4 ... and stops at the first batch with a failure, so that a broken template
 * costs one request and not hundreds (controller_utils' slow start). Throws the first failure.
 */
export async function slowStart(count: number, call: (index: number) => Promise<void>): Promise<number> {
  const total = Math.min(count, BURST);
  let done = 0;
  for (let batch = 1; done < total; batch *= 2) {
    const size = Math.min(batch, total - done);
    const results = await Promise.allSettled(Array.from({ length: size }, (_, index) => call(done + index)));
    const failed = results.find((result) => result.status === 'rejected');
    done += results.filter((result) => result.status === 'fulfilled').length;
    if (failed !== undefined) throw failed.reason;
  }
  return done;
}

/** Same JSON: for parts of API objects, whose types have no index signature. */
export function sameJson(a: unknown, b: unknown): boolean {
  return jsonEqual(a as JsonValue | undefined, b as JsonValue | undefined);
}
