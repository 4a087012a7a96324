import { isDigest, isTag } from '../oci/index.ts';
import { LandfallError, jsonEqual, parseYamlDocuments, yamlToJson } from '../kernel/index.ts';
import type { JsonObject, JsonValue, YamlNode } from '../kernel/index.ts';
import {
  applyEdits,
  inFlow,
  lineEndingAt,
  scalarText,
  tailOf,
  valueSpan,
  type TextEdit,
} from './yaml-edit.ts';

export interface ImagePin {
  /** The text of a kustomization.yaml. */
  readonly text: string;
  /** What messages call it: its path. */
  readonly file: string;
  /** The image as the manifests name it, without tag and digest: the `name` of the entry. */
  readonly image: string;
  /** Left as it is when not given. */
  readonly newTag?: string;
  /** `sha256:…` */
  readonly digest: string;
}

/**
 * The text with that image pinned in its `images:` list. Only the lines that have to change do: comments, quotes,
 * order and line endings stay. Whatever cannot be changed without touching more (anchors, aliases, merge keys,
 * values over several lines) is refused with `invalid-input`. The result is read again before it is given back.
 *
 * Tag and digest are always written together: kustomize renders both (`name:tag@digest`), and a new tag beside an
 * old digest would deploy the old bytes under the new name.
 */
export function pinImage(pin: ImagePin): string {
  checkPin(pin);
  const mark = pin.text.startsWith('\uFEFF') ? '\uFEFF' : '';
  const text = pin.text.slice(mark.length);
  const root = rootOf(text, pin);
  const edits = editsFor(text, root, pin);
  const edited = applyEdits(text, edits);
  if (!jsonEqual(yamlToJson(rootOf(edited, pin)), expected(root, pin))) {
    throw refuse(pin, root, 'the change would have altered more than this image');
  }
  return mark + edited;
}

type Field = readonly [key: 'newTag' | 'digest', value: string];

