import type { KubeObject } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { badRequest, expired } from '../machinery/status-errors.ts';
import { selectEntries, type Selection } from '../machinery/reads.ts';
import { asServed } from '../machinery/object-meta.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import type { Entry } from '../store/entry.ts';
import type { Store } from '../store/store.ts';

export interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  readonly remaining: number | undefined;
}

interface Token {
  readonly revision: number;
  readonly start: string;
}

function readToken(text: string): Token {
  try {
    const value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Record<string, unknown>;
    if (value.v === 'meta.k8s.io/v1' && typeof value.rv === 'number' && typeof value.start === 'string') {
      return { revision: value.rv, start: value.start.replaceAll('\u0000', '') };
    }
  } catch {
    // Said below.
  }
  throw badRequest('continue key is not valid: it was not made by this server');
}

function writeToken(token: Token): string {
  return Buffer.from(
    JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.revision, start: `${token.start}\u0000` }),
  ).toString('base64url');
}

/** 504 for a revision that is not there yet, with the hint that clients look for. */
export function tooLargeRevision(wanted: number, current: number): ApiStatusError {
  return new ApiStatusError(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${wanted}, current: ${current}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  );
}

export function readRevision(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^\d{1,16}$/.test(text)) {
    throw badRequest(
      `resourceVersion: Invalid value: "${text.slice(0, 64)}": strconv.ParseUint: parsing "${text.slice(0, 64)}": invalid syntax`,
    );
  }
  return Number(text);
}

const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.';

/** Zero and less mean all. */
function readLimit(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^-?\d+$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 64))}: invalid syntax`);
  }
  return Number(text);
}

/** One page of a list. Later pages are of the revision of the first. */
export function readPage(
  store: Store,
  kind: ResourceKind,
  selection: Selection,
  query: URLSearchParams,
): Page {
  const table = store.table(kind.table);
  const limit = readLimit(query.get('limit'));
  const continued = query.get('continue');
  const wanted = readRevision(query.get('resourceVersion'));
  const exact = query.get('resourceVersionMatch') === 'Exact';
  let revision = store.revision;
  let sorted: readonly Entry[] | undefined;
  let after: string | undefined;
  if (continued !== null && continued !== '') {
    const token = readToken(continued);
    revision = token.revision;
    after = token.start;
    sorted = table.sortedAt(revision);
    if (sorted === undefined) throw expired(CONTINUE_EXPIRED);
  } else {
    if (wanted !== undefined && wanted > revision) throw tooLargeRevision(wanted, revision);
    if (exact && wanted !== undefined && wanted > 0) {
      revision = wanted;
      sorted = table.sortedAt(wanted);
      if (sorted === undefined) throw expired(`The resourceVersion for the provided list is too old.`);
    } else {
      sorted = table.sorted();
    }
  }
  const { start, end } = rangeOf(sorted, selection, after);
  const ranged = start === 0 && end === sorted.length ? sorted : sorted.slice(start, end);
  const all = selectEntries(ranged, selection);
  const cut = limit > 0 && all.length > limit;
  const page = cut ? all.slice(0, limit) : all;
  const last = page.at(-1);
  return {
    items: page.map((entry) => asServed(kind, entry.object)),
    resourceVersion: String(revision),
    continueToken: cut && last !== undefined ? writeToken({ revision, start: last.key }) : undefined,
    // With a selector the rest is not known without reading it, and clients are told nothing.
    remaining: cut && selection.matches === undefined ? all.length - limit : undefined,
  };
}

/** The part of a sorted list that one namespace takes, from after a key on. */
function rangeOf(
  sorted: readonly Entry[],
  selection: Selection,
  after: string | undefined,
): { readonly start: number; readonly end: number } {
  const prefix = selection.namespace === undefined ? '' : `${selection.namespace}/`;
  let start = prefix === '' ? 0 : lowerBound(sorted, prefix);
  const end = prefix === '' ? sorted.length : lowerBound(sorted, `${selection.namespace ?? ''}0`);
  if (after !== undefined) {
    start = Math.max(start, lowerBound(sorted, after));
    if (sorted[start]?.key === after) start++;
  }
  return { start, end: Math.max(start, end) };
}

/** The first place whose key is not before `key`. '0' follows '/', so `ns0` ends what `ns/` begins. */
function lowerBound(sorted: readonly Entry[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
