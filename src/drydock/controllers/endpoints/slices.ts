import { isPodFinished, isPodReady } from '../pods.ts';
import type { Pod, Service, ServicePort } from '../objects.ts';

export interface Endpoint {
  readonly addresses: readonly string[];
  readonly conditions: { readonly ready: boolean; readonly serving: boolean; readonly terminating: boolean };
  readonly nodeName?: string;
  /** Of pods that have a name below their Service, as those of a StatefulSet. */
  readonly hostname?: string;
  readonly targetRef: {
    readonly kind: 'Pod';
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
  };
}

export interface EndpointPort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

/** Endpoints that share one set of port numbers: named target ports may differ from pod to pod. */
export interface EndpointGroup {
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** The endpoints of a Service by the rules of the EndpointSlice controller: ready is serving and not terminating. */
export function endpointGroups(service: Service, pods: readonly Pod[]): readonly EndpointGroup[] {
  const groups = new Map<string, { ports: readonly EndpointPort[]; endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const endpoint = endpointOf(service, pod);
    if (endpoint === undefined) continue;
    const ports = (service.spec.ports ?? []).flatMap((port) => {
      const number = targetPort(port, pod);
      return number === undefined ? [] : [endpointPort(port, number)];
    });
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint);
    groups.set(key, group);
  }
  return [...groups.values()];
}

function endpointOf(service: Service, pod: Pod): Endpoint | undefined {
  const ip = pod.status?.podIP;
  if (ip === undefined || ip === '' || isPodFinished(pod)) return undefined;
  const serving = isPodReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const named = (pod.spec.hostname ?? '') !== '' && pod.spec.subdomain === service.metadata.name;
  const hostname = named ? pod.spec.hostname : undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  return {
    addresses: [ip],
    conditions: { ready, serving, terminating },
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
      uid: pod.metadata.uid ?? '',
    },
  };
}

function endpointPort(port: ServicePort, number: number): EndpointPort {
  return {
    name: port.name ?? '',
    port: number,
    protocol: port.protocol ?? 'TCP',
    ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
  };
}

/** The number that a Service port leads to on this pod; undefined when the pod has no port of that name. */
export function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  if (/^\d+$/.test(target)) return Number(target);
  for (const container of pod.spec.containers) {
    for (const declared of container.ports ?? []) {
      if (declared.name === target && (declared.protocol ?? 'TCP') === (port.protocol ?? 'TCP')) {
        return declared.containerPort;
      }
    }
  }
  return undefined;
}