function fieldsOf(pin: ImagePin): readonly Field[] {
  const digest: Field = ['digest', pin.digest];
  return pin.newTag === undefined ? [digest] : [['newTag', pin.newTag], digest];
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
  // Not parsed as a reference: manifests may name a placeholder such as IMAGE, and kustomize compares texts.
  if (!/^[A-Za-z0-9][\w.:/-]*$/.test(pin.image) || /:[^/]*$/.test(pin.image)) {
    throw problem('a name was wanted, without tag and digest', 'Give it as the manifests name it.');
  }
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

function editsFor(text: string, root: YamlNode, pin: ImagePin): readonly TextEdit[] {
  const images = root.get('images');
  const key = keyOf(root, 'images');
  if (images === undefined || key === undefined) return [appendImages(text, root, pin)];
  if (images.kind === 'scalar' && images.value === '' && images.style === 'plain') {
    return [emptyImages(text, root, key, pin)];
  }
  if (images.kind !== 'seq') throw refuse(pin, images, "'images' is not a list");
  if (images.offset < key.offset) throw refuse(pin, key, 'the list is an alias');
  const entries = images.content.filter((item) => item.get('name')?.value === pin.image);
  const [entry, another] = entries;
  if (another !== undefined) {
    throw refuse(pin, another, `there are ${entries.length} entries for it, and all of them would apply`);
  }
  return entry === undefined ? [appendEntry(text, images, pin)] : editEntry(text, images, entry, pin);
}

function keyOf(map: YamlNode, name: string): YamlNode | undefined {
  return map.content.find((node, index) => index % 2 === 0 && node.value === name);
}

/** Replaces the values that are there, and adds the fields that are not behind the ones that belong before them. */
function editEntry(text: string, images: YamlNode, entry: YamlNode, pin: ImagePin): readonly TextEdit[] {
  if (entry.kind !== 'map' || entry.offset < images.offset)
    throw refuse(pin, images, 'its entry is an alias');
  if (entry.get('tagSuffix') !== undefined && pin.newTag !== undefined) {
    throw refuse(pin, entry, "its entry has a 'tagSuffix', which would be added to the new tag");
  }
  const edits: TextEdit[] = [];
  let anchor = spanOf('name');
  const newName = keyOf(entry, 'newName') && spanOf('newName');
  const tagSpan = keyOf(entry, 'newTag') && spanOf('newTag');
  if (newName !== undefined && newName.end > anchor.end) anchor = newName;
  let added = '';
  const flow = inFlow(images) || entry.style === 'flow';
  const ending = lineEndingAt(text, anchor.end);
  const indent = ' '.repeat(Math.max(0, (keyOf(entry, 'name') ?? entry).column - 1));
  for (const [field, value] of fieldsOf(pin)) {
    const key = keyOf(entry, field);
    if (key !== undefined) {
      const span = spanOf(field);
      const old = entry.get(field);
      // Written as it is wanted already: not even the quotes are touched.
      if (old?.value === value && typeof yamlToJson(old) === 'string') continue;
      edits.push({
        start: span.start,
        end: span.end,
        text: `${span.empty ? ' ' : ''}${scalarText(value, old?.style)}`,
      });
    } else if (flow) added += `, ${field}: ${scalarText(value)}`;
    else added += `${ending}${indent}${field}: ${scalarText(value)}`;
  }
  if (added !== '') {
    const behind = tagSpan ?? anchor;
    const at = flow ? behind.end : tailOf(text, behind.end);
    const sameLine = edits.find((edit) => edit.start <= at && at <= edit.end);
    if (flow && sameLine !== undefined) {
      edits.splice(edits.indexOf(sameLine), 1, { ...sameLine, text: sameLine.text + added });
    } else edits.push({ start: at, end: at, text: added });
  }
  return edits;

  function spanOf(field: string): { readonly start: number; readonly end: number; readonly empty: boolean } {
    const [key, value] = [keyOf(entry, field), entry.get(field)];
    if (key === undefined || value === undefined || key.offset < entry.offset) {
      throw refuse(pin, entry, `its '${field}' comes from a merge key`);
    }
    const span = valueSpan(text, key, value);
    if (span !== undefined) return span;
    throw refuse(
      pin,
      key,
      `its '${field}' is an alias, has an anchor or a tag, or is no plain value on one line`,
    );
  }
}

/** Adds an entry behind the last one of the list, written like it. */
function appendEntry(text: string, images: YamlNode, pin: ImagePin): TextEdit {
  const last = images.content.at(-1);
  if (inFlow(images)) {
    const inside = `{name: ${scalarText(pin.image)}${fieldsOf(pin)
      .map(([field, value]) => `, ${field}: ${scalarText(value)}`)
      .join('')}}`;
    const close = closingBracket(text, images, last, pin);
    return { start: close, end: close, text: `${last === undefined ? '' : ', '}${inside}` };
  }
  if (last === undefined) throw refuse(pin, images, 'the list is empty in a way that is not understood');
  const lineStart = text.lastIndexOf('\n', last.offset - 1) + 1;
  const lead = /^(?<indent> *)-(?<gap> +)$/.exec(text.slice(lineStart, last.offset))?.groups;
  if (lead === undefined || last.kind !== 'map') {
    throw refuse(
      pin,
      last,
      'the last entry of the list is an alias, has an anchor, or starts on a line of its own',
    );
  }
  const indent = lead['indent'] ?? '';
  const gap = inFlow(last) ? ' ' : (lead['gap'] ?? ' ');
  const at = tailOf(text, endOf(text, last, pin));
  const ending = lineEndingAt(text, at);
  return { start: at, end: at, text: ending + entryLines(pin, indent, gap).join(ending) };
}

function entryLines(pin: ImagePin, indent: string, gap: string): readonly string[] {
  const inner = indent + ' '.repeat(gap.length + 1);
  return [
    `${indent}-${gap}name: ${scalarText(pin.image)}`,
    ...fieldsOf(pin).map(([field, value]) => `${inner}${field}: ${scalarText(value)}`),
  ];
}

/** `images:` with nothing behind it. */
function emptyImages(text: string, root: YamlNode, key: YamlNode, pin: ImagePin): TextEdit {
  const colon = text.indexOf(':', key.offset);
  if (inFlow(root) || colon < 0) throw refuse(pin, key, 'the list is empty in a way that is not understood');
  const at = tailOf(text, colon + 1);
  const ending = lineEndingAt(text, at);
  return { start: at, end: at, text: ending + entryLines(pin, listIndent(text, root), ' ').join(ending) };
}

function appendImages(text: string, root: YamlNode, pin: ImagePin): TextEdit {
  if (inFlow(root) || /^\.\.\.(?:\s|$)/m.test(text)) {
    throw refuse(
      pin,
      root,
      "there is no 'images' list, and this way of writing YAML leaves no safe place for one",
    );
  }
  const ending = lineEndingAt(text, 0);
  const before = text.endsWith('\n') ? '' : ending;
  const lines = ['images:', ...entryLines(pin, listIndent(text, root), ' ')];
  return { start: text.length, end: text.length, text: `${before}${lines.join(ending)}${ending}` };
}

/** How far this file indents the dashes of its lists. */
function listIndent(text: string, root: YamlNode): string {
  for (const value of root.content.filter((_, index) => index % 2 === 1)) {
    const [first] = value.content;
    if (value.kind !== 'seq' || inFlow(value) || first === undefined) continue;
    const lineStart = text.lastIndexOf('\n', first.offset - 1) + 1;
    const found = /^ *(?=- )/.exec(text.slice(lineStart, first.offset))?.[0];
    if (found !== undefined) return found;
  }
  return '  ';
}

function closingBracket(text: string, images: YamlNode, last: YamlNode | undefined, pin: ImagePin): number {
  const from = last === undefined ? images.offset + 1 : endOf(text, last, pin);
  const rest = /^(?<inner>\s*)(?<close>\})?(?<outer>[ \t]*\r?\n?\s*)\]/.exec(text.slice(from));
  if (rest?.groups === undefined || (last !== undefined && rest.groups['close'] === undefined)) {
    throw refuse(pin, images, 'the end of the list is not where it was looked for');
  }
  return last === undefined ? from : from + (rest.groups['inner']?.length ?? 0) + 1;
}

