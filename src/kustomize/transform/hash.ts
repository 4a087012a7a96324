import type { Resource } from '../resource.ts';
import type { Transformer } from './transformer.ts';

/**
 * Appends the hash of their content to the names of generated objects. What computes it is loaded only where
 * one of `resources` needs it; without them it always is.
 */
export async function hashTransformer(resources?: readonly Resource[]): Promise<Transformer> {
  if (resources?.every((resource) => !resource.needsHash) === true) {
    return { type: 'HashTransformer', transform() {} };
  }
  const { contentHash } = await import('../generate/hash.ts');
  return {
    type: 'HashTransformer',
    transform(map) {
      for (const resource of map.list) {
        if (!resource.needsHash) continue;
        const hash = contentHash(resource.node);
        resource.rememberId();
        const name = resource.node.get('metadata')?.get('name');
        resource.setName(`${resource.name}-${hash}`, name, 'hash');
      }
    },
  };
}
