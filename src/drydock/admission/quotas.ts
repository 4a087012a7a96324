import type { JsonObject } from '../../kernel/index.ts';
import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, copyJson, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';
import { mutableCopy, type Engine } from '../machinery/engine.ts';
import { forbidden } from '../machinery/status-errors.ts';
import { WorkQueue } from '../machinery/work-queue.ts';
import { parseQuantity } from '../schema/quantity.ts';
import type { Entry } from '../store/entry.ts';
import { amountText, usageOf, type Usage } from './usage.ts';

const QUOTAS = 'resourcequotas';
const TABLE = `/${QUOTAS}`;
const COMPUTE = /^(requests\.|limits\.)?(cpu|memory)$/;

function hardOf(quota: KubeObject): JsonObject {
  return maybeMap(maybeMap(asJson(quota), 'spec'), 'hard') ?? {};
}

function isBestEffort(pod: JsonObject): boolean {
  const spec = maybeMap(pod, 'spec');
  return [...mapsAt(spec, 'containers'), ...mapsAt(spec, 'initContainers')].every((container) => {
    const resources = maybeMap(container, 'resources');
    return ['requests', 'limits'].every((kind) => Object.keys(maybeMap(resources, kind) ?? {}).length === 0);
  });
}

/** Whether a quota with scopes is about this object; only pods have scopes. */
function inScope(quota: KubeObject, table: string, object: KubeObject): boolean {
  const spec = maybeMap(asJson(quota), 'spec') ?? {};
  const scopes = Array.isArray(spec.scopes) ? spec.scopes : [];
  if (scopes.length === 0) return true;
  if (table !== '/pods') return false;
  const pod = asJson(object);
  const deadline = typeof maybeMap(pod, 'spec')?.activeDeadlineSeconds === 'number';
  return scopes.every((scope) => {
    if (scope === 'BestEffort') return isBestEffort(pod);
    if (scope === 'NotBestEffort') return !isBestEffort(pod);
    if (scope === 'Terminating') return deadline;
    return scope === 'NotTerminating' ? !deadline : false;
  });
}

function usedIn(engine: Engine, quota: KubeObject): Usage {
  const { namespace } = quota.metadata;
  const names = new Set(Object.keys(hardOf(quota)));
  const total: Usage = new Map([...names].map((name) => [name, 0n]));
  for (const kind of engine.catalogue.storedKinds()) {
    if (!kind.namespaced) continue;
    for (const entry of engine.store.table(kind.table).entries.values()) {
      if (entry.namespace !== namespace || !inScope(quota, kind.table, entry.object)) continue;
      for (const [name, amount] of usageOf(kind, entry.object)) {
        if (names.has(name)) total.set(name, (total.get(name) ?? 0n) + amount);
      }
    }
  }
  return total;
}

function quotasOf(engine: Engine, namespace: string | undefined): Entry[] {
  return [...engine.store.table(TABLE).entries.values()].filter((entry) => entry.namespace === namespace);
}

/** Refuses what would exceed a ResourceQuota. Source: plugin resourcequota of apiserver. */
export function quotaAdmission(engine: Engine): AdmissionPlugin {
  return {
    name: 'ResourceQuota',
    validate(operation, object, old, { kind, subresource }) {
      if (operation === 'DELETE' || subresource === 'status' || !kind.namespaced) return;
      if (kind.table === TABLE && operation === 'UPDATE') return;
      const quotas = quotasOf(engine, object.metadata.namespace);
      for (const { object: quota } of quotas) {
        if (inScope(quota, kind.table, object)) checkQuota(engine, quota, kind, object, old);
      }
    },
  };
}

function checkQuota(
  engine: Engine,
  quota: KubeObject,
  kind: Parameters<typeof usageOf>[0],
  object: KubeObject,
  old: KubeObject | undefined,
): void {
  const hard = hardOf(quota);
  const names = Object.keys(hard).sort();
  const wanted = usageOf(kind, object);
  const before = old === undefined ? new Map<string, bigint>() : usageOf(kind, old);
  const asked = names.filter((name) => (wanted.get(name) ?? 0n) > (before.get(name) ?? 0n));
  if (kind.table === '/pods' && old === undefined) {
    const unsaid = names.filter((name) => COMPUTE.test(name) && wanted.get(name) === undefined);
    if (unsaid.length > 0) {
      const containers = mapsAt(maybeMap(asJson(object), 'spec'), 'containers').map((container) =>
        stringAt(container, 'name'),
      );
      const parts = unsaid.map((name) => `must specify ${name} for: ${containers.join(',')}`);
      throw forbidden(
        kind,
        object.metadata.name,
        `failed quota: ${quota.metadata.name}: ${parts.join('; ')}`,
      );
    }
  }
  if (asked.length === 0) return;
  const used = usedIn(engine, quota);
  const limitOf = (name: string) => stringAt(hard, name);
  const exceeded = asked.filter((name) => {
    const more = (wanted.get(name) ?? 0n) - (before.get(name) ?? 0n);
    return (used.get(name) ?? 0n) + more > (parseQuantity(limitOf(name))?.nanos ?? 0n);
  });
  if (exceeded.length === 0) return;
  const shown = (amounts: (name: string) => string) =>
    exceeded.map((name) => `${name}=${amounts(name)}`).join(',');
  const requested = shown((name) =>
    amountText((wanted.get(name) ?? 0n) - (before.get(name) ?? 0n), limitOf(name)),
  );
  const inUse = shown((name) => amountText(used.get(name) ?? 0n, limitOf(name)));
  throw forbidden(
    kind,
    object.metadata.name,
    `exceeded quota: ${quota.metadata.name}, requested: ${requested}, used: ${inUse}, limited: ${shown(limitOf)}`,
  );
}

/** Keeps status.hard and status.used of quotas true. */
export class QuotaStatus {
  readonly #engine: Engine;
  readonly #queue: WorkQueue<string>;
  readonly #stop: () => void;

  constructor(engine: Engine, onError: (error: unknown) => void) {
    this.#engine = engine;
    this.#queue = new WorkQueue((namespace) => this.#count(namespace), onError);
    for (const entry of engine.store.table(TABLE).entries.values()) this.#queue.add(entry.namespace ?? '');
    this.#stop = engine.store.listenAll((change) => {
      const { namespace } = change.entry;
      if (namespace === undefined || engine.store.table(TABLE).entries.size === 0) return;
      if (quotasOf(engine, namespace).length > 0) this.#queue.add(namespace);
    });
  }

  close(): void {
    this.#stop();
    this.#queue.close();
  }

  async #count(namespace: string): Promise<void> {
    const { store } = this.#engine;
    for (const { object } of quotasOf(this.#engine, namespace)) {
      const hard = hardOf(object);
      const used: JsonObject = {};
      for (const [name, amount] of usedIn(this.#engine, object))
        used[name] = amountText(amount, stringAt(hard, name));
      const status: JsonObject = { hard, used };
      if (jsonEqual(asJson(object).status, status)) continue;
      const next = mutableCopy(object);
      asJson(next).status = copyJson(status);
      store.put(TABLE, next);
    }
    await store.flushed();
  }
}
