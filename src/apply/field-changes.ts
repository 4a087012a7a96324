import { createHmac } from 'node:crypto';
import { getIn, getString, isJsonObject, jsonEqual, textOf } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { fieldDifferences, fieldPath } from '../boundaries/live/index.ts';
import { isOurApply } from './field-manager.ts';
import type { PlannedField } from './plan.ts';

type Path = readonly (string | number)[];

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** What a dry run says will be different, field by field, each with the line that asks for it. */
export function fieldChanges(
  before: KubeObject,
  after: KubeObject,
  facts: RenderedFacts | undefined,
  salt: string,
): readonly PlannedField[] {
  const found: PlannedField[] = [];
  const show = (path: Path, value: JsonValue | undefined) =>
    before.kind === 'Secret' ? hidden(path, value, salt) : value;
  const push = (path: Path, from: JsonValue | undefined, to: JsonValue | undefined, where?: string) => {
    if (path.includes(LAST_APPLIED)) return;
    const [was, is] = [show(path, from), show(path, to)];
    found.push({
      field: fieldPath(path),
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
      ...(where === undefined ? {} : { where }),
    });
  };
  for (const { path, desired, live } of fieldDifferences(after, before)) {
    push(path, live, desired, facts && whereAsked(facts, after, path));
  }
  for (const { path, desired, live } of fieldDifferences(before, after)) {
    if (live === undefined) push(path, desired, undefined);
  }
  return found;
}

/** A value of a Secret: nothing of it but whether it is the same as another one. */
function hidden(path: Path, value: JsonValue | undefined, salt: string): JsonValue | undefined {
  if (value === undefined || (path[0] !== 'data' && path[0] !== 'stringData')) return value;
  if (isJsonObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hashed(inner, salt)]));
  }
  return hashed(value, salt);
}

function hashed(value: JsonValue, salt: string): string {
  return `(hidden ${createHmac('sha256', salt).update(textOf(value)).digest('hex').slice(0, 8)})`;
}

/** The line that asks for a field of the stored object: in Git the item of a list may stand elsewhere. */
function whereAsked(facts: RenderedFacts, stored: KubeObject, path: Path): string | undefined {
  const asked = inGit(facts.object, stored, path);
  if (asked === undefined) return undefined;
  return firstLine(facts, asked);
}

function inGit(object: KubeObject, stored: KubeObject, path: Path): Path | undefined {
  const asked: (string | number)[] = [];
  for (const [index, step] of path.entries()) {
    if (typeof step === 'string') {
      asked.push(step === 'data' && index === 0 && isJsonObject(object['stringData']) ? 'stringData' : step);
      continue;
    }
    const item = getIn(stored, ...path.slice(0, index + 1));
    const list = getIn(object, ...asked);
    if (!Array.isArray(list)) return undefined;
    const name = getString(item, 'name');
    const place =
      name === undefined
        ? list.findIndex((other) => jsonEqual(other, item))
        : list.findIndex((other) => getString(other, 'name') === name);
    asked.push(place < 0 ? step : place);
  }
  return asked;
}

/** Of the field, or of the first one in it; maps have no line where a patch made them. */
export function firstLine(facts: RenderedFacts, path: Path): string | undefined {
  const [source] = facts.why(path);
  if (source !== undefined) return `${source.file}:${source.line}`;
  const value = getIn(facts.object, ...path);
  const steps: readonly (string | number)[] = Array.isArray(value)
    ? [...value.keys()]
    : isJsonObject(value)
      ? Object.keys(value)
      : [];
  for (const step of steps) {
    const line = firstLine(facts, [...path, step]);
    if (line !== undefined) return line;
  }
  return undefined;
}

/**
 * True where an apply changes nothing and makes us own nothing more. Other managers' entries may differ: an object
 * without any gets `before-first-apply` for the asking.
 */
export function wouldWriteNothing(before: KubeObject, after: KubeObject): boolean {
  return jsonEqual(comparable(before, isOurApply), comparable(after, isOurApply));
}

/** What an object is, but for its status and times: the same as long as nobody wrote it. Good only with this salt. */
export function fingerprint(object: KubeObject, salt: string): string {
  return createHmac('sha256', salt)
    .update(canonical(comparable(object, (entry) => entry['subresource'] !== 'status')))
    .digest('hex');
}

/** JSON with sorted keys. */
export function canonical(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  let text = '';
  for (const key of Object.keys(value).toSorted()) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonical(value[key] as JsonValue)}`;
  }
  return `{${text}}`;
}

function comparable(object: KubeObject, counts: (entry: JsonObject) => boolean): JsonObject {
  const { resourceVersion: _version, generation: _generation, managedFields, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  const entries = (managedFields ?? [])
    .filter(counts)
    .map(({ time: _time, ...entry }) => entry)
    .map(
      (entry) =>
        [JSON.stringify([entry['manager'], entry['operation'], entry['subresource']]), entry] as const,
    );
  return { ...rest, metadata: { ...metadata, managedFields: Object.fromEntries(entries) } };
}

/** A sentence of the API server about a Secret, without any of its values. */
export function withoutValues(text: string, object: KubeObject): string {
  if (object.kind !== 'Secret') return text;
  const values = [object['data'], object['stringData']].flatMap((map) =>
    isJsonObject(map) ? Object.values(map).map(textOf) : [],
  );
  const forms = values.flatMap((value) => [
    value,
    Buffer.from(value).toString('base64'),
    Buffer.from(value, 'base64').toString('utf8'),
  ]);
  return forms
    .filter((form) => form.length >= 3)
    .toSorted((a, b) => b.length - a.length)
    .reduce((clean, form) => clean.replaceAll(form, '(hidden)'), text);
}
