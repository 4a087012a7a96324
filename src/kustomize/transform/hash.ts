import { contentHash } from '../generate/hash.ts';
import type { Transformer } from './transformer.ts';

/** Appends the hash of their content to the names of generated objects. */
export function hashTransformer(): Transformer {
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
