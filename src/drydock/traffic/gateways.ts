import type { JsonObject } from '../../kernel/index.ts';
import { getArray, getNumber, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import { selectorMatchesLabels } from '../machinery/label-selectors.ts';
import { accepted, refused, resolvedRefs } from './conditions.ts';
import type { Decided, Problem } from './conditions.ts';
import { readHttpRoute } from './http-routes.ts';
import { commonHost, compareHosts, compareRoutes } from './match.ts';
import type { Certificate, PortPlan, Route, Site } from './rule.ts';
import { certificateIn, GATEWAY_GROUP, isGranted } from './world.ts';
import type { World } from './world.ts';

export const GATEWAY_CONTROLLER = 'drydock/gateway';

export interface ListenerPlan {
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
  readonly tls: boolean;
  readonly certificates: readonly Certificate[];
  /** Why it does not serve: a reason of the API, and a sentence. */
  readonly refused: Problem | undefined;
  readonly unresolved: Problem | undefined;
  readonly routes: Route[];
  attached: number;
}

export interface GatewayPlan {
  readonly gateway: KubeObject;
  readonly listeners: readonly ListenerPlan[];
}

export interface ParentStatus {
  readonly parentRef: JsonObject;
  readonly conditions: readonly Decided[];
}

export interface RoutePlan {
  readonly route: KubeObject;
  /** One for each parent that is a Gateway of ours. */
  readonly parents: readonly ParentStatus[];
}

export function ownClasses(world: World): readonly KubeObject[] {
  return world.gatewayClasses.filter(
    (known) => getString(asJson(known), 'spec', 'controllerName') === GATEWAY_CONTROLLER,
  );
}

/** Which Gateways serve what, and what their routes are told. */
export function planGateways(world: World): {
  readonly gateways: readonly GatewayPlan[];
  readonly routes: readonly RoutePlan[];
} {
  const classes = new Set(ownClasses(world).map(({ metadata }) => metadata.name));
  const gateways = world.gateways
    .filter((gateway) => gateway.metadata.deletionTimestamp === undefined)
    .filter((gateway) => classes.has(getString(asJson(gateway), 'spec', 'gatewayClassName') ?? ''))
    .map((gateway): GatewayPlan => ({ gateway, listeners: readListeners(gateway, world) }));
  const routes = world.httpRoutes
    .filter((route) => route.metadata.deletionTimestamp === undefined)
    .map((route): RoutePlan => ({ route, parents: attach(route, gateways, world) }));
  return { gateways, routes };
}

/** The ports that a Gateway serves on its address. */
export function portsOf({ gateway, listeners }: GatewayPlan, ip: string): PortPlan[] {
  const { namespace = '', name } = gateway.metadata;
  const ports = new Map<number, ListenerPlan[]>();
  for (const listener of listeners) {
    if (listener.refused !== undefined) continue;
    ports.set(listener.port, [...(ports.get(listener.port) ?? []), listener]);
  }
  return [...ports].map(([port, served]) => ({
    ip,
    port,
    tls: served[0]?.tls === true,
    owner: `Gateway ${namespace}/${name}`,
    sites: served
      .map(({ hostname, routes, certificates }): Site => ({
        hostname,
        routes: routes.toSorted(compareRoutes),
        certificates,
      }))
      .toSorted((a, b) => compareHosts(a.hostname, b.hostname)),
  }));
}

function readListeners(gateway: KubeObject, world: World): ListenerPlan[] {
  const seen = new Map<number, { readonly tls: boolean; readonly hosts: Set<string> }>();
  return getArray(asJson(gateway), 'spec', 'listeners')
    .filter(isJsonObject)
    .map((listener): ListenerPlan => {
      const protocol = getString(listener, 'protocol') ?? '';
      const hostname = (getString(listener, 'hostname') ?? '').toLowerCase();
      const port = getNumber(listener, 'port') ?? 0;
      const tls = protocol === 'HTTPS';
      const on = seen.get(port) ?? { tls, hosts: new Set<string>() };
      const { certificates, unresolved } = tls
        ? readCertificates(listener, gateway, world)
        : { certificates: [], unresolved: undefined };
      const refusal = refuse(protocol, listener, on, tls, hostname) ?? unresolved;
      if (refusal === undefined) {
        on.hosts.add(hostname);
        seen.set(port, on);
      }
      return {
        name: getString(listener, 'name') ?? '',
        hostname,
        port,
        tls,
        certificates,
        refused: refusal,
        unresolved: unresolved ?? invalidKinds(listener),
        routes: [],
        attached: 0,
      };
    });
}

function refuse(
  protocol: string,
  listener: JsonObject,
  on: { readonly tls: boolean; readonly hosts: ReadonlySet<string> },
  tls: boolean,
  hostname: string,
): Problem | undefined {
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') {
    return { reason: 'UnsupportedProtocol', message: `listeners of protocol ${protocol} are not supported` };
  }
  if ((getString(listener, 'tls', 'mode') ?? 'Terminate') !== 'Terminate') {
    return { reason: 'UnsupportedProtocol', message: 'TLS can only end at the listener (mode Terminate)' };
  }
  if (on.tls !== tls) {
    return { reason: 'ProtocolConflict', message: 'another listener uses this port for another protocol' };
  }
  if (on.hosts.has(hostname)) {
    return { reason: 'HostnameConflict', message: 'another listener uses this port for this hostname' };
  }
  return undefined;
}

