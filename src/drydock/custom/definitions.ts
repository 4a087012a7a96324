import { getArray, getObject, getString, isJsonObject, type JsonObject } from '../../kernel/index.ts';
import { ApiStatusError, type KubeObject } from '../api/contract.ts';
import { asJson, copyJson, mapAt, mapsAt, maybeMap, setDefault, stringAt } from '../kinds/json-access.ts';
import type { KindRules, ResourceKind } from '../kinds/kind.ts';
import { deleteObject } from '../machinery/delete.ts';
import { mutableCopy, type Engine } from '../machinery/engine.ts';
import { collectorRequest } from '../machinery/garbage-collector.ts';
import { timestamp } from '../machinery/object-meta.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { syncApiServices } from '../machinery/component-objects.ts';
import { WorkQueue } from '../machinery/work-queue.ts';
import type { Change } from '../store/entry.ts';
import { kindsOf } from './kinds-of.ts';
import { schemaRules } from './rules.ts';

const TABLE = 'apiextensions.k8s.io/customresourcedefinitions';
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

function validateVersions(spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const versions = mapsAt(spec, 'versions');
  if (versions.length === 0)
    errors.push({
      type: 'required',
      field: 'spec.versions',
      detail: 'must have exactly one version marked as storage version',
    });
  else if (versions.filter((version) => version.storage === true).length !== 1) {
    errors.push({
      type: 'invalid',
      field: 'spec.versions',
      value: versions.map((version) => stringAt(version, 'name')),
      detail: 'must have exactly one version marked as storage version',
    });
  }
  for (const [index, version] of versions.entries()) {
    const schema = getObject(version, 'schema', 'openAPIV3Schema');
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (schema === undefined) errors.push({ type: 'required', field, detail: 'schemas are required' });
    else if (schema.type !== 'object') {
      errors.push({
        type: 'invalid',
        field: `${field}.type`,
        value: schema.type ?? '',
        detail: 'must be object at the root',
      });
    } else {
      // A schema that all versions share is shown where the internal form keeps it.
      const shown = versions.length === 1 ? 'spec.validation.openAPIV3Schema' : field;
      errors.push(...schemaRules(schema, shown).problems);
    }
  }
  return errors;
}

/** Source: pkg/apis/apiextensions of apiextensions-apiserver. */
export const definitionRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    const names = mapAt(spec, 'names');
    setDefault(names, 'singular', stringAt(names, 'kind').toLowerCase());
    setDefault(names, 'listKind', `${stringAt(names, 'kind')}List`);
    setDefault(mapAt(spec, 'conversion'), 'strategy', 'None');
  },
  prepareCreate(object) {
    asJson(object).status = {
      conditions: null,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: storedVersions(object),
    };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const names = maybeMap(spec, 'names') ?? {};
    const errors: FieldError[] = [];
    const wanted = `${stringAt(names, 'plural')}.${stringAt(spec, 'group')}`;
    if (object.metadata.name !== wanted) {
      errors.push({
        type: 'invalid',
        field: 'metadata.name',
        value: object.metadata.name,
        detail: 'must be spec.names.plural+"."+spec.group',
      });
    }
    for (const field of ['plural', 'kind']) {
      if (stringAt(names, field) === '')
        errors.push({ type: 'required', field: `spec.names.${field}`, detail: '' });
    }
    if (spec.scope !== 'Namespaced' && spec.scope !== 'Cluster') {
      errors.push({
        type: 'unsupported',
        field: 'spec.scope',
        value: spec.scope ?? '',
        detail: 'supported values: "Cluster", "Namespaced"',
      });
    }
    if (maybeMap(spec, 'conversion')?.strategy !== 'None') {
      errors.push({
        type: 'unsupported',
        field: 'spec.conversion.strategy',
        value: maybeMap(spec, 'conversion')?.strategy,
        detail: 'this server converts between versions by their name only; supported values: "None"',
      });
    }
    return [...errors, ...validateVersions(spec)];
  },
};

function storedVersions(object: KubeObject): string[] {
  return getArray(asJson(object), 'spec', 'versions')
    .filter(isJsonObject)
    .filter((version) => version.storage === true)
    .map((version) => getString(version, 'name') ?? '');
}

/**
 * Serves what CustomResourceDefinitions define, from the moment they are stored; writes their conditions; and removes
 * the objects of a definition before the definition itself.
 */
