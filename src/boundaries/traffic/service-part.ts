import { getArray, getIn, getObject, getString, textOf } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryState } from '../boundary.ts';
import type { Endpoint, ServiceFacts, TrafficFacts } from './facts.ts';
import { targetIn } from './ports.ts';

/** The answer of one Service, probe or metric. */
export interface Part {
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
  readonly headline?: string;
  readonly where?: string;
  /** What to do. */
  readonly hint?: string;
  /** An object beside the release that decided, and what it does. */
  readonly by?: { readonly object: KubeObject; readonly attribute: string; readonly value: string };
  /** Ready endpoints, all of them pods of the release. */
  readonly endpoints?: number;
  /** Pods that told what they are, by the metric that did. */
  readonly told?: { readonly metric: string; readonly pods: number };
}

/** A port of the Service that leads to none of its ready endpoints: its targetPort is a name that no pod has. */
function portWithoutEndpoint(
  live: KubeObject,
  ready: readonly Endpoint[],
): { readonly shown: string; readonly target: string } | undefined {
  if (ready.some((endpoint) => endpoint.ports === undefined)) return undefined;
  for (const port of getArray(live, 'spec', 'ports')) {
    const name = getString(port, 'name') ?? '';
    if (ready.some((endpoint) => endpoint.ports?.includes(name) === true)) continue;
    const number = getIn(port, 'port');
    return { shown: name || textOf(number), target: textOf(getIn(port, 'targetPort') ?? number) };
  }
  return undefined;
}

/** An endpoint whose address, or the number of a port of it, is none of the pod that it names: somebody wrote it by hand. */
function misled(
  live: KubeObject,
  namespace: string,
  ready: readonly Endpoint[],
  facts: TrafficFacts,
): string | undefined {
  for (const { pod: name, address, numbers = {} } of ready) {
    const pod = facts.pods?.get(`${namespace}/${name ?? ''}`);
    if (pod === undefined) continue;
    const own = pod.ips ?? [];
    if (own.length > 0 && !own.includes(address))
      return `sends users of ${pod.name} to ${address}, which is not its address`;
    for (const port of getArray(live, 'spec', 'ports')) {
      const found = numbers[getString(port, 'name') ?? ''];
      const wanted = targetIn(port, pod);
      if (found !== undefined && wanted !== undefined && found !== wanted)
        return `asks for port ${wanted} of ${pod.name}, and an EndpointSlice leads to ${found}`;
    }
  }
  return undefined;
}

/** A pod that has only just started may still be about to listen. */
const LISTENS_SOON_MS = 30_000;

function refusedPart(name: string, service: ServiceFacts, facts: TrafficFacts): Part | undefined {
  const [first] = service.refused ?? [];
  if (first === undefined) return undefined;
  const soon = Date.parse(first.startedAt ?? '') + LISTENS_SOON_MS > (facts.now ?? Number.NaN);
  return {
    state: soon ? 'moving' : 'broken',
    reason: 'port-refused',
    text: `${name} leads port ${first.port} to ${first.target}, where ${first.pod} refuses connections`,
    headline: 'nobody listens',
  };
}

