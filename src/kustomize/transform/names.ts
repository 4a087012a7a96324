import { tags } from '../../kernel/index.ts';
import type { TextAt } from '../decode.ts';
import { applyFieldSpec } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { gvkSelected } from '../ids.ts';
import { newScalar, overwriteScalar } from '../nodes.ts';
import { appended } from '../previous-ids.ts';
import type { Resource } from '../resource.ts';
import type { Transformer } from './transformer.ts';

const untouched = [
  { group: '', version: '', kind: 'CustomResourceDefinition' },
  { group: 'apiregistration.k8s.io', version: '', kind: 'APIService' },
  { group: '', version: '', kind: 'Namespace' },
] as const;

export function prefixTransformer(prefix: TextAt, fields: readonly FieldSpec[]): Transformer {
  return affix(
    'PrefixTransformer',
    'namePrefix',
    prefix,
    fields,
    (resource) => {
      resource.prefixes = appended(resource.prefixes, prefix.text);
    },
    (old) => prefix.text + old,
  );
}

export function suffixTransformer(suffix: TextAt, fields: readonly FieldSpec[]): Transformer {
  return affix(
    'SuffixTransformer',
    'nameSuffix',
    suffix,
    fields,
    (resource) => {
      resource.suffixes = appended(resource.suffixes, suffix.text);
    },
    (old) => old + suffix.text,
  );
}

/** Source: plugin/builtin/prefixtransformer and suffixtransformer. */
function affix(
  type: string,
  by: string,
  text: TextAt,
  fields: readonly FieldSpec[],
  record: (resource: Resource) => void,
  change: (old: string) => string,
): Transformer {
  return {
    type,
    transform(map) {
      for (const resource of map.list) {
        const id = resource.originalId;
        if (untouched.some((gvk) => gvkSelected(id, gvk))) continue;
        for (const spec of fields) {
          if (!gvkSelected(id, spec)) continue;
          if (spec.path === 'metadata/name' && text.text !== '') {
            record(resource);
            resource.rememberId();
          }
          applyFieldSpec(resource.node, spec, {
            set: (field) => {
              const name = change(field.value);
              // Setting an empty text changes nothing, and leaves it a text.
              if (name !== '') overwriteScalar(field, newScalar(name, '', text.node, by));
            },
            create: 'scalar',
            createTag: tags.str,
          });
        }
        resource.touch();
      }
    },
  };
}
