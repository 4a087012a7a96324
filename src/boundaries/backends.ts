import { getArray, getNumber, getObject, getString } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** A Service that a route leads users to. */
export interface Backend {
  readonly namespace: string;
  readonly name: string;
  /** Number or name; undefined where the route leaves it to the Service. */
  readonly port: number | string | undefined;
}

/** A Service that a route names, with the share of the requests that it gets among those beside it. */
export interface Share {
  readonly namespace: string;
  readonly name: string;
  /** 1 where the route does not say; an Ingress knows no shares. */
  readonly weight: number;
}

/** Every Service that a route of the Gateway API names, those without a share too. */
export function sharesOf(object: KubeObject): readonly Share[] {
  return sharesByRule(object).flat();
}

/** The same for each rule, which shares requests out by itself. */
export function sharesByRule(object: KubeObject): readonly (readonly Share[])[] {
  if (!ROUTES.has(kindOf(object))) return [];
  const { namespace = 'default' } = object.metadata;
  return getArray(object, 'spec', 'rules').map((rule) =>
    getArray(rule, 'backendRefs').flatMap((ref) => {
      const name = getString(ref, 'name');
      if (name === undefined) return [];
      const weight = getNumber(ref, 'weight') ?? 1;
      return [{ namespace: getString(ref, 'namespace') ?? namespace, name, weight }];
    }),
  );
}

const GATEWAY = 'gateway.networking.k8s.io';
const ROUTES: ReadonlySet<string> = new Set([
  `${GATEWAY}/HTTPRoute`,
  `${GATEWAY}/GRPCRoute`,
  `${GATEWAY}/TCPRoute`,
  `${GATEWAY}/TLSRoute`,
  `${GATEWAY}/UDPRoute`,
]);
const INGRESS = 'networking.k8s.io/Ingress';

function kindOf(object: KubeObject): string {
  return `${splitApiVersion(object.apiVersion).group}/${object.kind}`;
}

export function isRoute(object: KubeObject): boolean {
  return kindOf(object) === INGRESS || ROUTES.has(kindOf(object));
}

/**
 * The Services that an Ingress or a route of the Gateway API leads to; one that gets no share of the requests is none.
 * Sources: networking.k8s.io/v1 IngressBackend, gateway.networking.k8s.io BackendRef.
 */
export function backendsOf(object: KubeObject): readonly Backend[] {
  const { namespace = 'default' } = object.metadata;
  if (kindOf(object) === INGRESS) {
    const all = [
      getObject(object, 'spec', 'defaultBackend'),
      ...getArray(object, 'spec', 'rules').flatMap((rule) =>
        getArray(rule, 'http', 'paths').map((path) => getObject(path, 'backend')),
      ),
    ];
    return all.flatMap((backend) => ingressBackend(backend, namespace));
  }
  if (!ROUTES.has(kindOf(object))) return [];
  return getArray(object, 'spec', 'rules').flatMap((rule) =>
    getArray(rule, 'backendRefs').flatMap((ref) => gatewayBackend(ref, namespace)),
  );
}

function ingressBackend(backend: JsonValue | undefined, namespace: string): readonly Backend[] {
  const name = getString(backend, 'service', 'name');
  if (name === undefined) return [];
  const port =
    getNumber(backend, 'service', 'port', 'number') ?? getString(backend, 'service', 'port', 'name');
  return [{ namespace, name, port }];
}

function gatewayBackend(ref: JsonValue, namespace: string): readonly Backend[] {
  const name = getString(ref, 'name');
  const isService =
    (getString(ref, 'group') ?? '') === '' && (getString(ref, 'kind') ?? 'Service') === 'Service';
  if (name === undefined || !isService || getNumber(ref, 'weight') === 0) return [];
  return [{ namespace: getString(ref, 'namespace') ?? namespace, name, port: getNumber(ref, 'port') }];
}
