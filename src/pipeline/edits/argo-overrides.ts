import { KUSTOMIZE_OPTIONS, parseImageOverride, sourceOverrideFiles } from '../../boundaries/index.ts';
import type { ImageOverride } from '../../boundaries/index.ts';
import { LandfallError, parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import type { ImageChange } from './contract.ts';
import { withEdits, type Draft } from './draft.ts';
import { joinReference, splitReference } from './reference-text.ts';
import type { ImageUse } from './rendered-images.ts';
import { setValue } from './set-value.ts';
import { folderPath, refuseEdit, type Writing } from './writing.ts';

/** A list of parameter overrides, in the file of Argo CD's that counts for the application. */
export interface OverrideList {
  readonly file: string;
  readonly items: readonly YamlNode[];
}

/** One of `kustomize.images` in such a file. */
export interface OverrideEntry extends ImageOverride {
  readonly file: string;
  readonly index: number;
  readonly line: number;
  readonly text: string;
}

/**
 * The list that overrides what the Application says: the file of the application wins over the one for all, and a
 * list replaces the other as a whole. Undefined where no file has it.
 */
export async function overrideList(
  writing: Writing,
  section: 'kustomize' | 'helm',
  field: string,
): Promise<OverrideList | undefined> {
  const { folder, application } = writing.request;
  for (const file of sourceOverrideFiles(folderPath(folder), application).toReversed()) {
    const text = await writing.read(file);
    if (text === undefined) continue;
    const part = parseYamlDocuments(text.replace(/^\uFEFF/, ''), { source: file })[0]?.get(section);
    const list = part?.get(field);
    if (list?.kind === 'seq') return { file, items: list.content };
    // Somebody took it out on purpose, and what other files say of it goes, too.
    if (list !== undefined || (part?.kind === 'scalar' && /^(?:|~|null)$/i.test(part.value)))
      return undefined;
  }
  return undefined;
}

/** The entries of `kustomize.images` that count; empty where there are none. */
export async function overrideEntries(writing: Writing): Promise<readonly OverrideEntry[]> {
  const list = await overrideList(writing, 'kustomize', 'images');
  return (list?.items ?? []).flatMap((item, index) => {
    if (list === undefined || item.kind !== 'scalar') return [];
    try {
      const { file } = list;
      return [{ ...parseImageOverride(item.value), file, index, line: item.line, text: item.value }];
    } catch (thrown) {
      if (!(thrown instanceof LandfallError)) throw thrown;
      return [];
    }
  });
}

/** The entry that sets what a place uses; undefined where something else does. */
export function entryOf(entries: readonly OverrideEntry[], use: ImageUse): OverrideEntry | undefined {
  const [newest, ...before] = use.sources;
  if (newest?.by !== 'images' || newest.file !== KUSTOMIZE_OPTIONS) return undefined;
  // Entries match the name that stands there before them; of two for one name the last counts.
  for (const { value } of before) {
    if (typeof value !== 'string') continue;
    const { name } = splitReference(value);
    const found = entries.findLast((entry) => entry.name === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The draft of a file of overrides in which an entry has the change. */
export function overridden(draft: Draft, entry: OverrideEntry, change: ImageChange, use: ImageUse): Draft {
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
 * the same in every version, while `name:tag@digest` silently set nothing before kustomize 5.2.
 */
function entryText(entry: OverrideEntry, change: ImageChange, use: ImageUse): string {
  const rendered = splitReference(use.value);
  const kept = (written: string, now: string) => (written === '*' ? now : written);
  const name = change.newName ?? (entry.newName === '' ? entry.name : kept(entry.newName, rendered.name));
  const tag = change.tag ?? kept(entry.newTag, rendered.tag);
  const reference = joinReference({ name, tag, digest: change.digest });
  const short = entry.newName === '' && name === entry.name && tag === '';
  return short ? reference : `${entry.name}=${reference}`;
}
