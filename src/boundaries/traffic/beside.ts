import { getArray, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { parseImageId } from '../../oci/index.ts';
import { backendsOf } from '../backends.ts';
import type { Backend } from '../backends.ts';
import { objectKey } from '../live/index.ts';
import type { ClusterSnapshot } from '../live/index.ts';
import { shortDigest } from '../names.ts';
import { valueOf } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { selects } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import type { TrafficFacts } from './facts.ts';
import type { Part } from './service-part.ts';

/** Routes of the namespaces of an application's own that are not of it, and where they may lead. */
export interface BesideFacts {
  readonly routes: Reading<readonly KubeObject[]>;
  readonly service: (backend: Backend) => Reading<KubeObject> | undefined;
  readonly pods: (namespace: string) => Reading<readonly PodFacts[]> | undefined;
}

/** From what was read; undefined where the application has no routes. */
export function besideFacts(snapshot: ClusterSnapshot): BesideFacts | undefined {
  if (snapshot.beside === undefined) return undefined;
  return {
    routes: snapshot.beside,
    service: ({ name, namespace }) =>
      snapshot.objects.get(objectKey({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace } })),
    pods: (namespace) => snapshot.namespaces.get(namespace)?.pods,
  };
}

interface Entry {
  readonly host: string;
  readonly path: string;
  readonly backends: readonly Backend[];
}

const NGINX = 'nginx.ingress.kubernetes.io/';

/** A part of a route as a route of its own, so that its backends are read like those of the whole. */
function backendsIn(route: KubeObject, rule: JsonValue): readonly Backend[] {
  return backendsOf({ ...route, spec: { rules: [rule] } });
}

/** Requests are told apart by more than host and path: only those that ask for it go there. */
function asksForMore(match: JsonValue): boolean {
  return ['headers', 'queryParams', 'method'].some((field) => isJsonObject(match) && field in match);
}

function entriesOf(route: KubeObject): readonly Entry[] {
  if (route.kind === 'Ingress')
    return getArray(route, 'spec', 'rules').flatMap((rule) =>
      getArray(rule, 'http', 'paths').map((path) => ({
        host: getString(rule, 'host') ?? '',
        path: getString(path, 'path') ?? '/',
        backends: backendsIn(route, { http: { paths: [path] } }),
      })),
    );
  const hosts = getArray(route, 'spec', 'hostnames').filter((host) => typeof host === 'string');
  return getArray(route, 'spec', 'rules').flatMap((rule) => {
    const matches = getArray(rule, 'matches');
    const paths = (matches.length === 0 ? [{}] : matches)
      .filter((match) => !asksForMore(match))
      .map((match) => {
        const kind = getString(match, 'path', 'type') ?? 'PathPrefix';
        return `${kind === 'PathPrefix' ? '' : `${kind} `}${getString(match, 'path', 'value') ?? '/'}`;
      });
    return (hosts.length === 0 ? [''] : hosts).flatMap((host) =>
      paths.map((path) => ({ host, path, backends: backendsIn(route, rule) })),
    );
  });
}

function classOf(route: KubeObject): string | undefined {
  return (
    getString(route, 'spec', 'ingressClassName') ??
    route.metadata.annotations?.['kubernetes.io/ingress.class']
  );
}

function gatewaysOf(route: KubeObject): readonly string[] {
  return getArray(route, 'spec', 'parentRefs').map(
    (parent) =>
      `${getString(parent, 'namespace') ?? route.metadata.namespace ?? ''}/${getString(parent, 'name') ?? ''}`,
  );
}

/** Whether one controller serves both. */
function meet(a: KubeObject, b: KubeObject): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === 'Ingress')
    return classOf(a) === undefined || classOf(b) === undefined || classOf(a) === classOf(b);
  const gateways = gatewaysOf(b);
  return gatewaysOf(a).some((gateway) => gateways.includes(gateway));
}

/**
 * How much of what is sent to both goes to the other; undefined where nothing does. Sources: ingress-nginx annotations
 * canary, canary-weight, canary-weight-total; Gateway API HTTPRouteRule.matches: of two equal the older one wins.
 */
function shareOf(other: KubeObject, own: KubeObject): string | undefined {
  if (other.kind === 'Ingress') {
    const annotation = (name: string) => other.metadata.annotations?.[`${NGINX}${name}`];
    if (annotation('canary') !== 'true') return 'some or all requests';
    const weight = Number(annotation('canary-weight') ?? 0);
    return weight > 0 ? `${weight} of ${annotation('canary-weight-total') ?? 100} requests` : undefined;
  }
  const order = ({ metadata }: KubeObject) =>
    `${metadata.creationTimestamp ?? ''} ${metadata.namespace ?? ''}/${metadata.name}`;
  return order(other) < order(own) ? 'all requests' : undefined;
}

