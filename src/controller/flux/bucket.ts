import type { KubeObject } from '../../kube/index.ts';
import type { Turn } from '../queue.ts';
import { bucketAdvice } from './source.ts';
import { reconcileSource, sourceFailed } from './source-status.ts';
import type { SourceOptions } from './source-status.ts';

/** A Bucket is not fetched; its status says what to do instead. */
export async function reconcileBucket(
  options: SourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  return reconcileSource(options, source, turn, {
    failed: 'BucketOperationFailed',
    find() {
      const message = `buckets are not fetched by this controller; ${bucketAdvice(source.metadata.name)}`;
      throw sourceFailed({ reason: 'Unsupported', message, stalled: true });
    },
  });
}
