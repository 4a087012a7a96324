import { isDigest, isTag } from '../../oci/index.ts';
import { LandfallError, jsonEqual, parseYamlDocuments, yamlToJson } from '../../kernel/index.ts';
import type { JsonObject, JsonValue, YamlNode } from '../../kernel/index.ts';
import { applyEdits, type TextEdit } from '../yaml-edit.ts';
import { appendEntry, appendImages, emptyImages } from './image-pin-new.ts';
import { editEntry } from './image-pin-entry.ts';
import { keyOf, refuse, type ImagePin, type PinField } from './pin-request.ts';

/**
 * The text with that image pinned in its `images:` list. Only the lines that have to change do: comments, quotes,
 * order and line endings stay. Whatever cannot be changed without touching more (anchors, aliases, merge keys,
 * values over several lines) is refused with `invalid-input`. The result is read again before it is given back.
 *
 * Tag and digest are always written together: kustomize renders both (`name:tag@digest`), and a new tag beside an
 * old digest would deploy the old bytes under the new name.
 */
export function pinImage(pin: ImagePin): string {
  const mark = pin.text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const text = pin.text.slice(mark.length);
  return mark + applyEdits(text, pinEdits({ ...pin, text }));
}

/** What {@link pinImage} changes in a text that has no byte order mark. */
export function pinEdits(pin: ImagePin): readonly TextEdit[] {
  checkPin(pin);
  const { text } = pin;
  const root = rootOf(text, pin);
  const entry = entryOf(root, pin);
  const fields = fieldsOf(pin, entry);
  const edits = editsFor(text, root, entry, fields, pin);
  const edited = readAgain(applyEdits(text, edits), pin);
  if (!jsonEqual(edited, expected(root, fields, pin))) {
    throw refuse(pin, root, 'the change would have altered more than this image');
  }
  return edits;
}

function fieldsOf(pin: ImagePin, entry: YamlNode | undefined): readonly PinField[] {
  const name = entry?.get('newName')?.value ?? '';
  const rename = pin.newName !== undefined && pin.newName !== (name === '' ? pin.image : name);
  const tag = pin.newTag ?? tagToKeep(pin, entry);
  return [
    ...(rename ? [['newName', pin.newName ?? ''] as const] : []),
    ...(tag === undefined ? [] : [['newTag', tag] as const]),
    ['digest', pin.digest],
  ];
}

/** A digest that stands behind the tag in `newTag` would come out twice; the tag before it stays. */
function tagToKeep(pin: ImagePin, entry: YamlNode | undefined): string | undefined {
  const old = entry?.get('newTag');
  const at = old?.value.indexOf('@') ?? -1;
  if (old === undefined || at < 0) return undefined;
  const tag = old.value.slice(0, at);
  if (isTag(tag)) return tag;
  throw refuse(pin, old, `its 'newTag' holds a digest and no tag`);
}

function checkPin(pin: ImagePin): void {
  const problem = (what: string, hint: string) =>
    new LandfallError(`${pin.image} cannot be pinned in ${pin.file}: ${what}.`, {
      kind: 'invalid-input',
      code: 'image-pin',
      object: pin.image,
      hint,
    });
  if (!isDigest(pin.digest)) {
    throw problem(`'${pin.digest.slice(0, 100)}' is not a digest`, 'Give sha256: and 64 hex digits.');
  }
  if (pin.newTag !== undefined && !isTag(pin.newTag)) {
    throw problem(
      `'${pin.newTag.slice(0, 100)}' is not a tag`,
      'Letters, digits, "_", "." and "-", at most 128.',
    );
  }
  for (const name of [pin.image, ...(pin.newName === undefined ? [] : [pin.newName])]) {
    if (!isImageName(name)) {
      throw problem('a name was wanted, without tag and digest', 'Give it as the manifests name it.');
    }
  }
}

/** Not parsed as a reference: manifests may name a placeholder such as IMAGE, and tools compare texts. */
export function isImageName(name: string): boolean {
  return name.length <= 500 && /^[A-Za-z0-9][\w.:/-]*$/.test(name) && !/:[^/]*$/.test(name);
}

function rootOf(text: string, pin: ImagePin): YamlNode {
  const documents = parseYamlDocuments(text, { source: pin.file });
  const [root] = documents;
  if (root?.kind === 'map' && documents.length === 1) return root;
  throw new LandfallError(
    `${pin.file} is not a kustomization: one YAML map was wanted, and ${
      documents.length === 1 ? `a ${root?.kind ?? 'nothing'}` : `${documents.length} documents`
    } found.`,
    {
      kind: 'invalid-input',
      code: 'image-pin-file',
      object: pin.file,
      hint: 'Name the kustomization.yaml of the overlay.',
    },
  );
}

/** What the edited text says; null where it cannot be read any more. */
function readAgain(text: string, pin: ImagePin): JsonValue {
  try {
    return yamlToJson(rootOf(text, pin));
  } catch (thrown) {
    if (thrown instanceof LandfallError) return null;
    throw thrown;
  }
}

function entryOf(root: YamlNode, pin: ImagePin): YamlNode | undefined {
  const images = root.get('images');
  if (images?.kind !== 'seq') return undefined;
  const entries = images.content.filter((item) => item.get('name')?.value === pin.image);
  const [entry, another] = entries;
  if (another === undefined) return entry;
  throw refuse(pin, another, `there are ${entries.length} entries for it, and all of them would apply`);
}

function editsFor(
  text: string,
  root: YamlNode,
  entry: YamlNode | undefined,
  fields: readonly PinField[],
  pin: ImagePin,
): readonly TextEdit[] {
  const images = root.get('images');
  const key = keyOf(root, 'images');
  if (images === undefined || key === undefined) return [appendImages(text, root, fields, pin)];
  if (images.kind === 'scalar' && images.value === '' && images.style === 'plain') {
    return [emptyImages(text, root, key, fields, pin)];
  }
  if (images.kind !== 'seq') throw refuse(pin, images, "'images' is not a list");
  if (images.offset < key.offset) throw refuse(pin, key, 'the list is an alias');
  return entry === undefined
    ? [appendEntry(text, images, fields, pin)]
    : editEntry(text, images, entry, fields, pin);
}

/** What the file must say after the change. */
function expected(root: YamlNode, fields: readonly PinField[], pin: ImagePin): JsonValue {
  const before = yamlToJson(root) as JsonObject;
  const changed = Object.fromEntries(fields);
  const images = Array.isArray(before['images']) ? before['images'] : [];
  const known = images.some((item) => nameOf(item) === pin.image);
  const after = known
    ? images.map((item) => (nameOf(item) === pin.image ? { ...(item as JsonObject), ...changed } : item))
    : [...images, { name: pin.image, ...changed }];
  return { ...before, images: after };
}

function nameOf(item: JsonValue): JsonValue | undefined {
  return typeof item === 'object' && item !== null && !Array.isArray(item) ? item['name'] : undefined;
}