function podsBehind(
  backends: readonly Backend[],
  { service, pods }: BesideFacts,
): { readonly pods: readonly PodFacts[]; readonly open?: string } {
  const found: PodFacts[] = [];
  let open: string | undefined;
  for (const backend of backends) {
    const key = `Service/${backend.namespace}/${backend.name}`;
    const stored = service(backend);
    const all = pods(backend.namespace);
    const selector = stored?.state === 'read' ? getObject(stored.value, 'spec', 'selector') : undefined;
    if (selector === undefined || all?.state !== 'read') {
      open ??= `what ${key} leads to is not known`;
      continue;
    }
    const behind = all.value.filter((pod) => pod.ready && !pod.terminating && selects(selector, pod.labels));
    if (behind.length === 0) open ??= `${key} leads to no pod that is ready`;
    found.push(...behind);
  }
  return { pods: found, ...(open === undefined ? {} : { open }) };
}

interface Running {
  readonly repository: string;
  readonly digest: string;
}

function runningOf(pod: PodFacts): readonly Running[] {
  return pod.containers.flatMap(({ imageID }) => {
    const { digest, repository } = parseImageId(imageID);
    if (digest === undefined || repository === undefined) return [];
    return [{ repository: `${repository.registry}/${repository.repository}`, digest }];
  });
}

function partOf(
  own: KubeObject,
  other: KubeObject,
  beside: BesideFacts,
  facts: TrafficFacts,
): Part | undefined {
  const share = meet(own, other) ? shareOf(other, own) : undefined;
  if (share === undefined) return undefined;
  const key = (pod: PodFacts) => `${pod.namespace}/${pod.name}`;
  for (const entry of entriesOf(own)) {
    const met = entriesOf(other).find(({ host, path }) => host === entry.host && path === entry.path);
    if (met === undefined) continue;
    const behindOwn = podsBehind(entry.backends, beside).pods;
    const mine = behindOwn.filter((pod) => facts.expectedPods.has(key(pod)));
    const released = (mine.length > 0 ? mine : behindOwn).flatMap(runningOf);
    const theirs = podsBehind(met.backends, beside);
    const strangers = theirs.pods.filter(
      (pod) => !behindOwn.some(({ uid }) => uid === pod.uid) && !facts.oldPods.has(key(pod)),
    );
    if (strangers.length === 0 && theirs.open === undefined) continue;
    const others = strangers.flatMap((pod) =>
      runningOf(pod)
        .filter(
          ({ repository, digest }) =>
            released.some((each) => each.repository === repository) &&
            !released.some((each) => each.digest === digest),
        )
        .map(({ digest }) => ({ pod, digest })),
    );
    const [first] = others;
    // A tool that shifts traffic step by step owns what it shifts it with.
    const owned = (other.metadata.ownerReferences ?? []).length > 0;
    if (
      first === undefined &&
      strangers.every((pod) => facts.expectedPods.has(key(pod))) &&
      theirs.open === undefined
    )
      continue;
    const names = met.backends.map(({ namespace, name }) => `Service/${namespace}/${name}`).join(', ');
    const behind =
      first === undefined
        ? (theirs.open ?? `${strangers[0]?.name ?? 'a pod'} is no pod of this release`)
        : `${first.pod.name} runs ${shortDigest(first.digest)}, another image of the same repository`;
    return {
      state: first === undefined || owned ? 'unknown' : 'broken',
      reason: 'taken-away',
      text: `${objectName(other)}, which is not of this application, takes ${share} for ${entry.host || '*'}${entry.path} to ${names}: ${behind}`,
      headline: 'taken away',
      by: { object: other, attribute: 'takes', value: `${share} for ${entry.host || '*'}${entry.path}` },
      hint: `Delete ${objectName(other)}, or let it take nothing, or bring it to Git; it takes what ${objectName(own)} asks for.`,
    };
  }
  return undefined;
}

/** Routes of the same host and path that are not of the application, and take requests away from it. */
export function besideParts(facts: TrafficFacts): readonly Part[] {
  const { beside, routes = [] } = facts;
  if (beside === undefined) return [];
  if (beside.routes.state !== 'read')
    return [
      {
        state: 'unknown',
        reason: 'routes-unreadable',
        text: `whether other routes take requests away is not known: ${beside.routes.why}`,
      },
    ];
  const found = beside.routes.value;
  return routes.flatMap(({ live }) => {
    const own = valueOf(live);
    return own === undefined ? [] : found.flatMap((other) => partOf(own, other, beside, facts) ?? []);
  });
}
