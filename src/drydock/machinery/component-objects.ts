import type { KubeObject } from '../api/contract.ts';
import { asJson, asKube } from '../kinds/json-access.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { createDecoded } from './create.ts';
import { mutableCopy, type Engine } from './engine.ts';
import { collectorRequest } from './garbage-collector.ts';
import { timestamp } from './object-meta.ts';

/** Priority of a group among groups, and of a version among versions of a group, as the original registers them. */
const PRIORITIES: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
};
const VERSION_PRIORITIES: Readonly<Record<string, number>> = { '/v1': 1, 'autoscaling/v2': 30 };
const REGISTRATION = 'apiregistration.k8s.io';

function apiService(group: string, version: string, custom: boolean, now: string): KubeObject {
  return asKube({
    apiVersion: `${REGISTRATION}/v1`,
    kind: 'APIService',
    metadata: {
      name: `${version}.${group}`,
      labels: { 'kube-aggregator.kubernetes.io/automanaged': custom ? 'true' : 'onstart' },
    },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: custom ? 1_000 : (PRIORITIES[group] ?? 16_000),
      versionPriority: custom ? 100 : (VERSION_PRIORITIES[`${group}/${version}`] ?? 15),
    },
    status: {
      conditions: [
        {
          type: 'Available',
          status: 'True',
          lastTransitionTime: now,
          reason: 'Local',
          message: 'Local APIServices are always available',
        },
      ],
    },
  });
}

async function createOnce(engine: Engine, kind: ResourceKind, object: KubeObject): Promise<void> {
  if (engine.store.get(kind.table, undefined, object.metadata.name) !== undefined) return;
  const { status } = asJson(object);
  const made = await createDecoded(engine, collectorRequest(kind, undefined), object);
  // What is created has no status; these have theirs from the start.
  if (status !== undefined) engine.store.put(kind.table, asKube({ ...asJson(mutableCopy(made)), status }));
}

/** One APIService for every version that is served, made when its first kind is and gone with its last. */
export async function syncApiServices(engine: Engine): Promise<void> {
  const kind = engine.catalogue.find(REGISTRATION, 'v1', 'apiservices');
  if (kind === undefined) return;
  const wanted = new Map<string, KubeObject>();
  const now = timestamp(engine.clock.now());
  for (const { group, version, custom } of engine.catalogue.all()) {
    const object = apiService(group, version, custom !== undefined, now);
    if (group !== REGISTRATION) wanted.set(object.metadata.name, object);
  }
  for (const object of wanted.values()) await createOnce(engine, kind, object);
  for (const { object, name } of engine.store.table(kind.table).entries.values()) {
    const managed = object.metadata.labels?.['kube-aggregator.kubernetes.io/automanaged'];
    if (managed === 'true' && !wanted.has(name)) engine.store.remove(kind.table, undefined, name);
  }
}

/** The parts of the control plane, which are all in this process: they answer, since this does. */
export async function createComponentStatuses(engine: Engine): Promise<void> {
  const kind = engine.catalogue.find('', 'v1', 'componentstatuses');
  if (kind === undefined) return;
  for (const name of ['controller-manager', 'etcd-0', 'scheduler']) {
    const conditions = [{ type: 'Healthy', status: 'True', message: 'ok' }];
    const object = { apiVersion: 'v1', kind: 'ComponentStatus', metadata: { name }, conditions };
    await createOnce(engine, kind, asKube(object));
  }
}
