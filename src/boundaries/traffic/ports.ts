import { asLandfallError, getArray, getIn, getString, mapBounded, textOf } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { ClusterSnapshot } from '../live/index.ts';
import type { PodFacts, PodPort } from '../workload.ts';
import type { Endpoint, RefusedPort, ServiceFacts } from './facts.ts';

const TIMEOUT_MS = 1500;
const MAX_BYTES = 64 * 1024;
const AT_ONCE = 4;
/** The API server tells what the kernel said when nobody listens; everything else says that somebody may. */
const REFUSED = /connection refused|ECONNREFUSED/i;
/** What its users speak HTTP to: a GET is nothing unusual there. */
const HTTP = /^(?:http|web|grpc|h2c?$)/i;
const HTTP_PORTS = new Set([80, 443, 8080]);

/** The number that a port of a Service stands for in a pod; undefined where its name is not known there. */
export function targetIn(port: JsonValue, pod: PodFacts | undefined): number | undefined {
  const target = getIn(port, 'targetPort') ?? getIn(port, 'port');
  if (typeof target === 'number') return target;
  return pod?.ports?.find(({ name }) => name === target)?.number;
}

function speaksHttp(port: JsonValue): boolean {
  const number = getIn(port, 'port');
  return (
    HTTP.test(getString(port, 'name') ?? '') ||
    HTTP.test(getString(port, 'appProtocol') ?? '') ||
    (typeof number === 'number' && HTTP_PORTS.has(number))
  );
}

/** Nothing that is known says that somebody listens there: no probe, and no declaration where a GET tells more. */
function isOpen(port: JsonValue, number: number, ports: readonly PodPort[]): boolean {
  if (ports.some((each) => each.probed && each.number === number)) return false;
  const declared = ports.filter(({ probed }) => !probed);
  return speaksHttp(port) || (declared.length > 0 && declared.every((each) => each.number !== number));
}

interface Doubt {
  readonly port: string;
  readonly target: number;
  readonly pod: PodFacts;
}

function doubtsOf(
  service: KubeObject,
  ready: readonly Endpoint[],
  pods: readonly PodFacts[],
): readonly Doubt[] {
  const pod = pods.find((each) => ready.some((endpoint) => endpoint.pod === each.name));
  if (pod?.ports === undefined || pod.simulated) return [];
  const { ports } = pod;
  return getArray(service, 'spec', 'ports').flatMap((port) => {
    if ((getString(port, 'protocol') ?? 'TCP') !== 'TCP') return [];
    const number = targetIn(port, pod);
    if (number === undefined || !isOpen(port, number, ports)) return [];
    return [{ port: getString(port, 'name') ?? textOf(getIn(port, 'port')), target: number, pod }];
  });
}

async function refuses(client: KubeClient, doubt: Doubt, signal: AbortSignal | undefined): Promise<boolean> {
  const { name, namespace } = doubt.pod;
  try {
    await client.proxyGet(
      { kind: 'Pod', namespace, name, port: doubt.target, path: '/' },
      { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES },
      signal,
    );
    return false;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled' && signal?.aborted === true) throw error;
    return REFUSED.test(error.message);
  }
}

/**
 * Asks one pod behind every Service on the ports of which nothing else tells that somebody listens. A pod is ready by
 * its probe, which may look at another port, or at none; who asks may not be let through, which tells nothing.
 */
export async function askPorts(
  client: KubeClient,
  services: readonly ServiceFacts[],
  snapshot: ClusterSnapshot,
  signal?: AbortSignal,
): Promise<readonly ServiceFacts[]> {
  return mapBounded(services, AT_ONCE, async (service) => {
    const pods = snapshot.namespaces.get(service.object.metadata.namespace ?? '')?.pods;
    if (service.live.state !== 'read' || service.endpoints.state !== 'read' || pods?.state !== 'read')
      return service;
    const ready = service.endpoints.value.filter((endpoint) => endpoint.ready);
    const refused: RefusedPort[] = [];
    for (const doubt of doubtsOf(service.live.value, ready, pods.value)) {
      if (!(await refuses(client, doubt, signal))) continue;
      const { port, target, pod } = doubt;
      // What is ready by a probe has started; what has none is ready before it listens.
      const isUp = pod.ports?.some(({ probed }) => probed) === true;
      const starts = isUp ? [] : pod.containers.flatMap((container) => container.startedAt ?? []);
      refused.push({ port, target, pod: pod.name, startedAt: starts.toSorted().at(-1) });
    }
    return refused.length === 0 ? service : { ...service, refused };
  });
}
