import { describe, expect, it } from 'vitest';
import type { JsonArray, JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { conformanceCases } from '../merge/conformance.fixture.ts';
import { applyStrategicMerge, UNTYPED, type PatchSchema } from './strategic-merge.ts';

interface FieldSchema {
  readonly patchStrategy?: readonly string[];
  readonly patchMergeKey?: string;
  readonly ref?: string;
  readonly items?: { readonly ref?: string };
}
type Types = Readonly<Record<string, Readonly<Record<string, FieldSchema>>>>;

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly type?: string;
  readonly original?: JsonValue;
  readonly modified?: JsonValue;
  readonly current?: JsonValue;
  readonly twoWay?: JsonValue;
  readonly twoWayResult?: JsonValue;
  readonly threeWay?: JsonValue;
  readonly result?: JsonValue;
  readonly expectedApplyError?: string;
}

const file = conformanceCases('strategicpatch.json') as
  | { readonly schemas: { readonly types: Types }; readonly cases: readonly Case[] }
  | undefined;

function schemaOf(types: Types, name: string): PatchSchema {
  const type = types[name] ?? {};
  return {
    name,
    field(field) {
      const found = Object.hasOwn(type, field) ? type[field] : undefined;
      if (found === undefined) return undefined;
      const inner = found.ref ?? found.items?.ref;
      const strategies = found.patchStrategy ?? [];
      return {
        strategy: strategies.includes('merge')
          ? 'merge'
          : strategies.includes('replace')
            ? 'replace'
            : 'default',
        mergeKey: found.patchMergeKey,
        schema: inner === undefined ? UNTYPED : schemaOf(types, inner),
      };
    },
  };
}

/** Lists that merge have no order of their own in these cases: upstream sorts them before it compares. */
function sorted(
  value: JsonValue,
  schema: PatchSchema,
  field?: { strategy: string; mergeKey: string | undefined },
): JsonValue {
  if (Array.isArray(value)) {
    const items: JsonArray = value.map((item) => sorted(item, schema));
    if (field?.strategy !== 'merge') return items;
    const keyOf = (item: JsonValue) =>
      JSON.stringify(
        isJsonObject(item) && field.mergeKey !== undefined ? (item[field.mergeKey] ?? null) : item,
      );
    return items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }
  if (!isJsonObject(value)) return value;
  const result: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) {
    const found = schema.field(key);
    result[key] = sorted(inner, found?.schema ?? UNTYPED, found);
  }
  return result;
}

describe.skipIf(file === undefined)(
  'strategic merge by upstream cases (skipped where ../shared/conformance is absent)',
  () => {
    const types = file?.schemas.types ?? {};
    const cases = (file?.cases ?? []).filter(
      (test) => (test.kind === 'apply' || test.kind === 'createAndApply') && test.twoWay !== undefined,
    );
    it.each(cases.map((test) => [test.id, test] as const))('%s', (_id, test) => {
      const schema = schemaOf(types, test.type ?? 'MergeItem');
      const original = isJsonObject(test.original) ? test.original : {};
      const apply = (to: JsonObject, patch: JsonValue) => applyStrategicMerge(to, patch, schema);
      if (test.expectedApplyError !== undefined) {
        expect(() => apply(original, test.twoWay ?? {})).toThrow();
        return;
      }
      const wanted = test.twoWayResult ?? test.modified ?? {};
      expect(sorted(apply(original, test.twoWay ?? {}), schema)).toEqual(sorted(wanted, schema));
      if (test.threeWay === undefined || test.result === undefined) return;
      const current = isJsonObject(test.current) ? test.current : {};
      expect(sorted(apply(current, test.threeWay), schema)).toEqual(sorted(test.result, schema));
    });
  },
);