export class CustomResources {
  readonly #engine: Engine;
  readonly #served = new Map<string, ResourceKind[]>();
  readonly #queue: WorkQueue<string>;
  readonly #stops: (() => void)[] = [];

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#queue = new WorkQueue((name) => this.#process(name), onError);
    for (const entry of engine.store.table(TABLE).entries.values()) {
      this.#serve(entry.object);
      this.#queue.add(entry.name);
    }
    this.#stops.push(engine.store.listen(TABLE, (change) => this.#observe(change)));
    this.#stops.push(
      engine.store.listenAll((change, table) => {
        if (change.type !== 'DELETED') return;
        for (const [name, kinds] of this.#served) if (kinds[0]?.table === table) this.#queue.add(name);
      }),
    );
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#queue.close();
  }

  #observe(change: Change): void {
    const { name, object } = change.entry;
    if (change.type === 'DELETED') {
      this.#withdraw(name);
      this.#queue.add(name);
      return;
    }
    const before = change.previous?.object;
    if (before?.metadata.generation !== object.metadata.generation || before === undefined)
      this.#serve(object);
    this.#queue.add(name);
  }

  #serve(definition: KubeObject): void {
    const { catalogue } = this.#engine;
    const { name } = definition.metadata;
    const kinds = kindsOf(definition);
    const [first] = kinds;
    const taken =
      first !== undefined && this.#served.get(name) === undefined
        ? catalogue.findResource(first.group, first.resource)
        : undefined;
    if (taken !== undefined) return;
    this.#withdraw(name);
    for (const kind of kinds) catalogue.add(kind);
    this.#served.set(name, kinds);
  }

  #withdraw(name: string): void {
    for (const kind of this.#served.get(name) ?? []) this.#engine.catalogue.remove(kind);
    this.#served.delete(name);
  }

  async #process(name: string): Promise<void> {
    const entry = this.#engine.store.get(TABLE, undefined, name);
    if (entry !== undefined) {
      if (entry.object.metadata.deletionTimestamp === undefined) await this.#establish(entry.object);
      else await this.#cleanUp(entry.object);
    }
    await syncApiServices(this.#engine);
  }

  async #establish(definition: KubeObject): Promise<void> {
    const next = mutableCopy(definition);
    const status = mapAt(asJson(next), 'status');
    const accepted = this.#served.has(definition.metadata.name);
    const conditions = accepted
      ? [
          this.#condition(status, 'NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'),
          this.#condition(
            status,
            'Established',
            'True',
            'InitialNamesAccepted',
            'the initial names have been accepted',
          ),
        ]
      : [
          this.#condition(
            status,
            'NamesAccepted',
            'False',
            'PluralConflict',
            'the plural name is already in use',
          ),
          this.#condition(status, 'Established', 'False', 'NotAccepted', 'not all names are accepted'),
        ];
    status.conditions = conditions;
    if (accepted) status.acceptedNames = copyJson(maybeMap(maybeMap(asJson(next), 'spec'), 'names') ?? {});
    const stored = Array.isArray(status.storedVersions) ? status.storedVersions : [];
    status.storedVersions = [...new Set([...stored, ...storedVersions(next)])];
    const finalizers = next.metadata.finalizers ?? [];
    if (accepted && !finalizers.includes(CLEANUP)) next.metadata.finalizers = [...finalizers, CLEANUP];
    if (JSON.stringify(next) === JSON.stringify(definition)) return;
    this.#engine.store.put(TABLE, next);
    await this.#engine.store.flushed();
  }

  #condition(status: JsonObject, type: string, value: string, reason: string, message: string): JsonObject {
    const known = mapsAt(status, 'conditions').find((found) => found.type === type);
    const since = known?.status === value ? stringAt(known, 'lastTransitionTime') : '';
    return {
      type,
      status: value,
      lastTransitionTime: since === '' ? timestamp(this.#engine.clock.now()) : since,
      reason,
      message,
    };
  }

  async #cleanUp(definition: KubeObject): Promise<void> {
    const { store } = this.#engine;
    const [kind] = this.#served.get(definition.metadata.name) ?? [];
    if (kind !== undefined) {
      for (const entry of store.table(kind.table).sorted()) {
        if (entry.object.metadata.deletionTimestamp !== undefined) continue;
        try {
          await deleteObject(this.#engine, collectorRequest(kind, entry.namespace), entry.name, {});
        } catch (error) {
          if (!(error instanceof ApiStatusError) || error.code !== 404) throw error;
        }
      }
      if (store.table(kind.table).entries.size > 0) return;
    }
    const current = store.get(TABLE, undefined, definition.metadata.name);
    if (current === undefined) return;
    const next = mutableCopy(current.object);
    const left = (next.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CLEANUP);
    if (left.length > 0) {
      next.metadata.finalizers = left;
      if (left.length !== (current.object.metadata.finalizers ?? []).length) store.put(TABLE, next);
    } else {
      delete next.metadata.finalizers;
      store.remove(TABLE, undefined, definition.metadata.name, next);
    }
    await store.flushed();
  }
}
