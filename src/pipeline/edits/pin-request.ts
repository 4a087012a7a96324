import { LandfallError } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';

export interface ImagePin {
  /** The text of a kustomization.yaml. */
  readonly text: string;
  /** What messages call it: its path. */
  readonly file: string;
  /** The image as the manifests name it, without tag and digest: the `name` of the entry. */
  readonly image: string;
  /** Left as it is when not given. */
  readonly newName?: string;
  /** Left as it is when not given. */
  readonly newTag?: string;
  /** `sha256:…` */
  readonly digest: string;
}

/** A field of an entry, in the order in which they are written. */
export type PinField = readonly [key: 'newName' | 'newTag' | 'digest', value: string];

export function keyOf(map: YamlNode, name: string): YamlNode | undefined {
  return map.content.find((node, index) => index % 2 === 0 && node.value === name);
}

export function refuse(pin: ImagePin, at: YamlNode, why: string): LandfallError {
  const where = at.where === '' ? pin.file : at.where;
  return new LandfallError(`${where}: the image ${pin.image} cannot be pinned here: ${why}.`, {
    kind: 'invalid-input',
    code: 'image-pin-unsafe',
    object: where,
    hint: `Write it out by hand: name, ${pin.newTag === undefined ? '' : `newTag: "${pin.newTag}", `}digest: ${pin.digest}`,
  });
}
