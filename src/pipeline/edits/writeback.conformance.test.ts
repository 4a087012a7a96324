import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseImageOverride } from '../../boundaries/index.ts';
import { parseYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { applyEdits } from '../yaml-edit.ts';
import { draftOf, finalText } from './draft.ts';
import { edit, treeOf, type Files } from './edits.fixture.ts';
import { pinImage } from './image-pin.ts';
import { kustomizationOf } from './kustomization.ts';
import { markedFiles, setMarked } from './setters.ts';
import { setValue } from './set-value.ts';
import { parseValuePath } from './value-path.ts';

interface Image {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly digest?: string;
}

interface Row {
  readonly id: string;
  readonly engine: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? join(process.cwd(), '..', 'shared', 'conformance');
const file = join(folder, 'images', 'image-writeback.json');
const there = existsSync(file);
const rows = there ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Row[]) : [];

/** What these rows ask is not about writing images into files, and why not. */
const NOT_ASKED_HERE: Readonly<Record<string, string>> = {
  'step-config': 'the configuration schema of a Kargo step',
  'target-images': 'how a Kargo step turns its configuration into images',
  'commit-message': 'the words of a Kargo commit message',
  'read-images': 'how a Kargo step lists what is there',
};

/** Rows in which we do something else on purpose. */
const OTHERWISE: Readonly<Record<string, RegExp>> = {
  // Both places would change, and only one was named.
  'update through alias node': /alias is an alias/,
  // kustomize itself refuses a file that says another version than 1.1; we leave its line where it is.
};

/** Upstream's tests have digests such as `sha23456`; ours have to be digests. */
function digestOf(text: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(text)
    ? text
    : `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

const SHORT = /sha\d{5}/g;
const long = (text: string) => text.replaceAll(SHORT, digestOf);

function parsed(text: string): JsonValue | undefined {
  return parseYaml(text, 'a row')[0];
}

/** `name[=newName][:tag][@digest]`, as Argo CD writes overrides. */
function override(text: string): Image {
  const [whole = '', digest] = text.split('@');
  const [left = '', right] = whole.split('=');
  const reference = right ?? left;
  const colon = reference.indexOf(':', reference.lastIndexOf('/') + 1);
  const named = colon < 0 ? reference : reference.slice(0, colon);
  return {
    name: right === undefined ? named : left,
    ...(right === undefined ? {} : { newName: named }),
    ...(colon < 0 ? {} : { newTag: reference.slice(colon + 1) }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** We always write a digest; a row that has none gets one, which is not compared. */
const MADE_UP = digestOf('a row without digest');

function pinAll(text: string, images: readonly Image[]): string {
  return images.reduce(
    (before, { name, newName, newTag, digest }) =>
      pinImage({
        text: before,
        file: 'kustomization.yaml',
        image: name,
        digest: digest === undefined || digest === '' ? MADE_UP : digestOf(digest),
        ...(newName === undefined || newName === '' ? {} : { newName }),
        ...(newTag === undefined || newTag === '' ? {} : { newTag }),
      }),
    text,
  );
}

function imagesIn(text: string): readonly Image[] {
  const images = (parsed(text) as { images?: readonly Image[] } | undefined)?.images ?? [];
  return images
    .map(({ digest, ...rest }) => (digest === undefined || digest === MADE_UP ? rest : { ...rest, digest }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const meant = (images: readonly Image[]) =>
  images
    .map((image) => ({ ...image, ...(image.digest === undefined ? {} : { digest: digestOf(image.digest) }) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

async function setters(row: Row): Promise<void> {
  const before = row['before'] as Files;
  const policies = row['policies'] as readonly {
    namespace: string;
    name: string;
    latestRef: { name: string; tag: string; digest: string };
  }[];
  const files: Record<string, string> = { ...before };
  const request = {
    tree: treeOf(before),
    folder: '',
    changes: [],
    target: { kind: 'auto' } as const,
    render: () => Promise.reject(new Error('these rows are not rendered')),
    signal: new AbortController().signal,
  };
  const read = (path: string) => Promise.resolve(before[path]);
  const path = typeof row['path'] === 'string' ? row['path'] : '';
  for (const name of await markedFiles({ request, read }, path)) {
    for (const { namespace, name: policy, latestRef } of policies) {
      const reference = { ...latestRef, tagPart: latestRef.tag };
      const draft = setMarked(
        draftOf(files[name] ?? ''),
        name,
        `${namespace}:${policy}`,
        reference,
        latestRef.name,
      );
      files[name] = finalText(draft);
    }
  }
  if (row['after'] !== undefined) expect(files).toEqual({ ...before, ...(row['after'] as Files) });
  const written = row['writtenFiles'];
  if (written !== undefined) {
    const changed = Object.fromEntries(Object.entries(files).filter(([name, text]) => text !== before[name]));
    if (Array.isArray(written))
      expect(Object.keys(changed).toSorted()).toEqual([...(written as string[])].toSorted());
    else expect(changed).toEqual(written);
  }
}

async function screening(row: Row): Promise<void> {
  const before = (row['before'] ?? row['files']) as Files;
  const wanted = (row['marked'] ??
    row['found'] ??
    row['expected'] ??
    row['expectedFiles']) as readonly string[];
  const request = {
    tree: treeOf(before),
    folder: '',
    changes: [],
    target: { kind: 'auto' } as const,
    render: () => Promise.reject(new Error('these rows are not rendered')),
    signal: new AbortController().signal,
  };
  const read = (path: string) => Promise.resolve(before[path]);
  expect(await markedFiles({ request, read }, '')).toEqual([...wanted].toSorted());
}

async function kustomization(row: Row): Promise<void> {
  const before = long(row['before'] as string);
  const images = (row['imagesSet'] as readonly string[]).map((each) => override(long(each)));
  if (row['error'] === true) {
    const target = { kind: 'kustomization', folder: 'not-there' } as const;
    const changes = images.map(({ name, digest }) => ({
      image: name,
      tag: undefined,
      digest: digestOf(digest ?? ''),
    }));
    await expect(
      edit({ files: { 'k/kustomization.yaml': 'resources: []\n' }, folder: 'k', changes, target }),
    ).rejects.toThrow(/there is none/);
    return;
  }
  const after = pinAll(before, images);
  if (row['expectedImages'] !== undefined)
    expect(imagesIn(after)).toEqual(meant(row['expectedImages'] as readonly Image[]));
  else if (row['compare'] === 'yaml') expect(imagesIn(after)).toEqual(imagesIn(long(row['after'] as string)));
  else expect(after).toBe(long(row['after'] as string));
}

function yamlField(row: Row): void {
  const before = row['before'] as string;
  const set = () => {
    const path = parseValuePath(row['key'] as string);
    const value = row['value'] as string;
    return applyEdits(before, setValue({ text: before, file: 'row.yaml', path, value }));
  };
  const otherwise = Object.entries(OTHERWISE).find(([name]) => row.id.endsWith(`/${name}`))?.[1];
  if (otherwise !== undefined) expect(set).toThrow(otherwise);
  else if (row['errorContains'] !== undefined || row['error'] !== undefined) expect(set).toThrow();
  else expect(parsed(set())).toEqual(parsed(row['after'] as string));
}

function documentStart(row: Row): void {
  const text = row['text'] as string;
  let read: JsonValue | undefined;
  try {
    read = parsed(text);
  } catch {
    return;
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return;
  const [key = ''] = Object.keys(read);
  const edits = setValue({ text, file: 'row.yaml', path: [{ kind: 'key', key }], value: 'other' });
  const edited = applyEdits(text, edits);
  expect(edited.slice(0, text.indexOf(key))).toBe(text.slice(0, text.indexOf(key)));
  expect(/^---(?:\s|$)/.test(edited)).toBe(/^---(?:\s|$)/.test(text));
}

function step(row: Row): void {
  const files = row['before'] as Files;
  const given = row['images'] as
    | readonly { image: string; tag?: string; digest?: string; newName?: string }[]
    | null;
  const freight = row['freightImages'] as readonly { repoURL: string; tag?: string; digest?: string }[];
  const images = (given ?? freight.map(({ repoURL, ...rest }) => ({ image: repoURL, ...rest }))).map(
    ({ image, tag, digest, ...rest }): Image => ({
      name: image,
      ...('newName' in rest && typeof rest.newName === 'string' ? { newName: rest.newName } : {}),
      ...(tag === undefined ? {} : { newTag: tag }),
      ...(digest === undefined ? {} : { digest }),
    }),
  );
  const after = pinAll(Object.values(files)[0] ?? '', images);
  for (const text of row['fileContains'] as readonly string[]) {
    expect(after).toContain(text.replace(/sha256:\d+$/, digestOf));
  }
}

function merge(row: Row): void {
  const current = row['currentImages'] as readonly Image[];
  const images = Object.values(row['images'] as Readonly<Record<string, Image>>);
  // `*` keeps a part of what is there: Kargo's own wild card.
  if (JSON.stringify([current, images]).includes('"*"')) return;
  const before = current.length === 0 ? 'kind: Kustomization\n' : JSON.stringify({ images: meant(current) });
  const after = imagesIn(pinAll(before, images));
  const wanted = meant(row['expectedImages'] as readonly Image[]);
  if (row['partial'] === true) expect(after.map(({ name }) => name)).toEqual(wanted.map(({ name }) => name));
  else expect(after).toEqual(wanted);
}

function readFile(row: Row): void {
  const read = () => pinAll(row['before'] as string, [{ name: 'nginx', newTag: '1.27' }]);
  if (row['error'] === true) expect(read).toThrow();
  else expect(imagesIn(read())).toContainEqual({ name: 'nginx', newTag: '1.27' });
}

async function find(row: Row): Promise<void> {
  const path = row['path'] as string;
  const names = row['files'] as readonly string[];
  const tree = treeOf(Object.fromEntries(names.map((name) => [join(path, name), 'resources: []\n'])));
  const request = { tree } as Parameters<typeof kustomizationOf>[0]['request'];
  const looking = kustomizationOf({ request } as Parameters<typeof kustomizationOf>[0], path);
  if (typeof row['found'] === 'string') expect(await looking).toBe(join(path, row['found']));
  else expect(await looking.catch(() => undefined)).toBeUndefined();
}

function overrideSyntax(row: Row): void {
  const read = parseImageOverride(row['override'] as string);
  const given = Object.fromEntries(Object.entries(read).filter(([, value]) => value !== ''));
  expect(given).toEqual(row['image']);
}

const KINDS: Readonly<Record<string, (row: Row) => void | Promise<void>>> = {
  setters,
  screening,
  kustomization,
  'yaml-field': yamlField,
  'document-start': documentStart,
  'kustomization-step': step,
  'merge-images': merge,
  'read-file': readFile,
  'override-syntax': overrideSyntax,
  'find-kustomization': find,
};

function why(row: Row): string | undefined {
  if (row.kind === 'setters' && row['before'] === undefined) return 'the configuration of the automation';
  if (row.kind === 'yaml-field' && typeof row['value'] !== 'string')
    return 'a map or list as the value: images are texts';
  return KINDS[row.kind] === undefined
    ? (NOT_ASKED_HERE[row.kind] ?? 'a kind that is not known here')
    : undefined;
}

describe.skipIf(!there)(`the cases of other tools (${there ? file : `not there: ${file}`})`, () => {
  const asked = rows.filter((row) => why(row) === undefined);

  test('most of them ask something that is answered here', () => {
    expect(asked.length).toBeGreaterThan(rows.length / 2);
  });

  for (const row of rows) {
    const reason = why(row);
    if (reason === undefined) test(row.id, () => KINDS[row.kind]?.(row));
    else test.skip(`${row.id} (${reason})`, () => {});
  }
});
