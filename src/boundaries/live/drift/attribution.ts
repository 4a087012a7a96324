import { getIn, isJsonObject } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { writersOf } from '../managers.ts';
import { knownWriter } from './writers.ts';
import type { KnownWriter } from './writers.ts';

/**
 * What the managed fields say about who made a field what it is. `unowned`: it is there and belongs to nobody.
 * `taken-out`: it is not there, and the delivery controller owns it no more, so that somebody took it away after the
 * last apply; who takes away owns nothing of it, and `last` is only who else wrote the object last. `untold`: the
 * object names no writer at all.
 */
export type Attribution =
  | { readonly state: 'named'; readonly writer: KnownWriter }
  | { readonly state: 'unowned' }
  | { readonly state: 'taken-out'; readonly last: KnownWriter | undefined }
  | { readonly state: 'untold' };

type Path = readonly (string | number)[];

/** The manager under which the API server keeps what was written before anybody was recorded. */
const BEFORE_FIRST_APPLY = 'before-first-apply';

function writersOfAnything(live: KubeObject): readonly KnownWriter[] {
  return writersOf(live, [])
    .filter(({ subresource }) => subresource !== 'status')
    .map(knownWriter);
}

/** Paths of what a value holds, down to scalars and lists. */
function leaves(value: JsonValue | undefined, path: Path): readonly Path[] {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return [path];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, [...path, key]));
}

/**
 * Whether a manager owns the whole of what Git asks for there. Zeros that the API server does not store stay in its
 * set when the rest is taken out: they were never there to be removed.
 */
function ownsAll(live: KubeObject, path: Path, desired: KubeObject, manager: string): boolean {
  return leaves(getIn(desired, ...path), path).every((leaf) =>
    writersOf(live, leaf, desired).some((writer) => writer.manager === manager),
  );
}

/**
 * Who made a field of `live` what it is; `value` is what stands there, and indexes of `path` are those of `desired`.
 * Source: structured-merge-diff, where an update takes what it removes out of every set, and
 * kube-apiserver, where mutating admission changes values without changing who owns them.
 */
export function attributionOf(
  live: KubeObject,
  path: Path,
  value: unknown,
  desired: KubeObject,
): Attribution {
  if ((live.metadata.managedFields ?? []).length === 0) return { state: 'untold' };
  const [found] = writersOf(live, path, desired);
  if (found !== undefined && (value !== undefined || ownsAll(live, path, desired, found.manager))) {
    return found.manager === BEFORE_FIRST_APPLY
      ? { state: 'untold' }
      : { state: 'named', writer: knownWriter(found) };
  }
  if (value !== undefined) return { state: 'unowned' };
  const others = writersOfAnything(live);
  const delivered = others.find(({ kind }) => kind === 'delivery');
  if (delivered === undefined) return { state: 'unowned' };
  const last = others.find(({ kind, time }) => kind !== 'delivery' && (time ?? '') >= (delivered.time ?? ''));
  return { state: 'taken-out', last };
}
