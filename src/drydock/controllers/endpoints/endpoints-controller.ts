import { copyJson } from '../../kinds/json-access.ts';
import { randomBytes } from 'node:crypto';
import { messageOf } from '../../../kernel/index.ts';
import type { Logger } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../../api/contract.ts';
import type { Cache } from '../cache.ts';
import { keyOf, splitKey } from '../cache.ts';
import { SAFE_ALPHABET } from '../deployment/template-hash.ts';
import { ENDPOINT_SLICES, ENDPOINTS } from '../objects.ts';
import type { Pod, Service } from '../objects.ts';
import { workQueue } from '../queue.ts';
import { matchesLabels } from '../selectors.ts';
import { controllerReference, isConflict, isNamespaceTerminating, isNotFound, sameJson } from '../writes.ts';
import { endpointGroups } from './slices.ts';
import type { Endpoint, EndpointGroup } from './slices.ts';

const MANAGER = { fieldManager: 'kube-controller-manager' };
const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const CONTROLLER = 'endpointslice-controller.k8s.io';
const MOST_PER_SLICE = 100;
const MOST_PER_ENDPOINTS = 1000;

export interface EndpointsControllerOptions {
  readonly api: InProcessApi;
  readonly logger: Logger;
  readonly services: Cache<Service>;
  readonly pods: Cache<Pod>;
  readonly slices: Cache<KubeObject>;
}