/** Where the last value inside of a node ends. */
function endOf(text: string, node: YamlNode, pin: ImagePin): number {
  const value = node.content.at(-1);
  const key = node.content.at(-2);
  const span = key && value && key.offset >= node.offset ? valueSpan(text, key, value) : undefined;
  if (span !== undefined) return span.end;
  throw refuse(
    pin,
    node,
    'the last entry of the list has an alias, an anchor, or a value over several lines',
  );
}

/** What the file must say after the change. */
function expected(root: YamlNode, pin: ImagePin): JsonValue {
  const before = yamlToJson(root) as JsonObject;
  const fields = Object.fromEntries(fieldsOf(pin));
  const images = Array.isArray(before['images']) ? before['images'] : [];
  const known = images.some((item) => nameOf(item) === pin.image);
  const after = known
    ? images.map((item) => (nameOf(item) === pin.image ? { ...(item as JsonObject), ...fields } : item))
    : [...images, { name: pin.image, ...fields }];
  return { ...before, images: after };
}

function nameOf(item: JsonValue): JsonValue | undefined {
  return typeof item === 'object' && item !== null && !Array.isArray(item) ? item['name'] : undefined;
}

function refuse(pin: ImagePin, at: YamlNode, why: string): LandfallError {
  const where = at.where === '' ? pin.file : at.where;
  return new LandfallError(`${where}: the image ${pin.image} cannot be pinned here: ${why}.`, {
    kind: 'invalid-input',
    code: 'image-pin-unsafe',
    object: where,
    hint: `Write it out by hand: name, ${pin.newTag === undefined ? '' : `newTag: ${scalarText(pin.newTag)}, `}digest: ${pin.digest}`,
  });
}
