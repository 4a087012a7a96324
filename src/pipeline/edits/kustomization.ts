import { parseYamlDocuments } from '../../kernel/index.ts';
import type { ImageChange } from './contract.ts';
import { draftOf, withEdits, type Draft } from './draft.ts';
import { pinEdits } from './image-pin.ts';
import { splitReference } from './reference-text.ts';
import { sameName, usesOf } from './rendered-images.ts';
import { joinPath, noteOf, refuseEdit, type Candidate, type Writing } from './writing.ts';

const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

export function isKustomization(file: string): boolean {
  return KUSTOMIZATIONS.includes(file.slice(file.lastIndexOf('/') + 1));
}

/** The kustomization of a folder; undefined where it has none, and refused where it has several, as Kustomize does. */
export async function kustomizationOf(writing: Writing, folder: string): Promise<string | undefined> {
  const found: string[] = [];
  for (const name of KUSTOMIZATIONS) {
    if ((await writing.request.tree.kind(joinPath(folder, name))) === 'file')
      found.push(joinPath(folder, name));
  }
  if (found.length < 2) return found[0];
  throw refuseEdit(
    `${folder || '.'} has ${found.length} kustomizations: ${found.join(', ')}.`,
    folder,
    'Keep one: Kustomize refuses to choose.',
  );
}

/** Every change in the `images:` list of one kustomization. */
export async function byKustomization(writing: Writing, folder: string): Promise<readonly Candidate[]> {
  const file = await kustomizationOf(writing, folder);
  if (file === undefined) {
    throw refuseEdit(
      `The images were to be written into the kustomization of '${folder || '.'}', and there is none.`,
      folder,
      `Looked for ${KUSTOMIZATIONS.join(', ')}. Name the folder of the overlay.`,
    );
  }
  let draft = draftOf((await writing.read(file)) ?? '');
  for (const change of writing.request.changes) draft = pinned(writing, file, draft, change);
  return [
    {
      drafts: new Map([[file, draft]]),
      pinned: true,
      behindTag: false,
      through: undefined,
      everywhere: true,
      warnings: [],
    },
  ];
}

/** The draft of a kustomization with one image pinned in it. */
export function pinned(writing: Writing, file: string, draft: Draft, change: ImageChange): Draft {
  const edits = pinEdits({
    text: draft.text,
    file,
    image: entryName(writing, file, draft, change),
    digest: change.digest,
    ...(change.newName === undefined ? {} : { newName: change.newName }),
    ...(change.tag === undefined ? {} : { newTag: change.tag }),
  });
  return withEdits(draft, edits, noteOf(writing, change));
}

/**
 * What the entry for an image is called: the one that sets it now, or one that has it as its `name` or gives it as its
 * `newName`. A new one has the name that the rendered manifests have, since Kustomize compares texts.
 */
function entryName(writing: Writing, file: string, draft: Draft, change: ImageChange): string {
  const uses = usesOf(writing.fields, change);
  const entries = entriesIn(draft.original, file);
  const setting = uses.flatMap(({ sources: [source] }) =>
    source?.by === 'images' && source.file === file ? entryAt(entries, source.line) : [],
  );
  const ways: readonly ((entry: Entry) => boolean)[] = [
    (entry) => setting.includes(entry),
    ({ name }) => name === change.image,
    ({ newName }) => newName === change.image,
    ({ newName }) => newName !== '' && newName === change.newName,
    ({ name, newName }) =>
      sameName(name, change.image) || (newName !== '' && sameName(newName, change.image)),
  ];
  for (const way of ways) {
    const names = new Set(entries.filter(way).map(({ name }) => name));
    const [name] = names;
    if (name === undefined) continue;
    if (names.size === 1) return name;
    throw refuseEdit(
      `${file} has ${names.size} entries that give the image ${change.image}: ${[...names].join(', ')}.`,
      file,
      'Name the image as the manifests write it.',
    );
  }
  const [use] = uses;
  return use === undefined ? change.image : splitReference(use.value).name;
}

interface Entry {
  readonly name: string;
  readonly newName: string;
  readonly line: number;
}

function entriesIn(text: string, file: string): readonly Entry[] {
  const images = parseYamlDocuments(text, { source: file })[0]?.get('images');
  return (images?.kind === 'seq' ? images.content : []).flatMap((entry) => {
    const name = entry.get('name')?.value;
    const newName = entry.get('newName')?.value ?? '';
    return name === undefined ? [] : [{ name, newName, line: entry.line }];
  });
}

/** The entry that a line belongs to; none where several stand on one line. */
function entryAt(entries: readonly Entry[], line: number): readonly Entry[] {
  const before = entries.filter((entry) => entry.line <= line);
  const last = Math.max(...before.map((entry) => entry.line));
  const [entry, another] = before.filter((each) => each.line === last);
  return entry === undefined || another !== undefined ? [] : [entry];
}
