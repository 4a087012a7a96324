import type { FieldSource, RenderedSet } from '../../boundaries/index.ts';
import { fullRepository } from '../../boundaries/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { ImageChange } from './contract.ts';
import { splitReference } from './reference-text.ts';

type FieldPath = readonly (string | number)[];

/** A field of a rendered object that names an image. */
export interface ImageUse {
  /** Which object of the render. */
  readonly index: number;
  /** `Deployment/shop/web`. */
  readonly object: string;
  readonly path: FieldPath;
  readonly value: string;
  /** Newest first; empty where the renderer does not tell. */
  readonly sources: readonly FieldSource[];
}

/**
 * Every field called `image` of what objects specify: those of containers, and those of custom resources that carry
 * one. What a ConfigMap or an annotation calls by that name is data.
 */
export function imageFields(set: RenderedSet): readonly ImageUse[] {
  return set.objects.flatMap(({ object, why }, index) =>
    [
      ...stringsAt(object['spec'], 'image', ['spec']),
      ...stringsAt(object['template'], 'image', ['template']),
    ].map(({ path, value }) => ({
      index,
      object: objectName(object),
      path,
      value,
      sources: why(path),
    })),
  );
}

/** The fields that name the image of a change: by the name they render to, or by one that they were written with. */
export function usesOf(fields: readonly ImageUse[], change: ImageChange): readonly ImageUse[] {
  return fields.filter(({ value, sources }) => {
    const written = sources.flatMap((source) => (typeof source.value === 'string' ? [source.value] : []));
    return [value, ...written].some((text) => {
      const { name } = splitReference(text);
      return sameName(name, change.image) || name === change.newName;
    });
  });
}

/** Whether two names are one repository: `nginx` is `docker.io/library/nginx`. */
export function sameName(a: string, b: string): boolean {
  return a === b || fullRepository(a) === fullRepository(b);
}

function stringsAt(
  value: JsonValue | undefined,
  key: string,
  path: FieldPath,
): readonly { readonly path: FieldPath; readonly value: string }[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => stringsAt(item, key, [...path, index]));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, item]) =>
    name === key && typeof item === 'string'
      ? [{ path: [...path, name], value: item }]
      : stringsAt(item, key, [...path, name]),
  );
}
