import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { compareValues } from './compare.ts';
import { conformanceCases } from './conformance.fixture.ts';
import { FieldSet } from './field-set.ts';
import { fieldsOf } from './fields-of.ts';
import { mergeValues } from './merge.ts';
import { reconcileFields } from './reconcile.ts';
import { extractItems, extractItemsWithKeys, removeItems } from './remove.ts';
import { readSmdTypes } from './smd-schema.fixture.ts';
import type { TypeRef } from './type.ts';
import { validateValue } from './validate.ts';

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly schema: string;
  readonly typeName: string;
  readonly [field: string]: JsonValue | undefined;
}

const cases = conformanceCases('smd-typed.json') as readonly Case[] | undefined;
const schemas = conformanceCases('smd-schemas.json') as Record<string, { types: JsonValue[] }> | undefined;

function typeOf(schema: string, name: string): TypeRef {
  return readSmdTypes(schemas?.[schema]?.types ?? [])(name);
}

const fieldsV1 = (value: JsonValue | undefined) => FieldSet.fromFieldsV1(value).toFieldsV1();

function isValid(type: TypeRef, value: JsonValue, allowDuplicates: boolean): boolean {
  try {
    validateValue(type, value, allowDuplicates);
    return true;
  } catch {
    return false;
  }
}

function check(test: Case): void {
  const type = typeOf(test.schema, test.typeName);
  const object = test.object ?? null;
  switch (test.kind) {
    case 'merge':
      expect(mergeValues(type, test.lhs ?? null, test.rhs ?? null) ?? null).toEqual(test.out ?? null);
      return;
    case 'compare': {
      const { added, modified, removed } = compareValues(type, test.lhs ?? null, test.rhs ?? null);
      expect({
        added: added.toFieldsV1(),
        modified: modified.toFieldsV1(),
        removed: removed.toFieldsV1(),
      }).toEqual({
        added: fieldsV1(test.added),
        modified: fieldsV1(test.modified),
        removed: fieldsV1(test.removed),
      });
      return;
    }
    case 'toFieldSet':
      expect(fieldsOf(type, object).toFieldsV1()).toEqual(fieldsV1(test.set));
      return;
    case 'validate':
      expect([isValid(type, object, false), isValid(type, object, true)]).toEqual([
        test.expect === 'valid',
        test.expect !== 'invalid',
      ]);
      return;
    case 'remove': {
      const set = FieldSet.fromFieldsV1(test.set);
      if (test.removeOutput !== undefined) expect(removeItems(type, object, set)).toEqual(test.removeOutput);
      if (test.extractOutput !== undefined)
        expect(extractItems(type, object, set)).toEqual(test.extractOutput);
      return;
    }
    case 'extractWithKeys':
      expect(extractItemsWithKeys(type, object, FieldSet.fromFieldsV1(test.set))).toEqual(test.out);
      return;
    case 'reversibleExtract': {
      const partial = test.partial ?? null;
      const merged = mergeValues(type, object, partial) ?? null;
      expect(extractItems(type, merged, fieldsOf(type, partial).leaves())).toEqual(partial);
      return;
    }
    case 'reconcile': {
      const fixed = reconcileFields(type, FieldSet.fromFieldsV1(test.oldFields));
      if (test.noChange === true) expect(fixed).toBeUndefined();
      else expect(fixed?.toFieldsV1()).toEqual(fieldsV1(test.fixedFields));
      return;
    }
    default:
      throw new Error(`the case file has a kind of case that this test does not know: ${test.kind}`);
  }
}

describe.skipIf(cases === undefined)(
  'structured-merge-diff on typed values (skipped where ../shared/conformance is absent)',
  () => {
    const byKind = new Map<string, Case[]>();
    for (const test of cases ?? []) byKind.set(test.kind, [...(byKind.get(test.kind) ?? []), test]);
    for (const [kind, tests] of byKind) {
      it.each(tests.map((test) => [test.id, test] as const))(`${kind}: %s`, (_id, test) => check(test));
    }
  },
);

describe('a field set', () => {
  it('reads and writes managedFields without a change', () => {
    const fields: JsonObject = {
      'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {} } } },
    };
    expect(FieldSet.fromFieldsV1(fields).toFieldsV1()).toEqual(fields);
  });
});
