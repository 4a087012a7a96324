import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, mapAt, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { AdmissionPlugin } from '../machinery/admission.ts';
import { forbidden } from '../machinery/status-errors.ts';
import { parseQuantity } from '../schema/quantity.ts';
import type { Store } from '../store/store.ts';

function itemsOf(store: Store, namespace: string): JsonObject[] {
  const items: JsonObject[] = [];
  for (const entry of store.table('/limitranges').entries.values()) {
    if (entry.namespace === namespace)
      items.push(...mapsAt(maybeMap(asJson(entry.object), 'spec'), 'limits'));
  }
  return items;
}

function fill(target: JsonObject, defaults: JsonObject | undefined): string[] {
  const added: string[] = [];
  for (const [name, amount] of Object.entries(defaults ?? {})) {
    if (target[name] !== undefined) continue;
    target[name] = amount;
    added.push(name);
  }
  return added.sort();
}

function setDefaults(pod: KubeObject, items: readonly JsonObject[]): void {
  const said: string[] = [];
  const spec = mapAt(asJson(pod), 'spec');
  for (const [list, word] of [
    ['containers', 'container'],
    ['initContainers', 'init container'],
  ] as const) {
    for (const container of mapsAt(spec, list)) {
      for (const item of items) {
        if (item.type !== 'Container') continue;
        const resources = mapAt(container, 'resources');
        const requests = fill(mapAt(resources, 'requests'), maybeMap(item, 'defaultRequest'));
        const limits = fill(mapAt(resources, 'limits'), maybeMap(item, 'default'));
        const name = stringAt(container, 'name');
        if (requests.length > 0) said.push(`${requests.join(', ')} request for ${word} ${name}`);
        if (limits.length > 0) said.push(`${limits.join(', ')} limit for ${word} ${name}`);
        for (const kind of ['requests', 'limits']) {
          if (Object.keys(maybeMap(resources, kind) ?? {}).length === 0) delete resources[kind];
        }
      }
    }
  }
  if (said.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    'kubernetes.io/limit-ranger': `LimitRanger plugin set: ${said.join('; ')}`,
  };
}

const nanos = (amount: unknown) => (typeof amount === 'string' ? parseQuantity(amount)?.nanos : undefined);

function broken(resources: JsonObject | undefined, item: JsonObject, type: string): string[] {
  const problems: string[] = [];
  const requests = maybeMap(resources, 'requests') ?? {};
  const limits = maybeMap(resources, 'limits') ?? {};
  for (const [name, least] of Object.entries(maybeMap(item, 'min') ?? {})) {
    const asked = nanos(requests[name]);
    const bound = nanos(least) ?? 0n;
    const words = `minimum ${name} usage per ${type} is ${stringAt(maybeMap(item, 'min'), name)}`;
    if (asked === undefined) problems.push(`${words}.  No request is specified`);
    else if (asked < bound) problems.push(`${words}, but request is ${stringAt(requests, name)}`);
    const limit = nanos(limits[name]);
    // The first thing that is wrong with a resource is all that is told.
    if (asked === undefined || asked < bound) continue;
    if (limit !== undefined && limit < bound)
      problems.push(`${words}, but limit is ${stringAt(limits, name)}`);
  }
  for (const [name, most] of Object.entries(maybeMap(item, 'max') ?? {})) {
    const limit = nanos(limits[name]);
    const bound = nanos(most) ?? 0n;
    const words = `maximum ${name} usage per ${type} is ${stringAt(maybeMap(item, 'max'), name)}`;
    if (limit === undefined) problems.push(`${words}.  No limit is specified`);
    else if (limit > bound) problems.push(`${words}, but limit is ${stringAt(limits, name)}`);
    const asked = nanos(requests[name]);
    if (limit === undefined || limit > bound) continue;
    if (asked !== undefined && asked > bound)
      problems.push(`${words}, but request is ${stringAt(requests, name)}`);
  }
  return problems;
}

/** Defaults and bounds that a LimitRange sets for the containers of new pods. Source: plugin/pkg/admission/limitranger. */
export function limitRanges(store: Store): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    mutate(operation, object, _old, { kind, subresource }) {
      if (operation !== 'CREATE' || kind.kind !== 'Pod' || subresource !== undefined) return;
      const items = itemsOf(store, object.metadata.namespace ?? '');
      if (items.length > 0) setDefaults(object, items);
    },
    validate(operation, object, _old, { kind, subresource }) {
      if (operation !== 'CREATE' || kind.kind !== 'Pod' || subresource !== undefined) return;
      const problems: string[] = [];
      for (const item of itemsOf(store, object.metadata.namespace ?? '')) {
        if (item.type !== 'Container') continue;
        for (const container of mapsAt(maybeMap(asJson(object), 'spec'), 'containers')) {
          problems.push(...broken(maybeMap(container, 'resources'), item, 'Container'));
        }
      }
      if (problems.length === 0) return;
      const [only] = problems;
      throw forbidden(
        kind,
        object.metadata.name,
        problems.length === 1 && only !== undefined ? only : `[${problems.join(', ')}]`,
      );
    },
  };
}
