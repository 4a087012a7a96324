import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { conformanceCases } from './conformance.fixture.ts';
import { FieldSet, printPath } from './field-set.ts';
import { mergeValues } from './merge.ts';
import { extractItems } from './remove.ts';
import { readSmdTypes } from './smd-schema.fixture.ts';
import { deducedType, type TypeRef } from './type.ts';
import { ConflictError, Updater, type Managers, type TypedObject } from './updater.ts';
import { validateValue } from './validate.ts';

interface Managed {
  readonly apiVersion: string;
  readonly applied: boolean;
  readonly fieldSet: JsonObject;
}

interface Operation {
  readonly op: string;
  readonly manager: string;
  readonly apiVersion: string;
  readonly object?: JsonValue;
  readonly parser?: string;
  readonly versions?: readonly string[];
  readonly conflicts?: readonly { readonly manager: string; readonly path: string }[];
  readonly error?: boolean;
  readonly after?: { readonly object: JsonValue; readonly managed: Record<string, Managed> };
}

interface Case {
  readonly id: string;
  readonly parser: string;
  readonly typeName?: string;
  readonly typeByVersion?: boolean;
  readonly converter?: string;
  readonly acceptedVersions?: readonly string[];
  readonly ops: readonly Operation[];
  readonly ignoreFilter?: Record<string, { readonly exclude: JsonValue }>;
  readonly ignoredFields?: Record<string, JsonValue>;
}

const schemas = conformanceCases('smd-schemas.json') as Record<string, { types: JsonValue[] }> | undefined;

function renameKeys(value: JsonValue, rename: (key: string) => string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => renameKeys(item, rename));
  if (!isJsonObject(value)) return value;
  // In order of keys: where two become one, the later stays.
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [rename(key), renameKeys(value[key] ?? null, rename)]));
}

/** The converters that upstream's own tests use. */
function convertValue(converter: string | undefined, value: JsonValue, from: string, to: string): JsonValue {
  if (value === null) return value;
  if (converter === 'renaming' && from !== to) {
    return renameKeys(value, (key) => (key.endsWith(from) ? key.slice(0, -from.length) + to : key));
  }
  if (converter === 'repeating') {
    const times = Number(to.slice(1));
    if (!isJsonObject(value)) return value;
    const repeat = (key: string) => (key[0] ?? '').repeat(times);
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renameKeys(inner, repeat)]));
  }
  return value;
}

function play(test: Case): void {
  let parser = test.parser;
  let accepted: readonly string[] | undefined = test.acceptedVersions;
  let live: JsonValue = null;
  let liveVersion = test.ops[0]?.apiVersion ?? 'v1';
  let managers: Managers = new Map();
  const typeOf = (version: string): TypeRef => {
    if (parser === 'deduced') return deducedType;
    return readSmdTypes(schemas?.[parser]?.types ?? [])(
      test.typeByVersion === true ? version : (test.typeName ?? version),
    );
  };
  const versions = new WeakMap<TypedObject, string>();
  const typed = (value: JsonValue, version: string): TypedObject => {
    const object: TypedObject = { type: typeOf(version), value };
    versions.set(object, version);
    return object;
  };
  // The updater makes objects of its own in between; their version is that of their type.
  const byType = new Map<TypeRef, string>();
  const remember = (object: TypedObject, version: string): TypedObject => {
    byType.set(object.type, version);
    return object;
  };
  const updater = new Updater({
    convert: (object, version) => {
      if (test.converter === 'acceptedVersions' && !(accepted ?? []).includes(version)) return undefined;
      const from = versions.get(object) ?? byType.get(object.type) ?? version;
      return remember(typed(convertValue(test.converter, object.value, from, version), version), version);
    },
    ignored: (version) => {
      const fields = test.ignoredFields?.[version] ?? test.ignoreFilter?.[version]?.exclude;
      return fields === undefined ? undefined : FieldSet.fromFieldsV1(fields);
    },
  });

  for (const op of test.ops) {
    if (op.op === 'ChangeParser') {
      parser = op.parser ?? parser;
      continue;
    }
    if (op.op === 'SetAcceptedVersions') {
      accepted = op.versions ?? [];
      continue;
    }
    const before: { live: JsonValue; liveVersion: string; managers: Managers } = {
      live,
      liveVersion,
      managers,
    };
    let failure: unknown;
    try {
      const current = remember(
        typed(convertValue(test.converter, live, liveVersion, op.apiVersion), op.apiVersion),
        op.apiVersion,
      );
      let config = op.object ?? null;
      const applies = op.op !== 'Update';
      validateValue(current.type, config, !applies);
      if (op.op === 'ExtractApply') {
        const owned = managers.get(op.manager)?.set.leaves() ?? FieldSet.empty;
        config = mergeValues(current.type, extractItems(current.type, current.value, owned), config) ?? null;
      }
      const next = remember(typed(config, op.apiVersion), op.apiVersion);
      if (applies) {
        const force = op.op !== 'Apply';
        const result = updater.apply(current, next, op.apiVersion, managers, op.manager, force);
        managers = result.managers;
        if (result.object !== undefined) live = result.object.value;
        else live = current.value;
      } else {
        managers = updater.update(current, next, op.apiVersion, managers, op.manager);
        live = next.value;
      }
      liveVersion = op.apiVersion;
    } catch (error) {
      failure = error;
      live = before.live;
      liveVersion = before.liveVersion;
      managers = before.managers;
    }
    if (op.conflicts !== undefined) {
      if (!(failure instanceof ConflictError)) throw failure ?? new Error('no conflict');
      const found = failure.conflicts.map(({ manager, path }) => `${manager} ${printPath(path)}`).sort();
      expect(found).toEqual(op.conflicts.map(({ manager, path }) => `${manager} ${path}`).sort());
    } else if (op.error === true) {
      expect(failure).toBeDefined();
    } else if (failure !== undefined) {
      throw failure;
    }
    if (op.after !== undefined) {
      expect(live).toEqual(op.after.object);
      const found: Record<string, Managed> = {};
      for (const [name, owned] of managers) {
        found[name] = {
          apiVersion: owned.apiVersion,
          applied: owned.applied,
          fieldSet: owned.set.toFieldsV1(),
        };
      }
      const wanted = Object.fromEntries(
        Object.entries(op.after.managed).map(([name, owned]) => [
          name,
          { ...owned, fieldSet: FieldSet.fromFieldsV1(owned.fieldSet).toFieldsV1() },
        ]),
      );
      expect(found).toEqual(wanted);
    }
  }
}

for (const file of ['smd-merge.json', 'smd-merge-converter.json']) {
  const cases = conformanceCases(file) as readonly Case[] | undefined;
  describe.skipIf(cases === undefined)(
    `server-side apply by upstream's ${file} (skipped where ../shared/conformance is absent)`,
    () => {
      it.each((cases ?? []).map((test) => [test.id, test] as const))('%s', (_id, test) => play(test));
    },
  );
}
