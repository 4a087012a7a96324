import { LandfallError, parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import type { FieldSource } from '../rendered.ts';
import { parseImageOverride, type ImageOverride } from './image-override.ts';
import { KUSTOMIZE_OPTIONS, sourceOverrideFiles } from './source-overrides.ts';
import type { OverrideOwner } from './source-overrides.ts';

/** Whose overrides are read. */
export interface OverridePlace {
  /** The text of a file; undefined when there is none. */
  readonly read: (file: string) => Promise<string | undefined>;
  /** Of the manifests; without dots, `` for the root. */
  readonly folder: string;
  readonly owner: OverrideOwner | undefined;
}

/** A list of parameter overrides, and the file that says it. */
export interface OverrideList {
  readonly file: string;
  readonly items: readonly YamlNode[];
}

/** One of `kustomize.images` in such a file. */
export interface ImageOverrideEntry extends ImageOverride {
  readonly file: string;
  readonly index: number;
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

/**
 * The list that overrides what the Application says: the file of the application wins over the one for all, and a
 * list replaces the other as a whole. Undefined where no file has it.
 */
export async function overrideList(
  { read, folder, owner }: OverridePlace,
  section: 'kustomize' | 'helm',
  field: string,
): Promise<OverrideList | undefined> {
  const has = async (file: string) => (await read(file)) !== undefined;
  for (const file of (await sourceOverrideFiles(folder, owner, has)).toReversed()) {
    const text = await read(file);
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

/** The entries of `kustomize.images` that count; empty where no file has any. */
export async function imageOverrides(place: OverridePlace): Promise<readonly ImageOverrideEntry[]> {
  const list = await overrideList(place, 'kustomize', 'images');
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

/** The entry that set a field whose sources these are, newest first; undefined where something else did. */
export function imageOverrideOf(
  entries: readonly ImageOverrideEntry[],
  sources: readonly FieldSource[],
): ImageOverrideEntry | undefined {
  const [newest, ...before] = sources;
  if (newest?.by !== 'images') return undefined;
  const { file } = newest;
  if (file !== KUSTOMIZE_OPTIONS && entries.every((entry) => entry.file !== file)) return undefined;
  // An entry matches the name that stands there before it; of two for one name the last counts.
  for (const { value } of before) {
    if (typeof value !== 'string') continue;
    const found = entries.findLast(({ name }) => name === nameOf(value));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The same sources, in which what an entry set names its file and line. */
export function locatedOverrides(
  entries: readonly ImageOverrideEntry[],
  sources: readonly FieldSource[],
): readonly FieldSource[] {
  return sources.map((source, at) => {
    const entry = imageOverrideOf(entries, sources.slice(at));
    return entry === undefined ? source : { ...source, file: entry.file, line: entry.line };
  });
}

function nameOf(reference: string): string {
  const named = reference.replace(/@.*$/s, '');
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  return colon < 0 ? named : named.slice(0, colon);
}