function allowedKinds(listener: JsonObject): readonly JsonObject[] {
  return getArray(listener, 'allowedRoutes', 'kinds').filter(isJsonObject);
}

function isHttpRoute(kind: JsonObject): boolean {
  return (
    getString(kind, 'kind') === 'HTTPRoute' && (getString(kind, 'group') ?? GATEWAY_GROUP) === GATEWAY_GROUP
  );
}

function invalidKinds(listener: JsonObject): Problem | undefined {
  const other = allowedKinds(listener).find((kind) => !isHttpRoute(kind));
  return other === undefined
    ? undefined
    : {
        reason: 'InvalidRouteKinds',
        message: `routes of kind ${getString(other, 'kind') ?? ''} are not supported`,
      };
}

function readCertificates(
  listener: JsonObject,
  gateway: KubeObject,
  world: World,
): { readonly certificates: Certificate[]; readonly unresolved: Problem | undefined } {
  const own = gateway.metadata.namespace ?? '';
  const certificates: Certificate[] = [];
  let unresolved: Problem | undefined;
  const references = getArray(listener, 'tls', 'certificateRefs').filter(isJsonObject);
  for (const reference of references) {
    const namespace = getString(reference, 'namespace') ?? own;
    const name = getString(reference, 'name') ?? '';
    const group = getString(reference, 'group') ?? '';
    const kind = getString(reference, 'kind') ?? 'Secret';
    const from = { group: GATEWAY_GROUP, kind: 'Gateway', namespace: own };
    if (!isGranted(world, from, { group, kind, namespace, name })) {
      unresolved ??= {
        reason: 'RefNotPermitted',
        message: `no ReferenceGrant in namespace ${namespace} allows Gateways of ${own} to use Secret ${name}`,
      };
      continue;
    }
    const found =
      group === '' && kind === 'Secret' ? certificateIn(world.secret(namespace, name)) : undefined;
    if (found === undefined) {
      unresolved ??= {
        reason: 'InvalidCertificateRef',
        message: `Secret ${namespace}/${name} does not hold a certificate and its key (tls.crt, tls.key)`,
      };
    } else certificates.push(found);
  }
  if (references.length === 0) {
    unresolved = { reason: 'InvalidCertificateRef', message: 'an HTTPS listener needs tls.certificateRefs' };
  }
  return { certificates, unresolved };
}

