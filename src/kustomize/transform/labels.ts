import { tags } from '../../kernel/index.ts';
import type { TextAt } from '../decode.ts';
import { SpecIndex, applyPath, concerns } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { compareText } from '../ids.ts';
import { newScalar, setField } from '../nodes.ts';
import type { Transformer } from './transformer.ts';

export function labelTransformer(
  pairs: ReadonlyMap<string, TextAt>,
  fields: readonly FieldSpec[],
): Transformer {
  return entries('LabelTransformer', 'labels', pairs, fields);
}

export function annotationTransformer(
  pairs: ReadonlyMap<string, TextAt>,
  fields: readonly FieldSpec[],
): Transformer {
  return entries('AnnotationsTransformer', 'commonAnnotations', pairs, fields);
}

/** Source: api/filters/labels and api/filters/annotations. */
function entries(
  type: string,
  by: string,
  pairs: ReadonlyMap<string, TextAt>,
  fields: readonly FieldSpec[],
): Transformer {
  const keys = [...pairs.keys()].sort(compareText);
  const noted = fields.some((spec) => !spec.create && spec.path === 'metadata/annotations');
  return {
    type,
    transform(map) {
      const index = new SpecIndex(fields);
      for (const resource of map.list) {
        if (noted) resource.makeRoomForNotes();
        for (const key of keys) {
          const at = pairs.get(key);
          if (at === undefined) continue;
          // One node for all fields of the object: see `assign`.
          const value = newScalar(at.text, tags.str, at.node, by);
          for (const spec of index.ofObject(resource.node)) {
            if (!concerns(spec, resource)) continue;
            applyPath(resource.node, spec, {
              set: (field) => setField(field, key, value),
              create: 'map',
              createTag: tags.map,
            });
          }
        }
      }
    },
  };
}
