import { LandfallError, nearest, tags } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import type { RenderContext } from '../context.ts';
import { whereOf } from '../context.ts';
import type { Fields } from '../decode.ts';
import { SpecIndex, applyPath, concerns } from '../field-spec.ts';
import type { FieldSpec } from '../field-spec.ts';
import { goRegExp } from '../go-regexp.ts';
import { expectKind, newScalar, overwriteScalar } from '../nodes.ts';
import type { Transformer } from './transformer.ts';

export interface ImageEntry {
  readonly name: string;
  readonly newName: string;
  readonly tagSuffix: string;
  readonly newTag: string;
  readonly digest: string;
  /** What decides the result: the line of the digest, tag or name. */
  readonly cause: YamlNode;
}

export function readImage(fields: Fields): ImageEntry {
  const entry = {
    name: fields.text('name'),
    newName: fields.text('newName'),
    tagSuffix: fields.text('tagSuffix'),
    newTag: fields.text('newTag'),
    digest: fields.text('digest'),
  };
  const cause = fields.at('digest') ?? fields.at('newTag') ?? fields.at('tagSuffix') ?? fields.at('newName');
  return { ...entry, cause: cause ?? fields.node };
}

/** Source: api/filters/imagetag and api/internal/image. */
export function imageTransformer(
  image: ImageEntry,
  fields: readonly FieldSpec[],
  context: RenderContext,
): Transformer {
  return {
    type: 'ImageTagTransformer',
    transform(map) {
      const matches = imageMatcher(image.name, image.cause.where);
      const index = new SpecIndex(fields);
      const seen = new Set<string>();
      let hits = 0;
      const set = (field: YamlNode) => {
        expectKind(field, 'scalar');
        if (!matches(field.value)) {
          if (field.value !== '') seen.add(splitImage(field.value).name);
          return;
        }
        hits++;
        overwriteScalar(field, newScalar(changed(field.value, image), '', image.cause, 'images'));
      };
      for (const resource of map.list) {
        if (!resource.reused && resource.kind !== 'CustomResourceDefinition')
          eachContainerImage(resource.node, set);
      }
      for (const resource of map.list) {
        if (resource.kind === 'CustomResourceDefinition') continue;
        for (const spec of index.ofObject(resource.node)) {
          if (concerns(spec, resource)) applyPath(resource.node, spec, { set });
        }
      }
      if (hits > 0) return;
      const [near] = nearest(image.name, [...seen]);
      context.find({
        kind: 'no-match',
        message: `The images entry for ${image.name} changes nothing: no container uses that image${near === undefined ? '' : `; there is ${near}`}.`,
        ...whereOf(image.cause),
        value: image.name,
      });
    },
  };
}

function imageMatcher(name: string, where: string): (text: string) => boolean {
  try {
    const pattern = goRegExp(`^${name}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`, where);
    return (text) => pattern.test(text);
  } catch (error) {
    if (error instanceof LandfallError) return () => false;
    throw error;
  }
}

/** Walks into every `containers` and `initContainers` list, wherever it is. */
function eachContainerImage(node: YamlNode, set: (field: YamlNode) => void): void {
  const { content } = node;
  if (node.kind === 'seq') {
    for (const item of content) eachContainerImage(item, set);
    return;
  }
  if (node.kind !== 'map') return;
  for (let i = 0; i < content.length; i += 2) {
    const [key, value] = [content[i], content[i + 1]];
    if (key === undefined || value === undefined) continue;
    if (value.kind === 'scalar') continue;
    eachContainerImage(value, set);
    if (value.kind !== 'seq' || (key.value !== 'containers' && key.value !== 'initContainers')) continue;
    for (const container of value.content) {
      if (container.tag === tags.null) continue;
      expectKind(container, 'map');
      const image = container.get('image');
      if (image !== undefined) set(image);
    }
  }
}

function changed(value: string, image: ImageEntry): string {
  const parts = splitImage(value);
  const name = image.newName === '' ? parts.name : image.newName;
  let { tag, digest } = parts;
  if (image.newTag !== '') {
    tag = image.newTag;
    digest = image.digest;
  } else if (image.digest !== '') {
    tag = '';
    digest = image.digest;
  } else if (image.tagSuffix !== '') {
    tag += image.tagSuffix;
    digest = '';
  }
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** A reference as the original takes it apart: a colon in front of the first slash is a port. */
export function splitImage(reference: string): {
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
} {
  const slash = reference.indexOf('/');
  const start = slash > 0 ? slash : 0;
  const at = reference.indexOf('@', start);
  const colon = reference.indexOf(':', start);
  if (at < 0 && colon < 0) return { name: reference, tag: '', digest: '' };
  if (at >= 0 && (colon < 0 || at < colon)) {
    return { name: reference.slice(0, at), tag: '', digest: reference.slice(at + 1) };
  }
  if (at >= 0) {
    return {
      name: reference.slice(0, colon),
      tag: reference.slice(colon + 1, at),
      digest: reference.slice(at + 1),
    };
  }
  return { name: reference.slice(0, colon), tag: reference.slice(colon + 1), digest: '' };
}