function attach(route: KubeObject, gateways: readonly GatewayPlan[], world: World): ParentStatus[] {
  const read = readHttpRoute(route, world);
  const own = route.metadata.namespace ?? '';
  const hostnames = getArray(asJson(route), 'spec', 'hostnames')
    .filter((name): name is string => typeof name === 'string')
    .map((name) => name.toLowerCase());
  const statuses: ParentStatus[] = [];
  for (const parentRef of getArray(asJson(route), 'spec', 'parentRefs').filter(isJsonObject)) {
    const gateway = gateways.find(
      ({ gateway: { metadata } }) =>
        (getString(parentRef, 'group') ?? GATEWAY_GROUP) === GATEWAY_GROUP &&
        (getString(parentRef, 'kind') ?? 'Gateway') === 'Gateway' &&
        metadata.name === getString(parentRef, 'name') &&
        metadata.namespace === (getString(parentRef, 'namespace') ?? own),
    );
    if (gateway === undefined) continue;
    const { section, listeners, hosts } = listenersFor(route, parentRef, gateway, hostnames, world);
    let decision = accepted('the route is served');
    if (read.unsupported !== undefined) decision = refused('UnsupportedValue', read.unsupported);
    else if (section.length === 0) {
      decision = refused('NoMatchingParent', 'the Gateway has no listener of that name and port');
    } else if (listeners.length === 0) {
      decision = refused('NotAllowedByListeners', `no listener allows HTTPRoutes of namespace ${own}`);
    } else if (hosts.length === 0) {
      decision = refused('NoMatchingListenerHostname', 'no listener has a hostname of the route');
    } else {
      for (const [listener, names] of hosts) {
        listener.attached++;
        listener.routes.push(...routesOf(route, read.rules, names));
      }
    }
    statuses.push({ parentRef, conditions: [decision, resolvedRefs(read.unresolved)] });
  }
  return statuses;
}

function listenersFor(
  route: KubeObject,
  parentRef: JsonObject,
  { gateway, listeners: all }: GatewayPlan,
  hostnames: readonly string[],
  world: World,
) {
  const wanted = getString(parentRef, 'sectionName') ?? '';
  const port = getNumber(parentRef, 'port');
  const section = all.filter(
    (listener) =>
      !speaksOther(listener) &&
      (wanted === '' || listener.name === wanted) &&
      (port === undefined || listener.port === port),
  );
  const specs = getArray(asJson(gateway), 'spec', 'listeners').filter(isJsonObject);
  const listeners = section.filter((listener) =>
    isAllowed(
      specs.find((spec) => getString(spec, 'name') === listener.name) ?? {},
      gateway.metadata.namespace ?? '',
      route.metadata.namespace ?? '',
      world,
    ),
  );
  const hosts: [ListenerPlan, readonly string[]][] = [];
  for (const listener of listeners) {
    const names = (hostnames.length === 0 ? [''] : hostnames).flatMap(
      (name) => commonHost(listener.hostname, name) ?? [],
    );
    if (names.length > 0) hosts.push([listener, names]);
  }
  return { section, listeners, hosts };
}

/** A listener that routes for HTTP have no place on. */
export function speaksOther({ refused: problem }: ListenerPlan): boolean {
  return problem?.reason === 'UnsupportedProtocol';
}

function isAllowed(listener: JsonObject, own: string, namespace: string, world: World): boolean {
  const kinds = allowedKinds(listener);
  if (kinds.length > 0 && !kinds.some(isHttpRoute)) return false;
  const from = getString(listener, 'allowedRoutes', 'namespaces', 'from') ?? 'Same';
  if (from === 'All') return true;
  if (from !== 'Selector') return namespace === own;
  const selector = getObject(listener, 'allowedRoutes', 'namespaces', 'selector');
  return selector !== undefined && selectorMatchesLabels(selector, world.namespaceLabels(namespace));
}

function routesOf(
  route: KubeObject,
  rules: ReturnType<typeof readHttpRoute>['rules'],
  hostnames: readonly string[],
): Route[] {
  const { namespace = '', name, creationTimestamp: since = '' } = route.metadata;
  let order = 0;
  return rules.flatMap(({ matches, action }) =>
    matches.flatMap((match) => {
      const place = order++;
      return hostnames.map((hostname) => ({
        hostname,
        oneLabel: false,
        match,
        action,
        since,
        owner: `HTTPRoute ${namespace}/${name}`,
        order: place,
      }));
    }),
  );
}
