import { getArray, getNumber, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import { compareIngressRoutes } from './match.ts';
import type { Certificate, PathMatch, PortPlan, Route } from './rule.ts';
import { certificateIn } from './world.ts';
import type { World } from './world.ts';

export const INGRESS_CONTROLLER = 'drydock/ingress';
const LEGACY_CLASS = 'kubernetes.io/ingress.class';

/**
 * Ingresses of a class whose controller is this one, and those of no class at all: there is no other controller here
 * that they could be meant for.
 */
export function ownIngresses(world: World): readonly KubeObject[] {
  const own = new Set(
    world.ingressClasses
      .filter((known) => getString(asJson(known), 'spec', 'controller') === INGRESS_CONTROLLER)
      .map((known) => known.metadata.name),
  );
  return world.ingresses.filter((ingress) => {
    if (ingress.metadata.deletionTimestamp !== undefined) return false;
    const named =
      getString(asJson(ingress), 'spec', 'ingressClassName') ?? ingress.metadata.annotations?.[LEGACY_CLASS];
    return named === undefined || named === '' || own.has(named);
  });
}

function readPath(path: JsonObject): PathMatch {
  const value = getString(path, 'path') ?? '/';
  return getString(path, 'pathType') === 'Exact'
    ? { type: 'exact', value }
    : { type: 'prefix', value: value === '' ? '/' : value };
}

function routesOf(ingress: KubeObject, world: World): Route[] {
  const { namespace = '', name, uid = '', creationTimestamp: since = '' } = ingress.metadata;
  const owner = `Ingress ${namespace}/${name}`;
  const spec = getObject(asJson(ingress), 'spec') ?? {};
  const routes: Route[] = [];

  function add(hostname: string, path: PathMatch, backend: JsonObject | undefined): void {
    const order = routes.length;
    const service = getString(backend, 'service', 'name') ?? '';
    const port =
      getString(backend, 'service', 'port', 'name') ??
      String(getNumber(backend, 'service', 'port', 'number') ?? '');
    const exists = world.service(namespace, service) !== undefined;
    routes.push({
      hostname: hostname.toLowerCase(),
      oneLabel: true,
      match: { path, method: undefined, headers: [], query: [] },
      action: {
        id: `${uid}/${order}`,
        filters: [],
        backends: [
          {
            weight: 1,
            service: exists ? { namespace, name: service, port } : undefined,
            filters: [],
          },
        ],
        timeoutMs: undefined,
        attemptTimeoutMs: undefined,
      },
      since,
      owner,
      order,
    });
  }

  for (const rule of getArray(spec, 'rules').filter(isJsonObject)) {
    const host = getString(rule, 'host') ?? '';
    const paths = getArray(rule, 'http', 'paths').filter(isJsonObject);
    for (const path of paths) add(host, readPath(path), getObject(path, 'backend'));
    // A host without paths is all for the default backend.
    if (paths.length === 0 && spec.defaultBackend !== undefined) {
      add(host, { type: 'prefix', value: '/' }, getObject(spec, 'defaultBackend'));
    }
  }
  if (spec.defaultBackend !== undefined) {
    add('', { type: 'prefix', value: '/' }, getObject(spec, 'defaultBackend'));
  }
  return routes;
}

function certificatesOf(ingress: KubeObject, world: World): Certificate[] {
  return getArray(asJson(ingress), 'spec', 'tls')
    .filter(isJsonObject)
    .flatMap((entry) => {
      const secret = world.secret(ingress.metadata.namespace ?? '', getString(entry, 'secretName') ?? '');
      return certificateIn(secret) ?? [];
    });
}

/** All Ingresses are served on one address, each on 80 and 443, as one controller does it. */
export function planIngresses(ingresses: readonly KubeObject[], world: World, ip: string): PortPlan[] {
  if (ingresses.length === 0) return [];
  const routes = ingresses.flatMap((ingress) => routesOf(ingress, world)).toSorted(compareIngressRoutes);
  const certificates = ingresses.flatMap((ingress) => certificatesOf(ingress, world));
  const sites = [{ hostname: '', routes, certificates }];
  const owner = 'the ingress controller';
  return [
    { ip, port: 80, tls: false, sites, owner },
    { ip, port: 443, tls: true, sites, owner },
  ];
}