/** Every ready endpoint must be a pod of the release, and be reached by the ports that the Service names. */
export function servicePart(service: ServiceFacts, facts: TrafficFacts): Part {
  const name = objectName(service.object);
  if (service.live.state === 'unreadable')
    return { state: 'unknown', reason: 'service-unreadable', text: service.live.why };
  if (service.live.state === 'absent')
    return { state: 'broken', reason: 'service-missing', text: `${name} does not exist` };
  const live = service.live.value;
  if (getString(live, 'spec', 'type') === 'ExternalName')
    return { state: 'not-applicable', reason: 'no-selector', text: `${name} selects no pods` };
  const selects = Object.keys(getObject(live, 'spec', 'selector') ?? {}).length > 0;
  if (!selects || !facts.runsPods) {
    // Whoever else has the pods, or keeps the endpoints: without one, users get nothing, and whose fault it is is open.
    if (service.endpoints.state !== 'read')
      return { state: 'unknown', reason: 'endpoints-unreadable', text: service.endpoints.why };
    if (service.endpoints.value.every((endpoint) => !endpoint.ready))
      return {
        state: 'unknown',
        reason: 'no-endpoints',
        text: `${name} ${selects ? 'leads to pods of another application' : 'selects no pods'}, and has no ready endpoint`,
        headline: 'no endpoints',
      };
  }
  if (!selects) return { state: 'not-applicable', reason: 'no-selector', text: `${name} selects no pods` };
  if (!facts.runsPods) {
    return {
      state: 'not-applicable',
      reason: 'foreign-pods',
      text: `${name} leads to pods of another application`,
    };
  }
  if (service.endpoints.state !== 'read')
    return { state: 'unknown', reason: 'endpoints-unreadable', text: service.endpoints.why };
  const ready = service.endpoints.value.filter((endpoint) => endpoint.ready);
  const namespace = service.object.metadata.namespace ?? '';
  if (ready.length === 0) {
    if (facts.idle?.has(`${namespace}/${service.object.metadata.name}`) === true)
      return {
        state: 'not-applicable',
        reason: 'no-pods-declared',
        text: `${name} selects pods of which zero are declared`,
      };
    const selector = Object.entries(getObject(live, 'spec', 'selector') ?? {})
      .map(([key, value]) => `${key}=${textOf(value)}`)
      .join(',');
    return {
      state: 'broken',
      reason: 'no-endpoints',
      text: `${name} has no ready endpoint (selector ${selector})`,
      headline: 'no endpoints',
    };
  }
  if (!facts.podsKnown)
    return {
      state: 'unknown',
      reason: 'pods-unreadable',
      text: `whose pods stand behind ${name} is not known`,
    };
  const isOf = (endpoint: Endpoint, pods: ReadonlySet<string>) =>
    endpoint.pod !== undefined && pods.has(`${namespace}/${endpoint.pod}`);
  const foreign = ready.filter((endpoint) => !isOf(endpoint, facts.expectedPods));
  const first = foreign[0];
  if (first === undefined) {
    const wrong = misled(live, namespace, ready, facts);
    if (wrong !== undefined)
      return {
        state: 'broken',
        reason: 'foreign-endpoints',
        text: `${name} ${wrong}`,
        headline: 'foreign endpoints',
      };
    const refused = refusedPart(name, service, facts);
    if (refused !== undefined) return refused;
    const port = portWithoutEndpoint(live, ready);
    return port === undefined
      ? {
          state: 'proven',
          reason: 'endpoints',
          text: '',
          endpoints: new Set(ready.map((endpoint) => endpoint.pod)).size,
        }
      : {
          state: 'broken',
          reason: 'port-missing',
          text: `${name} leads port ${port.shown} to ${port.target}, which no container of its endpoints names`,
          headline: 'no such port',
        };
  }
  if (foreign.every((endpoint) => isOf(endpoint, facts.oldPods))) {
    return {
      state: 'moving',
      reason: 'old-endpoints',
      text: `${foreign.length} of ${ready.length} endpoints of ${name} are pods of the old revision`,
    };
  }
  return {
    state: 'broken',
    reason: 'foreign-endpoints',
    text: `${name} sends users to ${first.pod ?? first.address}, which is no pod of this release`,
    headline: 'foreign endpoints',
  };
}

/** `3 endpoints`, `5 endpoints behind 2 Services`. */
export function endpointsText(services: readonly Part[]): string {
  const counted = services.filter((part) => part.endpoints !== undefined);
  const total = counted.reduce((sum, part) => sum + (part.endpoints ?? 0), 0);
  const text = `${total} endpoint${total === 1 ? '' : 's'}`;
  return counted.length > 1 ? `${text} behind ${counted.length} Services` : text;
}
