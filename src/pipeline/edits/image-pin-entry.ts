import type { YamlNode } from '../../kernel/index.ts';
import { yamlToJson } from '../../kernel/index.ts';
import { inFlow, lineEndingAt, scalarText, tailOf, valueSpan, type TextEdit } from '../yaml-edit.ts';
import { flowField } from './image-pin-new.ts';
import { keyOf, refuse, type ImagePin, type PinField } from './pin-request.ts';

/** Replaces the values that are there, and adds the fields that are not behind the ones that belong before them. */
export function editEntry(
  text: string,
  images: YamlNode,
  entry: YamlNode,
  fields: readonly PinField[],
  pin: ImagePin,
): readonly TextEdit[] {
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
  const key = keyOf(entry, 'name');
  const quoted = flow && key?.style === 'double';
  const ending = lineEndingAt(text, anchor.end);
  const indent = ' '.repeat(Math.max(0, (key ?? entry).column - 1));
  for (const [field, value] of fields) {
    if (keyOf(entry, field) !== undefined) {
      const span = spanOf(field);
      const old = entry.get(field);
      // Written as it is wanted already: not even the quotes are touched.
      if (old?.value === value && typeof yamlToJson(old) === 'string') continue;
      edits.push({
        start: span.start,
        end: span.end,
        text: `${span.empty ? ' ' : ''}${scalarText(value, old?.style)}`,
      });
    } else if (flow) added += `, ${flowField(field, value, quoted)}`;
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
    const [at, value] = [keyOf(entry, field), entry.get(field)];
    if (at === undefined || value === undefined || at.offset < entry.offset) {
      throw refuse(pin, entry, `its '${field}' comes from a merge key`);
    }
    const span = valueSpan(text, at, value);
    if (span !== undefined) return span;
    throw refuse(
      pin,
      at,
      `its '${field}' is an alias, has an anchor or a tag, or is no plain value on one line`,
    );
  }
}
