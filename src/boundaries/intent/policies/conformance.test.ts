import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LandfallError } from '../../../kernel/index.ts';
import { familiarName, parseReference } from '../../../oci/reference.ts';
import { compileFilter } from './filter.ts';
import { compileGlob, compilePolicy, type Order, type TagPolicy } from './index.ts';

interface Row {
  readonly id: string;
  readonly engine: 'flux' | 'argocd-image-updater';
  readonly check: 'construct' | 'latest' | 'filter' | 'ignored';
  readonly policy?: string;
  readonly strategy?: string;
  readonly range?: string;
  readonly constraint?: string;
  readonly order?: string;
  readonly versions?: readonly string[];
  readonly tags?: readonly (string | { readonly tag: string; readonly createdUnix: number })[];
  readonly expected?: string | boolean | null;
  readonly expectedSorted?: readonly string[];
  readonly pattern?: string;
  readonly extract?: string;
  readonly ignoreList?: readonly string[];
  readonly tag?: string;
  readonly error?: boolean | string;
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? join(process.cwd(), '..', 'shared', 'conformance');
const file = join(folder, 'images', 'image-policies.json');
const there = existsSync(file);
const rows = there ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Row[]) : [];

const references = join(folder, 'images', 'image-references.json');
const familiar = there
  ? (
      JSON.parse(readFileSync(references, 'utf8')) as readonly {
        readonly id: string;
        readonly function: string;
        readonly input: string;
        readonly pattern: string;
        readonly matches: boolean;
      }[]
    ).filter((row) => row.function === 'FamiliarMatch')
  : [];

/** A pattern fits the short name of an image with its tag or without it. */
function fitsFamiliar(pattern: string, input: string): boolean {
  const reference = parseReference(input);
  const { tag, digest } = reference;
  const name = familiarName(reference);
  const whole = `${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
  const glob = compileGlob(pattern, 'test');
  return glob.test(whole) || glob.test(name);
}

const ORDERS: Readonly<Record<string, Order>> = { '': 'ascending', ASC: 'ascending', DESC: 'descending' };

function orderOf(text: string | undefined): Order {
  const order = ORDERS[text ?? ''];
  if (order !== undefined) return order;
  throw new LandfallError(`${text ?? ''} is no order`, { kind: 'invalid-input', code: 'order' });
}

function policyOf(row: Row): TagPolicy {
  const kind = row.policy ?? row.strategy ?? 'none';
  switch (kind) {
    case 'semver':
      return { kind, range: row.range ?? row.constraint ?? '', strict: row.engine === 'flux' };
    case 'numerical':
    case 'alphabetical':
      return { kind, order: orderOf(row.order) };
    case 'newest-build':
      return { kind };
    case 'digest':
      return { kind, tag: row.constraint ?? '' };
    default:
      throw new Error(`no policy ${kind}`);
  }
}

function answer(row: Row): unknown {
  if (row.check === 'ignored')
    return (row.ignoreList ?? []).some((glob) => compileGlob(glob, 'test').test(row.tag ?? ''));
  if (row.check === 'filter') {
    const filter = compileFilter({ allow: row.pattern ?? '', extract: row.extract ?? '' }, 'test');
    return filter((row.tags ?? []).map(String))
      .candidates.map(({ value }) => value)
      .toSorted();
  }
  const chooser = compilePolicy(policyOf(row), {}, 'test');
  if (row.check === 'construct') return true;
  const dated = (row.tags ?? []).filter((tag) => typeof tag === 'object');
  const tags = row.versions ?? [...new Set(dated.map(({ tag }) => tag))];
  const builtAt = new Map(dated.map(({ tag, createdUnix }) => [tag, createdUnix * 1000]));
  return chooser.choose(tags, { builtAt }).tag ?? null;
}

function difference(row: Row): readonly string[] {
  const mustFail = row.error !== undefined && row.error !== false;
  const wanted = row.expectedSorted ?? row.expected;
  try {
    const found = answer(row);
    // Flux has one word for "none fits" and "cannot be read"; here the first is an answer.
    if (mustFail) return found === null ? [] : [`${row.id}: ${JSON.stringify(found)}, wanted an error`];
    if (row.check === 'construct' || JSON.stringify(found) === JSON.stringify(wanted)) return [];
    return [`${row.id}: ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`];
  } catch (error) {
    if (!(error instanceof LandfallError)) throw error;
    return mustFail ? [] : [`${row.id}: ${error.message}`];
  }
}

describe('tag policies', () => {
  it.skipIf(!there)(
    `choose as Flux and Argo CD Image Updater do${there ? '' : ` (skipped: no ${file})`}`,
    () => {
      expect(rows.length).toBeGreaterThan(30);
      expect(rows.flatMap(difference)).toEqual([]);
    },
  );

  it.skipIf(!there)('match names of images by shell patterns as distribution/reference does', () => {
    expect(familiar.length).toBeGreaterThan(2);
    expect(familiar.filter((row) => fitsFamiliar(row.pattern, row.input) !== row.matches)).toEqual([]);
  });
});
