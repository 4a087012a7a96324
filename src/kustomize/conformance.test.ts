import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OpenApi } from './schema/openapi.ts';
import { memoryTree, render, strategicMerge } from './index.ts';
import {
  LandfallError,
  isJsonObject,
  parseYamlDocuments,
  stringifyYaml,
  yamlToExact,
} from '../kernel/index.ts';
import type { ExactValue, YamlNode } from '../kernel/index.ts';

const cases = join(process.env['LANDFALL_CONFORMANCE'] ?? resolve('../shared/conformance'), 'kustomize');

interface Listed {
  readonly id: string;
  readonly tier: 'core-yaml' | 'core-golden' | 'golden-only' | 'core-error';
}

interface Case {
  readonly runPath: string;
  readonly options: { readonly reorder: 'none' | 'legacy'; readonly loadRestrictor: string };
}

interface Merge {
  readonly description: string;
  readonly patch: string;
  readonly dest: string;
  readonly expected: string;
  readonly infer: boolean;
  readonly listIncreaseDirection: 'append' | 'prepend';
}

function filesBelow(folder: string, prefix = ''): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  if (!existsSync(folder)) return files;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) Object.assign(files, filesBelow(path, `${prefix}${name}/`));
    else files[prefix + name] = readFileSync(path);
  }
  return files;
}

/** The original's tests compare with lists sorted by name. */
function print(node: YamlNode): string {
  const sorted = (value: ExactValue): ExactValue => {
    if (Array.isArray(value)) {
      const items = value.map(sorted);
      const name = (item: ExactValue) => {
        const found = isJsonObject(item) ? item['name'] : undefined;
        return typeof found === 'string' ? found : '';
      };
      return items.every((item) => name(item) !== '')
        ? items.toSorted((a, b) => (name(a) < name(b) ? -1 : 1))
        : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, sorted(each)]));
  };
  return stringifyYaml(sorted(yamlToExact(node)));
}

function renderCase(id: string): Promise<string> {
  const folder = join(cases, id);
  const { runPath, options } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as Case;
  const tree = memoryTree(filesBelow(join(folder, 'input')));
  return render(tree, runPath.replace(/^\/|\/$/g, ''), {
    reorder: options.reorder,
    loadRestrictor: options.loadRestrictor === 'rootOnly' ? 'root-only' : 'none',
  }).then((result) => result.yaml);
}

const expectedFile = {
  'core-yaml': 'expected.yaml',
  'core-golden': 'golden.yaml',
  'golden-only': 'golden.yaml',
} as const;

describe.skipIf(!existsSync(cases))('the cases of the original (skipped where they are absent)', () => {
  const listed = existsSync(cases)
    ? (JSON.parse(readFileSync(join(cases, 'index.json'), 'utf8')) as readonly Listed[])
    : [];

  test.each(listed.map(({ id, tier }) => [id, tier] as const))('%s (%s)', async (id, tier) => {
    if (tier === 'core-error') {
      await expect(renderCase(id)).rejects.toSatisfy(
        (error) => error instanceof LandfallError && error.kind !== 'bug' && error.message.length > 10,
      );
      return;
    }
    const expected = readFileSync(join(cases, id, expectedFile[tier]), 'utf8');
    expect(await renderCase(id)).toBe(expected);
  });

  const merges = existsSync(cases)
    ? (JSON.parse(readFileSync(join(cases, 'strategic-merge.json'), 'utf8')) as readonly Merge[])
    : [];
  test.each(merges.map((merge) => [merge.description, merge] as const))('merge: %s', (_, merge) => {
    const read = (text: string) => {
      const [node] = parseYamlDocuments(text, { source: 'merge', words: 'yaml-1.2' });
      if (node === undefined) throw new Error('no document');
      return node;
    };
    const merged = strategicMerge(read(merge.dest), read(merge.patch), {
      openapi: new OpenApi(),
      infer: merge.infer,
      direction: merge.listIncreaseDirection,
    });
    const text = merged === undefined ? '' : print(merged);
    const wanted = merge.expected.trim() === '' ? '' : print(read(merge.expected));
    expect(text).toBe(wanted);
  });
});
