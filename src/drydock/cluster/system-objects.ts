import type { Logger } from '../../kernel/index.ts';
import { messageOf } from '../../kernel/index.ts';
import type { ApiServer } from '../api/index.ts';
import type { InProcessApi, KubeObject, ResourceName } from '../api/contract.ts';
import { SERVICES } from '../controllers/index.ts';
import type { Target } from '../runtime/index.ts';
import { GATEWAY_CONTROLLER, INGRESS_CONTROLLER } from '../traffic/index.ts';
import { API_SERVICE_IP, API_SERVICE_PORT } from './service-network.ts';

/**
 * What a cluster has before anybody asks for anything: its own Service, which comes back when somebody deletes all
 * there is, and the classes that are served here. Gives back how to stop.
 */
export async function createSystemObjects(
  api: ApiServer,
  apiServer: Target,
  logger: Logger,
): Promise<() => void> {
  await createKubernetesService(api, apiServer);
  await createClasses(api);
  const own = { namespace: 'default', fieldSelector: 'metadata.name=kubernetes' };
  return api.watch(SERVICES, own, ({ type }) => {
    if (type !== 'DELETED') return;
    createKubernetesService(api, apiServer).catch((error: unknown) =>
      logger.warn('the Service of the API server was not made again', { error: messageOf(error) }),
    );
  });
}

/** The Service by which programs in pods find the API server. */
async function createKubernetesService(api: InProcessApi, at: Target): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default' };
  await writeKubernetesEndpoints(api, at);
  if (api.get(SERVICES, metadata.namespace, metadata.name) !== undefined) return;
  await api.create(
    SERVICES,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...metadata, labels: { component: 'apiserver', provider: 'kubernetes' } },
      spec: {
        clusterIP: API_SERVICE_IP,
        ports: [{ name: 'https', port: API_SERVICE_PORT, protocol: 'TCP', targetPort: at.port }],
      },
    },
    { fieldManager: 'kube-apiserver' },
  );
}

/** Where the API server of this run is, for whoever looks the Service's endpoints up. */
async function writeKubernetesEndpoints(api: InProcessApi, { host, port }: Target): Promise<void> {
  const metadata = { name: 'kubernetes', namespace: 'default' };
  const ports = [{ name: 'https', port, protocol: 'TCP' }];
  const wanted: readonly (readonly [ResourceName, KubeObject])[] = [
    [
      { group: '', version: 'v1', resource: 'endpoints' },
      {
        apiVersion: 'v1',
        kind: 'Endpoints',
        metadata: { ...metadata, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
        subsets: [{ addresses: [{ ip: host }], ports }],
      },
    ],
    [
      { group: 'discovery.k8s.io', version: 'v1', resource: 'endpointslices' },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'kubernetes' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [host], conditions: { ready: true } }],
        ports,
      },
    ],
  ];
  for (const [resource, object] of wanted) {
    const known = api.get(resource, metadata.namespace, metadata.name);
    const of = { fieldManager: 'kube-apiserver' };
    await (known === undefined ? api.create(resource, object, of) : api.update(resource, object, of));
  }
}

/** The classes by which Ingresses and Gateways ask to be served here. */
async function createClasses(api: ApiServer): Promise<void> {
  const name = 'drydock';
  const wanted = [
    {
      resource: { group: 'networking.k8s.io', version: 'v1', resource: 'ingressclasses' },
      kind: 'IngressClass',
      spec: { controller: INGRESS_CONTROLLER },
    },
    {
      resource: { group: 'gateway.networking.k8s.io', version: 'v1', resource: 'gatewayclasses' },
      kind: 'GatewayClass',
      spec: { controllerName: GATEWAY_CONTROLLER },
    },
  ];
  for (const { resource, kind, spec } of wanted) {
    const { group, version } = resource;
    if (api.engine.catalogue.find(group, version, resource.resource) === undefined) continue;
    if (api.get(resource, undefined, name) !== undefined) continue;
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name }, spec };
    await api.create(resource, object, { fieldManager: 'drydock' });
  }
}
