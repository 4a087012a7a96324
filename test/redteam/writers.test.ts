import { sleep, systemClock } from '../../src/kernel/index.ts';
import { redeliver, scenarios } from './scenarios.ts';
import type { Witness } from './witness.ts';

// Git asks for nothing that is not there, and something else runs all the same.

const { signal } = new AbortController();

/** A patch of the container, as the program of that name would write it. */
function written(by: string, container: object) {
  return (witness: Witness, namespace: string) =>
    witness.kube.patch(
      { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' },
      'strategic',
      { spec: { template: { spec: { containers: [{ name: 'main', ...container }] } } } },
      { fieldManager: by },
      signal,
    );
}

const PORT = [{ name: 'PORT', value: '15001' }];
const OLD = { env: [{ name: 'OLD', value: '1' }] };

const ingress = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: a.corp, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`;

const replicaSet = (witness: Witness, value: string) => `apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: bare}
spec:
  replicas: 1
  selector: {matchLabels: {app: bare}}
  template:
    metadata: {labels: {app: bare}}
    spec: {containers: [{name: main, image: "${witness.images.now}", env: [{name: A, value: "${value}"}]}]}
`;

const controller = (witness: Witness, value: string) =>
  replicaSet(witness, value)
    .replace('apps/v1', 'v1')
    .replace('kind: ReplicaSet', 'kind: ReplicationController')
    .replace('matchLabels: {app: bare}', 'app: bare');

/** Read into the environment, so that only a new container has what is new. */
const configured = (witness: Witness, value: string, labels = '') =>
  witness.manifests({
    container: 'envFrom: [{configMapRef: {name: settings}}]',
    more: `apiVersion: v1
kind: ConfigMap
metadata: {name: settings${labels}}
data: {level: ${value}}
`,
  });

/** Longer than the clocks of a node and of the API server may be apart. */
const apart = () => sleep(systemClock, 11_000, signal);

scenarios('what Git does not ask for', {
  'left-by-helm': {
    says: 'a variable that another delivery tool left',
    happens: written('helm', OLD),
    wanted: 'stopped at live: added-by-hand',
  },
  'by-a-script': {
    says: 'arguments by a program that nobody knows',
    happens: written('deploy-script', { args: ['--old'] }),
    wanted: 'unproven at live: added-by-unknown',
  },
  'secret-key': {
    says: 'a key of a Secret that a container reads whole',
    shape: () => ({
      container: 'envFrom: [{secretRef: {name: key}}]',
      more: 'apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {a: b}\n',
    }),
    happens: (w, name) => w.kubectl(name, 'patch', 'secret', 'key', '-p', '{"stringData":{"FEATURE":"on"}}'),
    wanted: 'stopped at live: added-by-hand',
  },
  'canary-by-hand': {
    says: 'an annotation that makes a canary of the Ingress',
    shape: () => ({ more: ingress }),
    happens: (w, name) =>
      w.kubectl(name, 'annotate', 'ingress', 'web', 'nginx.ingress.kubernetes.io/canary=true'),
    wanted: 'stopped at live: added-by-hand',
  },
  'bare-replicaset': {
    says: 'a template of a ReplicaSet without a Deployment, which replaces no pod',
    yaml: (w) => replicaSet(w, '1'),
    happens: (w, name) => redeliver(w, name, replicaSet(w, '2')),
    wanted: 'unproven at rollout: not-replaced',
  },
  controller: {
    says: 'a ReplicationController, which is looked at like everything that runs pods',
    yaml: (w) => controller(w, '1'),
    wanted: 'landed',
  },
  'controller-again': {
    says: 'a template of a ReplicationController, which replaces no pod either',
    yaml: (w) => controller(w, '1'),
    happens: (w, name) => redeliver(w, name, controller(w, '2')),
    wanted: 'unproven at rollout: not-replaced',
  },
  'new-data': {
    says: 'data that only a new container reads',
    yaml: (w) => configured(w, 'info'),
    happens: async (w, name) => {
      await apart();
      await redeliver(w, name, configured(w, 'debug', ', labels: {team: a}'));
    },
    wanted: 'stopped at rollout: configuration-stale',
  },
  sidecar: {
    says: 'a container of a mesh',
    happens: (w, name) =>
      w.kube.patch(
        { apiVersion: 'apps/v1', kind: 'Deployment', namespace: name, name: 'web' },
        'strategic',
        { spec: { template: { spec: { containers: [{ name: 'proxy', image: w.images.now, env: PORT }] } } } },
        { fieldManager: 'istio-sidecar-injector' },
        signal,
      ),
    wanted: 'landed',
  },
  'new-label': {
    says: 'a label of a ConfigMap, by the manager that owns its data as well',
    yaml: (w) => configured(w, 'info'),
    happens: async (w, name) => {
      await apart();
      await redeliver(w, name, configured(w, 'info', ', labels: {team: a}'));
    },
    wanted: 'landed',
  },
  'nobody-says-when': {
    says: 'the same where no history tells what was delivered',
    yaml: (w) => configured(w, 'info'),
    happens: async (w, name) => {
      await apart();
      await redeliver(w, name, configured(w, 'info', ', labels: {team: a}'));
      await w.status(name, { history: null });
    },
    wanted: 'unproven at rollout: configuration-undecided',
  },
});
