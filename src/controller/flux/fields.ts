import { getObject, isJsonObject, jsonEqual, textOf } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { APPLIER_FIELDS } from './fields-of-appliers.ts';
import { SOURCE_FIELDS } from './fields-of-sources.ts';
import type { Fields, Support } from './fields-support.ts';

/** Every field of the spec of Flux' kinds, and what becomes of it here. */
export const FLUX_FIELDS: Readonly<Record<string, Fields>> = { ...SOURCE_FIELDS, ...APPLIER_FIELDS };

/**
 * What a spec asks for that is not done here, one sentence for each: it is refused, so that nothing is passed over in
 * silence. A field that no table knows is one of them.
 */
export function refusedFields(object: KubeObject): readonly string[] {
  const fields = FLUX_FIELDS[object.kind];
  if (fields === undefined) return [];
  return refusedBelow(fields, getObject(object, 'spec') ?? {}, '');
}

function refusedBelow(fields: Fields, value: JsonObject, prefix: string): readonly string[] {
  return Object.entries(value).flatMap(([name, item]) => {
    const path = `${prefix}${name}`;
    const support = fields[path];
    if (item === undefined || item === null) return [];
    if (support !== undefined) return refusal(path, support, item) ?? [];
    const isGroup = Object.keys(fields).some((known) => known.startsWith(`${path}.`));
    if (isGroup && isJsonObject(item)) return refusedBelow(fields, item, `${path}.`);
    return [`spec.${path} is not known to this controller; nothing is done while it is there`];
  });
}

function refusal(path: string, support: Support, value: JsonValue): string | undefined {
  if (support.how === 'yes' || support.how === 'idle' || isNothing(value)) return undefined;
  if (support.how === 'no') return `spec.${path} is not supported by this controller: ${support.why}`;
  if (support.values.some((allowed) => jsonEqual(allowed, value))) return undefined;
  const shown = isJsonObject(value) || Array.isArray(value) ? '' : ` '${textOf(value)}'`;
  return `spec.${path}${shown} is not supported by this controller: ${support.why}`;
}

/** What says the same as nothing at all. */
function isNothing(value: JsonValue): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === '' || value === false;
}
