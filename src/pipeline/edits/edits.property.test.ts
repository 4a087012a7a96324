import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { getArray, getString, parseYaml } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { applyEdits } from '../yaml-edit.ts';
import { edit, NEW, OLD, type Files } from './edits.fixture.ts';
import { setValue } from './set-value.ts';
import type { ValueStep } from './value-path.ts';

/** A file of values as people write them, and what it says. */
type Written =
  | { readonly kind: 'scalar'; readonly text: string; readonly quote: '' | "'" | '"' }
  | { readonly kind: 'block'; readonly lines: readonly string[] }
  | {
      readonly kind: 'map';
      readonly flow: boolean;
      readonly entries: readonly (readonly [string, Written])[];
    }
  | { readonly kind: 'list'; readonly flow: boolean; readonly items: readonly Written[] };

const keys = fc.constantFrom('image', 'tag', 'repository', 'a.b/c', 'x-y', 'replicas', 'app');
const { written } = fc.letrec<{ written: Written; map: Written }>((tie) => ({
  written: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({
      kind: fc.constant('scalar' as const),
      text: fc.constantFrom('v1', 'shop/app', '1', 'true', 'sha-00'),
      quote: fc.constantFrom('' as const, "'" as const, '"' as const),
    }),
    tie('map'),
    fc.record({
      kind: fc.constant('list' as const),
      flow: fc.boolean(),
      items: fc.array(tie('written'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant('block' as const),
      lines: fc.array(fc.constantFrom('echo', '# no comment', 'a: b'), { minLength: 1, maxLength: 3 }),
    }),
  ),
  map: fc.record({
    kind: fc.constant('map' as const),
    flow: fc.boolean(),
    entries: fc.uniqueArray(fc.tuple(keys, tie('written')), { maxLength: 4, selector: ([key]) => key }),
  }),
}));

function inline(node: Written): string {
  if (node.kind === 'scalar') return `${node.quote}${node.text}${node.quote}`;
  if (node.kind === 'block') return JSON.stringify(`${node.lines.join('\n')}\n`);
  if (node.kind === 'list') return `[${node.items.map(inline).join(', ')}]`;
  return `{${node.entries.map(([key, value]) => `${key}: ${inline(value)}`).join(', ')}}`;
}

/** The lines of a value behind its key or dash: the first one stands on that line. */
function block(node: Written, indent: string, unit: string, comment: string): readonly string[] {
  if (node.kind === 'block') return ['|', ...node.lines.map((line) => `${indent}${unit}${line}`)];
  const empty = node.kind === 'map' && node.entries.length === 0;
  if (node.kind === 'scalar' || node.flow || empty) return [`${inline(node)}${comment}`];
  if (node.kind === 'list') {
    return ['', ...node.items.flatMap((item) => dashed(item, indent + unit, unit, comment))];
  }
  return ['', ...fields(node.entries, indent + unit, unit, comment)];
}

function fields(
  entries: readonly (readonly [string, Written])[],
  indent: string,
  unit: string,
  comment: string,
): readonly string[] {
  return entries.flatMap(([key, value], at) => {
    const [first = '', ...rest] = block(value, indent, unit, comment);
    const above = comment !== '' && at % 2 === 0 ? [`${indent}# ${key}`] : [];
    return [...above, `${indent}${key}:${first === '' ? '' : ' '}${first}`, ...rest];
  });
}

function dashed(item: Written, indent: string, unit: string, comment: string): readonly string[] {
  if (item.kind === 'map' && !item.flow && item.entries.length > 0) {
    const [first = '', ...rest] = fields(item.entries, `${indent}  `, unit, '');
    return [`${indent}- ${first.trimStart()}`, ...rest];
  }
  if (item.kind === 'list' && !item.flow) return [`${indent}- ${inline(item)}`];
  const [first = '', ...rest] = block(item, indent, unit, comment);
  return [`${indent}- ${first}`, ...rest];
}

/** Every place where a text could stand: values that are there, and keys that maps do not have. */
function placesIn(node: Written, at: readonly ValueStep[] = []): readonly (readonly ValueStep[])[] {
  if (node.kind === 'scalar') return at.length === 0 ? [] : [at];
  if (node.kind === 'block') return [];
  if (node.kind === 'list') {
    return node.items.flatMap((item, index) => placesIn(item, [...at, { kind: 'index', index }]));
  }
  const missing: ValueStep = { kind: 'key', key: 'missing' };
  return [
    ...node.entries.flatMap(([key, value]) => placesIn(value, [...at, { kind: 'key', key }])),
    [...at, missing],
    [...at, missing, { kind: 'key', key: 'tag' }],
  ];
}

function withValue(value: JsonValue | undefined, path: readonly ValueStep[], to: string): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return to;
  if (step.kind === 'index') {
    const list = value as readonly JsonValue[];
    return list.map((item, index) => (index === step.index ? withValue(item, rest, to) : item));
  }
  const map = (value ?? {}) as { readonly [key: string]: JsonValue };
  return { ...map, [step.key]: withValue(map[step.key], rest, to) };
}

