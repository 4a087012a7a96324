import type { ImageOverrideEntry, imageOverrides } from '../../boundaries/index.ts';
import type { ImageChange } from './contract.ts';
import { withEdits, type Draft } from './draft.ts';
import { joinReference, splitReference } from './reference-text.ts';
import type { ImageUse } from './rendered-images.ts';
import { setValue } from './set-value.ts';
import { folderPath, refuseEdit, type Writing } from './writing.ts';

/** The overrides of the Application that is edited, for the readers of such files. */
export function overridePlace({ request, read }: Writing): Parameters<typeof imageOverrides>[0] {
  return { read, folder: folderPath(request.folder), owner: request.application };
}

/** The draft of a file of overrides in which an entry has the change. */
export function overridden(
  draft: Draft,
  entry: ImageOverrideEntry,
  change: ImageChange,
  use: ImageUse,
): Draft {
  const { file, index, line, text } = entry;
  if (text.includes('$')) {
    throw refuseEdit(
      `${file}:${line}: the image ${change.image} is set by '${text}', which takes a part of it from a variable.`,
      `${file}:${line}`,
      'Write the image out, or change it by hand.',
    );
  }
  const to = entryText(entry, change, use);
  const path = [
    { kind: 'key', key: 'kustomize' },
    { kind: 'key', key: 'images' },
    { kind: 'index', index },
  ] as const;
  const edits = setValue({ text: draft.text, file, path, value: to });
  return withEdits(draft, edits, { image: change.image, from: text, to });
}

/**
 * An entry with tag and digest is written with the name on both sides of `=`: `kustomize edit set image` reads that
 * the same in every version, while `name:tag@digest` silently set nothing before kustomize 5.4.
 */
function entryText(entry: ImageOverrideEntry, change: ImageChange, use: ImageUse): string {
  const rendered = splitReference(use.value);
  const kept = (written: string, now: string) => (written === '*' ? now : written);
  const name = change.newName ?? (entry.newName === '' ? entry.name : kept(entry.newName, rendered.name));
  const tag = change.tag ?? kept(entry.newTag, rendered.tag);
  const reference = joinReference({ name, tag, digest: change.digest });
  const short = entry.newName === '' && name === entry.name && tag === '';
  return short ? reference : `${entry.name}=${reference}`;
}
