import type { Logger } from '../../kernel/index.ts';
import { getArray, getObject, getString, isJsonObject, jsonEqual, messageOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { ApiServer } from '../api/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { isConflict, isNotFound } from '../controllers/index.ts';
import { makeServerCertificate } from '../http/certificate.ts';
import { asJson } from '../kinds/json-access.ts';
import { timestamp } from '../machinery/object-meta.ts';
import type { AddressPool, Target } from '../runtime/index.ts';
import { ownClasses, planGateways, portsOf } from './gateways.ts';
import { ownIngresses, planIngresses } from './ingresses.ts';
import { startLoadBalancers } from './load-balancers.ts';
import { startPortServer } from './port-server.ts';
import type { PortServer } from './port-server.ts';
import type { Certificate, PortPlan } from './rule.ts';
import { weightedShares } from './shares.ts';
import { gatewayClassStatus, gatewayStatus, ingressStatus, routeStatus } from './status.ts';
import { GATEWAY_GROUP } from './world.ts';
import type { World } from './world.ts';

export interface TrafficOptions {
  readonly api: ApiServer;
  readonly addresses: AddressPool;
  readonly logger: Logger;
  /** Ready endpoints of a Service's port now, each request's own turn first. */
  readonly targets: (namespace: string, service: string, port: string) => readonly Target[];
  /** Leads pods that connect to `ip:port` to where that is served; undefined takes it back. */
  readonly lead: (from: Target, to: Target | undefined) => void;
}

export interface Traffic {
  close(): void;
}

const CLASSES = `${GATEWAY_GROUP}/gatewayclasses`;
const GATEWAYS = `${GATEWAY_GROUP}/gateways`;
const ROUTES = `${GATEWAY_GROUP}/httproutes`;
const GRANTS = `${GATEWAY_GROUP}/referencegrants`;
const INGRESSES = 'networking.k8s.io/ingresses';
const INGRESS_CLASSES = 'networking.k8s.io/ingressclasses';
const SECRETS = '/secrets';
const SERVICES = '/services';
const NAMESPACES = '/namespaces';
const WATCHED: ReadonlySet<string> = new Set([
  CLASSES,
  GATEWAYS,
  ROUTES,
  GRANTS,
  INGRESSES,
  INGRESS_CLASSES,
  SECRETS,
  SERVICES,
  NAMESPACES,
]);
/** Of these, a change matters only while somebody routes. */
const CAUSES: readonly string[] = [GATEWAYS, INGRESSES, CLASSES];
const INGRESS_KEY = 'ingress';
const MANAGER = { fieldManager: 'drydock-traffic', subresource: 'status' } as const;

interface Wanted {
  readonly table: string;
  readonly object: KubeObject;
  readonly status: JsonObject;
}

/**
 * Serves Gateways of classes whose controller is `drydock/gateway` and Ingresses, each Gateway on an address of its
 * own, and keeps their status. Decides anew from everything whenever something changes: there is little of it.
 */
export function startTraffic(options: TrafficOptions): Traffic {
  const { api, addresses, logger } = options;
  const { store, catalogue } = api.engine;
  const shares = weightedShares();
  const servers = new Map<string, { readonly plan: PortPlan; readonly server: PortServer | undefined }>();
  const taken = new Map<string, string>();
  let certificate: Certificate | undefined;
  let state: 'idle' | 'scheduled' | 'running' | 'again' = 'idle';
  let closed = false;

  keepAddresses();
  const stop = store.listenAll((_change, table) => {
    if (WATCHED.has(table)) schedule();
  });
  const stopBalancers = startLoadBalancers(api, logger);
  schedule();

  function objects(table: string): KubeObject[] {
    return store
      .table(table)
      .sorted()
      .map(({ object }) => object);
  }

  function world(): World {
    return {
      gatewayClasses: objects(CLASSES),
      gateways: objects(GATEWAYS),
      httpRoutes: objects(ROUTES),
      grants: objects(GRANTS),
      ingressClasses: objects(INGRESS_CLASSES),
      ingresses: objects(INGRESSES),
      service: (namespace, name) => store.get(SERVICES, namespace, name)?.object,
      secret: (namespace, name) => store.get(SECRETS, namespace, name)?.object,
      namespaceLabels: (name) => store.get(NAMESPACES, undefined, name)?.object.metadata.labels ?? {},
    };
  }

  function gatewayKey({ metadata }: KubeObject): string {
    return `${metadata.namespace ?? ''}/${metadata.name}`;
  }

  /** Addresses that an earlier run gave are kept before anybody else asks for one. */
  function keepAddresses(): void {
    const keep = (key: string, ip: string | undefined) => {
      if (ip === undefined || !ip.startsWith(`127.${addresses.octet}.`) || taken.has(key)) return;
      addresses.keepService(ip);
      taken.set(key, ip);
    };
    for (const gateway of objects(GATEWAYS)) {
      const first = getArray(asJson(gateway), 'status', 'addresses').find(isJsonObject);
      keep(gatewayKey(gateway), getString(first, 'value'));
    }
    for (const ingress of objects(INGRESSES)) {
      const first = getArray(asJson(ingress), 'status', 'loadBalancer', 'ingress').find(isJsonObject);
      keep(INGRESS_KEY, getString(first, 'ip'));
    }
  }

  function addressOf(key: string): string {
    const known = taken.get(key);
    if (known !== undefined) return known;
    const ip = addresses.takeService();
    taken.set(key, ip);
    return ip;
  }

  function schedule(): void {
    if (closed) return;
    if (state === 'running') state = 'again';
    if (state !== 'idle') return;
    if (servers.size === 0 && CAUSES.every((table) => store.table(table).entries.size === 0)) return;
    state = 'scheduled';
    setImmediate(() => void run());
  }

  async function run(): Promise<void> {
    if (closed) return;
    state = 'running';
    try {
      await reconcile();
    } catch (error) {
      logger.warn('traffic was not arranged', { error: messageOf(error) });
    }
    const again = (state as string) === 'again';
    state = 'idle';
    if (again) schedule();
  }

  async function reconcile(): Promise<void> {
    const now = timestamp(api.clock.now());
    const seen = world();
    const { gateways, routes } = planGateways(seen);
    const ingresses = ownIngresses(seen);
    const keys = new Set(gateways.map(({ gateway }) => gatewayKey(gateway)));
    if (ingresses.length > 0) keys.add(INGRESS_KEY);
    const ports = gateways.flatMap((plan) => portsOf(plan, addressOf(gatewayKey(plan.gateway))));
    if (ingresses.length > 0) ports.push(...planIngresses(ingresses, seen, addressOf(INGRESS_KEY)));
    await serve(ports);
    for (const [key, ip] of taken) {
      if (keys.has(key)) continue;
      taken.delete(key);
      addresses.releaseService(ip);
    }
    const servedAt = (ip: string, port: number) => servers.get(`${ip}:${port}`)?.server?.port;
    const wanted: Wanted[] = [
      ...ownClasses(seen).map((object) => ({
        table: CLASSES,
        object,
        status: gatewayClassStatus(object, now),
      })),
      ...gateways.map((plan) => ({
        table: GATEWAYS,
        object: plan.gateway,
        status: gatewayStatus(plan, addressOf(gatewayKey(plan.gateway)), servedAt, now),
      })),
      ...routes.flatMap((plan) => {
        const status = routeStatus(plan, now);
        const had = getArray(asJson(plan.route), 'status', 'parents').length > 0;
        return had || getArray(status, 'parents').length > 0
          ? [{ table: ROUTES, object: plan.route, status }]
          : [];
      }),
      ...ingresses.map((object) => ({
        table: INGRESSES,
        object,
        status: ingressStatus(addressOf(INGRESS_KEY), servedAt),
      })),
    ];
    for (const item of wanted) await writeStatus(item);
  }

  async function serve(plans: readonly PortPlan[]): Promise<void> {
    const wanted = new Map(plans.map((plan) => [`${plan.ip}:${plan.port}`, plan]));
    for (const [key, { plan, server }] of servers) {
      if (wanted.get(key)?.tls === plan.tls) continue;
      servers.delete(key);
      server?.close();
      options.lead({ host: plan.ip, port: plan.port }, undefined);
    }
    const rules = plans.flatMap(({ sites }) => sites.flatMap(({ routes }) => routes));
    shares.keepOnly(new Set(rules.map(({ action }) => action.id)));
    for (const [key, plan] of wanted) {
      const running = servers.get(key);
      if (running?.server !== undefined) {
        running.server.update(plan);
        servers.set(key, { plan, server: running.server });
        continue;
      }
      const server = await startPortServer(plan, {
        shares,
        targets: options.targets,
        ownCertificate: () => (certificate ??= makeServerCertificate(['localhost'], Date.now())),
      });
      if (closed) {
        server?.close();
        return;
      }
      servers.set(key, { plan, server });
      if (server === undefined) {
        logger.warn('address not served', { owner: plan.owner, address: key });
      } else if (server.port !== plan.port) {
        options.lead({ host: plan.ip, port: plan.port }, { host: plan.ip, port: server.port });
        logger.info('port served elsewhere', {
          owner: plan.owner,
          wanted: key,
          served: `${plan.ip}:${server.port}`,
        });
      }
    }
  }

  async function writeStatus({ table, object, status }: Wanted): Promise<void> {
    if (jsonEqual(getObject(asJson(object), 'status') ?? {}, status)) return;
    const [group = '', resource = ''] = table.split('/');
    const kind = catalogue.findResource(group, resource);
    if (kind === undefined || !kind.status) return;
    const { namespace, name, resourceVersion = '' } = object.metadata;
    try {
      await api.patch(
        { group, version: kind.version, resource },
        namespace,
        name,
        'merge',
        { metadata: { resourceVersion }, status },
        MANAGER,
      );
    } catch (error) {
      // Whoever changed it in between has caused the next pass.
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }

  return {
    close() {
      closed = true;
      stop();
      stopBalancers();
      for (const { server } of servers.values()) server?.close();
      servers.clear();
    },
  };
}
