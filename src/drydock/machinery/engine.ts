import { copyJson } from '../kinds/json-access.ts';
import type { Clock } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { Catalogue } from '../kinds/catalogue.ts';
import type { ResourceKind, WriteContext } from '../kinds/kind.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionOperation, AdmissionPlugin } from './admission.ts';
import { timestamp } from './object-meta.ts';
import { isServiceAddress } from './service-addresses.ts';
import type { WriteRequest } from './write-request.ts';

/** What every write works on. */
export interface Engine {
  readonly store: Store;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly admission: AdmissionPlugin[];
}

/** Sentinel of an object that the caller may change: stored ones are frozen. */
export function mutableCopy(object: KubeObject): KubeObject {
  return copyJson(object);
}

export function writeContext(engine: Engine, request: WriteRequest): WriteContext {
  const tableOf = (group: string, resource: string) =>
    engine.catalogue.findResource(group, resource)?.table ?? `${group}/${resource}`;
  return {
    timestamp: timestamp(engine.clock.now()),
    lookup: (group, resource, namespace, name) =>
      engine.store.get(tableOf(group, resource), namespace, name)?.object,
    *all(group, resource) {
      for (const entry of engine.store.table(tableOf(group, resource)).entries.values()) yield entry.object;
    },
    isServiceAddress: (address) => isServiceAddress(engine.store, address),
    warn: (text) => request.warn(text),
  };
}

/**
 * The steps that change an object before it is validated. Waits only where a step asks somebody else: a write without
 * such a step runs from read to store in one go, and never meets another write half way.
 */
export function mutatingAdmission(
  engine: Engine,
  operation: AdmissionOperation,
  object: KubeObject,
  old: KubeObject | undefined,
  request: WriteRequest,
): KubeObject | Promise<KubeObject> {
  for (const plugin of engine.admission) plugin.mutate?.(operation, object, old, request);
  let pending: Promise<KubeObject> | undefined;
  for (const plugin of engine.admission) {
    if (plugin.mutateRemote === undefined) continue;
    const ask = plugin.mutateRemote.bind(plugin);
    if (pending === undefined) pending = ask(operation, object, old, request);
    else pending = pending.then((current) => ask(operation, current, old, request) ?? current);
  }
  return pending ?? object;
}

export function validatingAdmission(
  engine: Engine,
  operation: AdmissionOperation,
  object: KubeObject,
  old: KubeObject | undefined,
  request: WriteRequest,
): Promise<void> | undefined {
  const pending: Promise<void>[] = [];
  for (const plugin of engine.admission) {
    plugin.validate?.(operation, object, old, request);
    const remote = plugin.validateRemote?.(operation, object, old, request);
    if (remote !== undefined) pending.push(remote);
  }
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => undefined);
}

/** What decides whether metadata.generation rises: spec, and for Deployments the annotations too. */
export function generationSubject(kind: ResourceKind, object: KubeObject): unknown {
  const { apiVersion: _a, kind: _k, metadata, status: _s, ...rest } = object;
  if (kind.group === 'apps' && kind.kind === 'Deployment') {
    return { ...rest, annotations: metadata.annotations ?? {} };
  }
  if (kind.kind === 'EndpointSlice') return { ...rest, labels: metadata.labels ?? {} };
  return rest;
}