/** Lines that are gone, and lines that came, with what both have at their start and end left out. */
function difference(
  before: string,
  after: string,
): { readonly gone: readonly string[]; readonly come: readonly string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end))
    end += 1;
  return { gone: old.slice(start, old.length - end), come: now.slice(start, now.length - end) };
}

test('of values only the wanted lines differ, whatever else is in the file and however it is written', () => {
  let set = 0;
  fc.assert(
    fc.property(
      written.filter((node) => node.kind === 'map'),
      fc.nat(),
      fc.constantFrom('v2', '1.10', `v2@${NEW}`, 'true'),
      fc.record({
        unit: fc.constantFrom('  ', '    '),
        comment: fc.constantFrom('', ' # why'),
        ending: fc.constantFrom('\n', '\r\n'),
        mark: fc.constantFrom('', '---\n', '# ours\n\n'),
        last: fc.boolean(),
      }),
      (node, which, value, { unit, comment, ending, mark, last }) => {
        const entries = node.kind === 'map' ? node.entries : [];
        const lines = entries.length === 0 ? ['{}'] : fields(entries, '', unit, comment);
        // A line behind a block text at the very end would give that text a line break.
        const open = last && /^ *(?:echo|# no|a: b)/.test(lines.at(-1) ?? '');
        const text = `${mark}${lines.join('\n')}${last && !open ? '' : '\n'}`.replaceAll('\n', ending);
        const places = placesIn({ kind: 'map', flow: false, entries });
        const place = places[which % places.length] ?? [];
        const before = parseYaml(text, 'values.yaml')[0];
        const change = { file: 'values.yaml', path: place, value };
        const after = applyEdits(text, setValue({ ...change, text }));
        set += 1;
        expect(parseYaml(after, 'values.yaml')).toEqual([withValue(before, place, value)]);
        const { gone, come } = difference(text, after);
        expect(gone.length).toBeLessThanOrEqual(1);
        expect(come.length).toBeLessThanOrEqual(gone.length + 2);
        if (text.includes('\r\n')) expect(after.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/);
        expect(applyEdits(after, setValue({ ...change, text: after }))).toBe(after);
      },
    ),
    { numRuns: 400 },
  );
  expect(set).toBeGreaterThan(300);
});

interface Container {
  readonly image: string;
  readonly quote: '' | "'" | '"';
  readonly comment: string;
  readonly flow: boolean;
}

const container: fc.Arbitrary<Container> = fc.record({
  image: fc.constantFrom(
    'shop/app',
    'shop/app:v1',
    `shop/app:v1@${OLD}`,
    'shop/app-worker:v1',
    'redis',
    'eu.io:5000/shop/app:v1',
  ),
  quote: fc.constantFrom('' as const, "'" as const, '"' as const),
  comment: fc.constantFrom('', ' # shop/app:v1 before', ' # {"x": 1}'),
  flow: fc.boolean(),
});

function pod(name: string, containers: readonly Container[]): string {
  const list = containers.map(({ image, quote, comment, flow }, index) =>
    flow
      ? `  - { name: c${index}, image: ${quote}${image}${quote}, args: [shop/app:v1] }${comment}`
      : `  - name: c${index}\n    image: ${quote}${image}${quote}${comment}\n    args: ["shop/app:v1"]`,
  );
  return `# ${name}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  annotations: {was: "shop/app:v1"}\nspec:\n  containers:\n${list.join('\n')}\n`;
}

const pods = fc
  .array(fc.array(container, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 })
  .filter((list) => list.flat().some(({ image }) => /^shop\/app(?:[:@]|$)/.test(image)));

const wanted = (image: string) => (/^shop\/app(?:[:@]|$)/.test(image) ? `shop/app:1.10@${NEW}` : image);
const change = { image: 'shop/app', tag: '1.10', digest: NEW };

test('of manifests only the images differ, in as many lines as have them', async () => {
  await fc.assert(
    fc.asyncProperty(pods, fc.constantFrom('\n', '\r\n'), fc.boolean(), async (list, ending, mark) => {
      const text = `${mark ? '\uFEFF' : ''}${list.map((containers, index) => pod(`p${index}`, containers)).join('---\n')}`;
      const files = { 'app/all.yaml': text.replaceAll('\n', ending) };
      const made = await edit({ files, folder: 'app', changes: [change] });
      const after = made.files['app/all.yaml'] ?? files['app/all.yaml'];
      const strip = (documents: readonly JsonValue[]) => documents.map((each) => JSON.stringify(each));
      const meant = list.map((containers, index) =>
        pod(
          `p${index}`,
          containers.map((each) => ({ ...each, image: wanted(each.image), comment: '' })),
        ),
      );
      expect(strip(parseYaml(after, 'after'))).toEqual(strip(parseYaml(meant.join('---\n'), 'meant')));
      const [old, now] = [files['app/all.yaml'].split('\n'), after.split('\n')];
      expect(now).toHaveLength(old.length);
      const changed = now.flatMap((line, index) => (line === old[index] ? [] : [index + 1]));
      expect([...new Set(made.edits.map(({ line }) => line))].toSorted((a, b) => a - b)).toEqual(changed);
      for (const line of changed) expect(old[line - 1]).toMatch(/image:.*shop\/app/);
      const again = await edit({ files: { 'app/all.yaml': after }, folder: 'app', changes: [change] });
      expect(again).toEqual({ files: {}, edits: [], warnings: [] });
    }),
    { numRuns: 100 },
  );
});

const kubectl = await promisify(execFile)('kubectl', ['version', '--client']).then(
  () => true,
  () => false,
);

/** Overlays over one base: with an entry, a patch of either kind, or nothing that says the image yet. */
const overlay = fc.record({
  entry: fc.constantFrom(
    '',
    'images:\n- name: shop/app\n  newTag: v1\n',
    `images:\n  - {name: shop/app, newTag: "v1@${OLD}"} # ours\n`,
    `images: [{name: redis, newTag: "7"}]\n`,
    `images:\n- name: shop/app\n  newName: mirror.io/app\n  digest: ${OLD}\n`,
  ),
  patch: fc.constantFrom(
    '',
    'patches:\n- target: {kind: Pod, name: p0}\n  patch: |-\n    - op: replace\n      path: /spec/containers/0/image\n      value: shop/app:v0\n',
    `patches:\n- patch: |-\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p0}\n    spec:\n      containers:\n      - name: c0\n        image: "shop/app:v0" # patched\n`,
  ),
  generators: fc.constantFrom('', 'configMapGenerator:\n- name: c\n  literals: [image=shop/app:v1]\n'),
});

test.skipIf(!kubectl)(
  'kubectl kustomize renders what was wanted from what was written',
  async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'landfall-edits-'));
    let runs = 0;
    try {
      await fc.assert(
        fc.asyncProperty(pods, overlay, async (list, { entry, patch, generators }) => {
          const files: Files = {
            'base/kustomization.yaml': 'resources: [all.yaml]\n',
            'base/all.yaml': list.map((containers, index) => pod(`p${index}`, containers)).join('---\n'),
            'prod/kustomization.yaml': `# prod\nresources:\n- ../base\n${generators}${patch}${entry}`,
          };
          const made = await edit({ files, folder: 'prod', changes: [change] });
          expect(Object.keys(made.files)).toEqual(['prod/kustomization.yaml']);
          const [before, after] = [await kustomize(files), await kustomize({ ...files, ...made.files })];
          expect(after.map(withoutImages)).toEqual(before.map(withoutImages));
          for (const [index, object] of after.entries()) {
            for (const [at, each] of imagesOf(object).entries()) {
              const old = imagesOf(before[index] ?? null)[at] ?? '';
              const ours = /^(?:shop|mirror\.io)\/app(?:[:@]|$)/.exec(old);
              expect(each).toBe(ours === null ? old : `${old.replace(/[:@].*$/, '')}:1.10@${NEW}`);
            }
          }
        }),
        { numRuns: 10 },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }

    async function kustomize(files: Files): Promise<readonly JsonValue[]> {
      const root = path.join(folder, String(runs++));
      for (const [name, text] of Object.entries(files)) {
        await mkdir(path.dirname(path.join(root, name)), { recursive: true });
        await writeFile(path.join(root, name), text);
      }
      const { stdout } = await promisify(execFile)('kubectl', ['kustomize', path.join(root, 'prod')]);
      return parseYaml(stdout, 'kubectl');
    }
  },
  120_000,
);

function imagesOf(object: JsonValue): readonly string[] {
  return getArray(object, 'spec', 'containers').map((each) => getString(each, 'image') ?? '');
}

function withoutImages(object: JsonValue): string {
  return JSON.stringify(object, (key, value: unknown) => (key === 'image' ? undefined : value));
}