/** Keeps EndpointSlices and Endpoints of every Service with a selector in step with its pods. */
export function startEndpointsController(options: EndpointsControllerOptions): { close(): Promise<void> } {
  const { api, logger, services, pods, slices } = options;
  const queue = workQueue({
    clock: api.clock,
    reconcile,
    onError: (key, error) => {
      if (!isConflict(error)) logger.debug('endpoints not reconciled', { key, error: messageOf(error) });
    },
  });

  services.onChange((service) => queue.add(keyOf(service)));
  pods.onChange((pod, old) => {
    for (const service of services.inNamespace(pod.metadata.namespace ?? '')) {
      const { selector } = service.spec;
      if (selector === undefined) continue;
      const selected =
        matchesLabels(selector, pod.metadata.labels) ||
        (old !== undefined && matchesLabels(selector, old.metadata.labels));
      if (selected) queue.add(keyOf(service));
    }
  });
  slices.onChange((slice, _old, gone) => {
    const service = slice.metadata.labels?.[SERVICE_NAME];
    if (gone && service !== undefined && slice.metadata.labels?.[MANAGED_BY] === CONTROLLER) {
      queue.add(`${slice.metadata.namespace ?? ''}/${service}`);
    }
  });

  async function reconcile(key: string): Promise<undefined> {
    const { namespace = '', name } = splitKey(key);
    const service = services.get(key);
    if (service === undefined) {
      await removeAll(namespace, name);
      return;
    }
    const selector = service.spec.selector;
    if (selector === undefined || Object.keys(selector).length === 0 || service.spec.type === 'ExternalName')
      return;
    if (service.metadata.deletionTimestamp !== undefined) return;
    const selected = pods
      .inNamespace(namespace)
      .filter((pod) => matchesLabels(selector, pod.metadata.labels));
    const groups = endpointGroups(service, selected);
    try {
      await writeSlices(service, groups);
      await writeEndpoints(service, groups);
    } catch (error) {
      if (!isNamespaceTerminating(error)) throw error;
    }
  }

  async function removeAll(namespace: string, name: string): Promise<void> {
    for (const slice of ownSlices(namespace, name)) await deleted(slice.metadata.name, namespace);
    try {
      await api.delete(ENDPOINTS, namespace, name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async function deleted(slice: string, namespace: string): Promise<void> {
    try {
      await api.delete(ENDPOINT_SLICES, namespace, slice);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  function ownSlices(namespace: string, service: string): readonly KubeObject[] {
    return slices
      .inNamespace(namespace)
      .filter(
        (slice) =>
          slice.metadata.labels?.[SERVICE_NAME] === service &&
          slice.metadata.labels?.[MANAGED_BY] === CONTROLLER,
      );
  }

  /** Existing slices are used again, so that a changed endpoint is one update and not a delete and a create. */
  async function writeSlices(service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const left = [...ownSlices(service.metadata.namespace ?? '', service.metadata.name)];
    const wanted = groups.flatMap(({ ports, endpoints }) =>
      chunks(endpoints, MOST_PER_SLICE).map((chunk) => ({ ports, endpoints: chunk })),
    );
    if (wanted.length === 0) wanted.push({ ports: [], endpoints: [] });
    for (const group of wanted) {
      const at = Math.max(
        0,
        left.findIndex((slice) => sameJson(slice['ports'] ?? [], group.ports)),
      );
      const [slice] = left.splice(at, 1);
      const content = {
        // Null, not an empty list: the original's empty slice is written so.
        endpoints: group.endpoints.length === 0 ? null : group.endpoints,
        ports: group.ports.length === 0 ? null : group.ports,
      };
      if (slice === undefined) {
        slices.observe(await api.create(ENDPOINT_SLICES, newSlice(service, content), MANAGER));
      } else if (
        !sameJson(slice['endpoints'] ?? null, content.endpoints) ||
        !sameJson(slice['ports'] ?? null, content.ports)
      ) {
        slices.observe(
          await api.update(ENDPOINT_SLICES, { ...copyJson(slice), ...copyJson(content) }, MANAGER),
        );
      }
    }
    for (const slice of left) await deleted(slice.metadata.name, slice.metadata.namespace ?? '');
  }

  async function writeEndpoints(service: Service, groups: readonly EndpointGroup[]): Promise<void> {
    const { namespace = '', name, labels } = service.metadata;
    const subsets = groups.filter(({ ports }) => ports.length > 0).flatMap(subsetOf);
    const current = api.get(ENDPOINTS, namespace, name);
    const next: KubeObject = {
      ...(current === undefined ? { apiVersion: 'v1', kind: 'Endpoints' } : copyJson(current)),
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: {
        ...(current === undefined ? { name, namespace } : copyJson(current.metadata)),
        ...(labels === undefined ? {} : { labels: { ...labels } }),
      },
    };
    if (subsets.length > 0) next['subsets'] = subsets;
    else delete next['subsets'];
    if (current === undefined) await api.create(ENDPOINTS, next, MANAGER);
    else if (!sameJson(current['subsets'] ?? [], subsets)) await api.update(ENDPOINTS, next, MANAGER);
  }

  return { close: () => queue.close() };
}

/** Endpoints (v1) list what is ready and what is not, and drop what terminates. */
function subsetOf({ ports, endpoints }: EndpointGroup) {
  const address = (endpoint: Endpoint) => ({
    ip: endpoint.addresses[0] ?? '',
    ...(endpoint.nodeName === undefined ? {} : { nodeName: endpoint.nodeName }),
    targetRef: endpoint.targetRef,
  });
  const alive = endpoints.filter(({ conditions }) => !conditions.terminating).slice(0, MOST_PER_ENDPOINTS);
  const ready = alive.filter(({ conditions }) => conditions.ready).map(address);
  const notReady = alive.filter(({ conditions }) => !conditions.ready).map(address);
  if (ready.length + notReady.length === 0) return [];
  return [
    {
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ports: ports.map(({ name, ...port }) => (name === '' ? port : { name, ...port })),
    },
  ];
}

function newSlice(service: Service, content: { endpoints: unknown; ports: unknown }): KubeObject {
  const { name, namespace = '', labels } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${suffix()}`,
      generateName: `${name}-`,
      namespace,
      labels: { ...labels, [MANAGED_BY]: CONTROLLER, [SERVICE_NAME]: name },
      ownerReferences: [controllerReference(service)],
    },
    addressType: 'IPv4',
    endpoints: copyJson(content.endpoints),
    ports: copyJson(content.ports),
  };
}

function suffix(): string {
  return [...randomBytes(5)].map((byte) => SAFE_ALPHABET[byte % SAFE_ALPHABET.length] ?? 'x').join('');
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const found: T[][] = [];
  for (let start = 0; start < items.length; start += size) found.push(items.slice(start, start + size));
  return found;
}
