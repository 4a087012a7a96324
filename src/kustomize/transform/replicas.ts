import { LandfallError, tags } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import type { Fields } from '../decode.ts';
import { applyFieldSpec } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { gvkSelected, gvkText } from '../ids.ts';
import { newScalar, overwriteScalar } from '../nodes.ts';
import type { Transformer } from './transformer.ts';

export interface ReplicaEntry {
  readonly name: string;
  readonly count: number;
  readonly cause: YamlNode;
}

export function readReplica(fields: Fields): ReplicaEntry {
  return {
    name: fields.text('name'),
    count: fields.integer('count') ?? 0,
    cause: fields.at('count') ?? fields.node,
  };
}

/** Source: plugin/builtin/replicacounttransformer. */
export function replicaTransformer(replica: ReplicaEntry, fields: readonly FieldSpec[]): Transformer {
  return {
    type: 'ReplicaCountTransformer',
    transform(map) {
      let found = false;
      for (const spec of fields) {
        const matching = map.matchingAnyId(
          replica.name,
          (id) => id.name === replica.name && gvkSelected(id, spec),
        );
        for (const resource of matching) {
          found = true;
          applyFieldSpec(resource.node, spec, {
            set: (field) =>
              overwriteScalar(field, newScalar(String(replica.count), tags.int, replica.cause, 'replicas')),
            create: 'scalar',
            createTag: tags.int,
          });
        }
      }
      if (found) return;
      throw new LandfallError(
        `${replica.cause.where}: resource with name ${replica.name} does not match a config with the following GVK [${fields.map(gvkText).join(' ')}]`,
        {
          kind: 'invalid-input',
          code: 'replicas-no-match',
          object: replica.cause.where,
          hint: 'Use the name the object has in its file, or a configuration that names its kind.',
        },
      );
    },
  };
}
