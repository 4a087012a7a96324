import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { formatQuantity, parseQuantity } from '../schema/quantity.ts';

/** Amounts by the name a quota has for them, in units of 10^-9. */
export type Usage = Map<string, bigint>;

const ONE = 1_000_000_000n;
const COUNTED: Readonly<Record<string, string>> = {
  '/configmaps': 'configmaps',
  '/persistentvolumeclaims': 'persistentvolumeclaims',
  '/pods': 'pods',
  '/replicationcontrollers': 'replicationcontrollers',
  '/resourcequotas': 'resourcequotas',
  '/secrets': 'secrets',
  '/services': 'services',
};

function add(usage: Usage, name: string, amount: bigint): void {
  usage.set(name, (usage.get(name) ?? 0n) + amount);
}

function sumOf(containers: readonly JsonObject[], kind: 'requests' | 'limits'): Usage {
  const sum: Usage = new Map();
  for (const container of containers) {
    for (const [name, amount] of Object.entries(maybeMap(maybeMap(container, 'resources'), kind) ?? {})) {
      if (typeof amount === 'string') add(sum, name, parseQuantity(amount)?.nanos ?? 0n);
    }
  }
  return sum;
}

function mostOf(containers: readonly JsonObject[], kind: 'requests' | 'limits'): Usage {
  const most: Usage = new Map();
  for (const container of containers) {
    for (const [name, amount] of sumOf([container], kind)) {
      if (amount > (most.get(name) ?? 0n)) most.set(name, amount);
    }
  }
  return most;
}

function podUsage(pod: JsonObject, usage: Usage): void {
  const spec = maybeMap(pod, 'spec');
  for (const kind of ['requests', 'limits'] as const) {
    const total = sumOf(mapsAt(spec, 'containers'), kind);
    // Init containers run one after another, before the others.
    for (const [name, amount] of mostOf(mapsAt(spec, 'initContainers'), kind)) {
      if (amount > (total.get(name) ?? 0n)) total.set(name, amount);
    }
    for (const [name, amount] of total) {
      add(usage, `${kind}.${name}`, amount);
      if (kind === 'requests') add(usage, name, amount);
    }
  }
}

/** What an object counts for in quotas. A pod that has finished counts for nothing. */
export function usageOf(kind: ResourceKind, object: KubeObject): Usage {
  const usage: Usage = new Map();
  const json = asJson(object);
  const phase = stringAt(maybeMap(json, 'status'), 'phase');
  const counted = COUNTED[kind.table];
  add(usage, `count/${kind.resource}${kind.group === '' ? '' : `.${kind.group}`}`, ONE);
  if (kind.table === '/pods' && (phase === 'Succeeded' || phase === 'Failed')) return usage;
  if (counted !== undefined) add(usage, counted, ONE);
  if (kind.table === '/pods') podUsage(json, usage);
  if (kind.table === '/services') {
    const type = stringAt(maybeMap(json, 'spec'), 'type');
    if (type === 'LoadBalancer') add(usage, 'services.loadbalancers', ONE);
    if (type === 'NodePort' || type === 'LoadBalancer') {
      add(usage, 'services.nodeports', BigInt(mapsAt(maybeMap(json, 'spec'), 'ports').length) * ONE);
    }
  }
  if (kind.table === '/persistentvolumeclaims') {
    const asked = maybeMap(maybeMap(maybeMap(json, 'spec'), 'resources'), 'requests')?.storage;
    if (typeof asked === 'string') add(usage, 'requests.storage', parseQuantity(asked)?.nanos ?? 0n);
  }
  return usage;
}

/** An amount as the quota's own limit is written. */
export function amountText(nanos: bigint, like: string): string {
  return formatQuantity({ nanos, format: parseQuantity(like)?.format ?? 'decimal' });
}
