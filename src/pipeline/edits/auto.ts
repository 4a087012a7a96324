import { imageOverrideOf, imageOverrides, KUSTOMIZE_OPTIONS } from '../../boundaries/index.ts';
import type { FieldSource, ImageOverrideEntry } from '../../boundaries/index.ts';
import { overridden, overridePlace } from './argo-overrides.ts';
import { byChart } from './auto-values.ts';
import type { ImageChange } from './contract.ts';
import { draftOf, withEdits, type Draft } from './draft.ts';
import { isKustomization, kustomizationOf, pinned } from './kustomization.ts';
import { usesOf, type ImageUse } from './rendered-images.ts';
import { replaceReference } from './scalars.ts';
import { inFolder, refuseEdit, wantedReferences, type Candidate, type Writing } from './writing.ts';

/**
 * Where one change has to be written: lines that hold the reference, kustomizations that have an entry for it, and
 * overrides of Argo CD's that set it.
 */
interface Places {
  readonly change: ImageChange;
  readonly lines: readonly {
    readonly file: string;
    readonly line: number;
    readonly from: string;
    readonly to: string;
  }[];
  readonly entries: readonly string[];
  readonly overrides: readonly { readonly entry: ImageOverrideEntry; readonly use: ImageUse }[];
}

/**
 * Every change where the rendered image comes from. What the environment says itself is changed there; what comes
 * from a base that others share is overridden by an `images:` entry of the environment. A file of parameter overrides
 * beside the manifests wins over all of them: what it sets is changed in it.
 */
export async function byProvenance(writing: Writing): Promise<readonly Candidate[]> {
  if (writing.before.sourceType === 'Helm') return byChart(writing);
  const overrides = await imageOverrides(overridePlace(writing));
  const places: Places[] = [];
  for (const change of writing.request.changes) places.push(await placesOf(writing, change, overrides));
  const drafts = new Map<string, Draft>();
  const draft = async (file: string) => drafts.get(file) ?? draftOf((await writing.read(file)) ?? '');
  // First what replaces words on their lines, since entries bring lines in.
  for (const { change, lines } of places) {
    for (const { file, line, from, to } of lines) {
      const at = await draft(file);
      const edits = replaceReference(at.text, file, line, from, to);
      if (edits === undefined) throw notEditable(change, file, line, from);
      drafts.set(file, withEdits(at, edits, { image: change.image, from, to }));
    }
  }
  for (const { change, overrides: found } of places) {
    for (const { entry, use } of found) {
      drafts.set(entry.file, overridden(await draft(entry.file), entry, change, use));
    }
  }
  for (const { change, entries } of places) {
    for (const file of entries) drafts.set(file, pinned(writing, file, await draft(file), change));
  }
  return [{ drafts, pinned: true, behindTag: false, through: undefined, everywhere: true, warnings: [] }];
}

async function placesOf(
  writing: Writing,
  change: ImageChange,
  overrides: readonly ImageOverrideEntry[],
): Promise<Places> {
  const { folder } = writing.request;
  const lines = new Map<string, Places['lines'][number]>();
  const entries = new Set<string>();
  const found = new Map<ImageOverrideEntry, ImageUse>();
  for (const use of usesOf(writing.fields, change)) {
    const wanted = wantedReferences(use.value, change, true);
    if (wanted.includes(use.value)) continue;
    const [source] = use.sources;
    if (source === undefined) throw unknownSource(use);
    const override = imageOverrideOf(overrides, use.sources);
    if (override !== undefined) found.set(override, use);
    else if (source.file === KUSTOMIZE_OPTIONS) entries.add(await ownKustomization(writing, use, source));
    else if (source.by === 'images' && inFolder(source.file, folder)) {
      if (!isKustomization(source.file)) throw ofTransformer(use, source);
      entries.add(source.file);
    } else if (inFolder(source.file, folder)) {
      const from = textOf(source) ?? use.value;
      const [to = ''] = wantedReferences(from, change, true);
      lines.set(`${source.file}:${source.line} ${from}`, { file: source.file, line: source.line, from, to });
    } else entries.add(await ownKustomization(writing, use, source));
  }
  return {
    change,
    lines: [...lines.values()],
    entries: [...entries],
    overrides: [...found].map(([entry, use]) => ({ entry, use })),
  };
}

function textOf(source: FieldSource): string | undefined {
  return typeof source.value === 'string' ? source.value : undefined;
}

async function ownKustomization(writing: Writing, use: ImageUse, source: FieldSource): Promise<string> {
  const { folder } = writing.request;
  const file = await kustomizationOf(writing, folder);
  if (file !== undefined) return file;
  throw refuseEdit(
    `The image of ${use.object} is set in ${source.file}:${source.line}, outside of ${folder || '.'}, which has no kustomization that could override it.`,
    folder,
    'Name the place to write, or give the environment a kustomization.yaml.',
  );
}

function ofTransformer(use: ImageUse, source: FieldSource): Error {
  return refuseEdit(
    `The image of ${use.object} is set in ${source.file}:${source.line}, by a transformer of its own.`,
    `${source.file}:${source.line}`,
    'Change it by hand, or move it into the images of the kustomization, where it is written for you.',
  );
}

function unknownSource(use: ImageUse): Error {
  return refuseEdit(
    `Which file sets the image ${use.value} of ${use.object} is not known: its renderer does not tell.`,
    use.object,
    'Name the place to write: the values file and the paths of the name, tag and digest.',
  );
}

function notEditable(change: ImageChange, file: string, line: number, from: string): Error {
  return refuseEdit(
    `${file}:${line}: the image ${change.image} cannot be changed here: '${from}' is not written on that line as a plain value (an alias, an anchor, a merge key, a value over several lines, or one made of several parts).`,
    `${file}:${line}`,
    'Write the whole reference out on one line, or name another place to write.',
  );
}
