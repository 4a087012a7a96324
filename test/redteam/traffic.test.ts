import { getArray, getString } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import { redeliver, scenarios } from './scenarios.ts';
import type { Witness } from './witness.ts';

// Everything is ready, and users do not get it.

const SLICE = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' };

const other = (image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: "${image}"}]}
`;

const service = (ports: string) => `{selector: {app: web}, ports: [${ports}]}`;

/** Beside the slice that the controller keeps, one that somebody wrote from it. */
async function sliceByHand(
  { kube }: Witness,
  namespace: string,
  change: (slice: KubeObject) => object,
): Promise<void> {
  const { items } = await kube.list(SLICE, { namespace });
  const kept = items.find(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web');
  if (kept === undefined) throw new Error('no slice');
  const metadata = { name: 'by-hand', namespace, labels: { 'kubernetes.io/service-name': 'web' } };
  await kube.create({ ...kept, metadata, ...change(kept) }, {});
}

async function ipOf({ kube }: Witness, namespace: string, app: string): Promise<string> {
  const { items } = await kube.list(
    { apiVersion: 'v1', kind: 'Pod' },
    { namespace, labelSelector: `app=${app}` },
  );
  return getString(items[0], 'status', 'podIP') ?? '';
}

const elsewhere = 'env: [{name: PORT, value: "9090"}]';
const probedElsewhere = (witness: Witness, ports: string) =>
  witness
    .manifests({ container: elsewhere, service: service(ports) })
    .replace('path: /ready, port: 8080', 'path: /ready, port: 9090');

scenarios(
  'a delivery that users do not get',
  {
    'address-by-hand': {
      says: 'an EndpointSlice that names a pod of the release and leads to one of the release before',
      happens: async (w, name) => {
        await w.apply(name, other(w.images.old));
        await w.kubectl(name, 'wait', '--for=condition=Available', 'deployment/other', '--timeout=60s');
        const address = await ipOf(w, name, 'other');
        await sliceByHand(w, name, (slice) => ({
          endpoints: [{ ...(getArray(slice, 'endpoints')[0] as object), addresses: [address] }],
        }));
      },
      wanted: 'stopped at traffic: foreign-endpoints',
    },
    'port-by-hand': {
      says: 'an EndpointSlice that leads to another port than the Service asks for',
      happens: (w, name) =>
        sliceByHand(w, name, () => ({ ports: [{ name: 'http', port: 9999, protocol: 'TCP' }] })),
      wanted: 'stopped at traffic: foreign-endpoints',
    },
    'number-of-nobody': {
      says: 'a targetPort by its number, on which nobody listens',
      shape: () => ({ service: service('{name: http, port: 80, targetPort: 9090}') }),
      wanted: 'stopped at traffic: port-refused',
    },
    'one-of-two': {
      says: 'a second port on which nobody listens',
      shape: () => ({
        service: service(
          '{name: http, port: 80, targetPort: 8080}, {name: admin, port: 81, targetPort: 9999}',
        ),
      }),
      wanted: 'stopped at traffic: port-refused',
    },
    'listens-elsewhere': {
      says: 'a program that listens where its probe looks, and not where its container says',
      yaml: (w) => probedElsewhere(w, '{name: http, port: 80, targetPort: http}'),
      wanted: 'stopped at traffic: port-refused',
    },
    'held-old-endpoints': {
      says: 'a pause that Git asks for, while the release before serves',
      happens: (w, name) => redeliver(w, name, w.manifests({ image: w.images.old, spec: 'paused: true' })),
      wanted: 'unproven at rollout: paused',
    },
  },
  {
    'undeclared-port': (w) =>
      w
        .manifests({ service: service('{name: http, port: 80, targetPort: 8080}') })
        .replace('ports: [{name: http, containerPort: 8080}]', ''),
    'udp-beside': (w) =>
      w.manifests({
        service: service('{port: 80, name: http, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}'),
      }),
    'probed-port': (w) => probedElsewhere(w, '{name: http, port: 80, targetPort: 9090}'),
  },
);
