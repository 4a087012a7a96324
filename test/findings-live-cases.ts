import { objectsIn } from './findings-live-stage.ts';
import type { LiveCase, Stage } from './findings-live-stage.ts';
import { CONFIGURED } from './findings-live-configured.ts';
import { api, one, service } from './findings-live-shapes.ts';
import { REFUSED } from './findings-live-refused.ts';

const pulled = (
  failure: string,
  name: string,
  id: string,
  boundary: LiveCase['boundary'],
  image: string,
  status: number,
): LiveCase => ({
  failure,
  name,
  id,
  boundary,
  objects: () => '',
  happens: async ({ broken, fixture, kube, namespace }) => {
    if (broken) fixture.cluster.faults.add({ on: 'pull', image, effect: { type: 'status', status } });
    for (const object of objectsIn(api(broken ? { image } : {})))
      await kube.create({ ...object, metadata: { ...object.metadata, namespace } }, {});
  },
});

/** Applies another version of what is there, as a release does. */
const release = (stage: Stage, yaml: string) => stage.kubectl(['apply', '-f', '-'], yaml);

function set(image: string, mode: string, strategy: string): string {
  return `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 1
  serviceName: db
  ${strategy}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: registry.corp.io/api:${image}
          env: [{name: MODE, value: ${mode}}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
`;
}

/** What the cluster brings about by itself out of manifests, faults and releases. */
export const LIVE: readonly LiveCase[] = [
  one('PIP-04', 'no-image', 'image-missing', 'artifact', { image: 'registry.corp.io/api:9.9.9' }),
  pulled('PIP-05', 'denied', 'registry-credentials', 'health', 'registry.corp.io/denied:1', 401),
  pulled('PIP-06', 'silent', 'registry-unreachable', 'health', 'registry.corp.io/silent:1', 503),
  pulled('PIP-07', 'limited', 'registry-rate-limit', 'health', 'registry.corp.io/limited:1', 429),
  pulled(
    'PIP-09',
    'collected',
    'image-collected',
    'artifact',
    `registry.corp.io/collected@sha256:${'5c'.repeat(32)}`,
    404,
  ),
  {
    failure: 'PIP-01',
    name: 'moved',
    id: 'mutable-reference-moved',
    boundary: 'intent',
    objects: () => '',
    happens: async (stage) => {
      const repository = `moved-${stage.broken ? 'broken' : 'twin'}`;
      const program = (text: string) => ({ files: { 'app/main.js': `// ${text}\n${WEB_PROGRAM}` } });
      await stage.fixture.push(repository, 'stable', program('first'));
      await release(stage, api({ image: `registry.corp.io/${repository}:stable` }));
      await stage.ready();
      if (stage.broken) await stage.fixture.push(repository, 'stable', program('second'));
      await stage.ask(repository, 'stable');
    },
  },
  {
    failure: 'PIP-11',
    name: 'differ',
    id: 'replicas-differ',
    boundary: 'intent',
    objects: () => '',
    happens: async (stage) => {
      const repository = `differ-${stage.broken ? 'broken' : 'twin'}`;
      const program = (text: string) => ({ files: { 'app/main.js': `// ${text}\n${WEB_PROGRAM}` } });
      await stage.fixture.push(repository, '1', program('first'));
      await release(stage, api({ image: `registry.corp.io/${repository}:1` }));
      await stage.ready();
      if (stage.broken) await stage.fixture.push(repository, '1', program('second'));
      // The nodes that have not had it yet ask the registry.
      await stage.kubectl(['scale', 'deployment/api', '--replicas=6']);
      await stage.ready();
    },
  },
  one('PIP-13', 'bad-name', 'image-name-invalid', 'render', { image: 'registry.corp.io/api:' }),
  one('PIP-13', 'never', 'image-never-pulled', 'health', {
    image: 'registry.corp.io/other:1',
    container: 'imagePullPolicy: Never',
  }),
  {
    ...one('REN-06', 'placeholder', 'variable-unresolved', 'render', {
      image: 'registry.corp.io/api:${TAG}',
    }),
    desired: (broken) => api(broken ? { image: 'registry.corp.io/api:${TAG}' } : {}),
  },
  one('ROL-06', 'no-mount', 'mount-source-missing', 'health', {
    pod: 'volumes: [{name: settings, configMap: {name: gone}}]',
    container: 'volumeMounts: [{name: settings, mountPath: /etc/settings}]',
  }),
  one('ROL-07', 'no-config', 'configuration-missing', 'health', {
    container: 'envFrom: [{configMapRef: {name: gone}}]',
  }),
  one('ROL-08', 'no-command', 'cannot-start-command', 'health', { container: 'command: [/no/such/program]' }),
  one('ROL-09', 'crash', 'crash-loop', 'health', { mode: 'exit' }),
  {
    ...one('ROL-10', 'memory', 'out-of-memory', 'health', {}),
    happens: async ({ broken, fixture, namespace }) => {
      if (broken) fixture.cluster.faults.add({ on: 'pods', namespace, effect: { type: 'oom' } });
    },
  },
  one('ROL-11', 'init', 'init-container-failing', 'health', {
    pod: 'initContainers: [{name: migrate, image: "registry.corp.io/api:1.0.0", env: [{name: MODE, value: exit}]}]',
  }),
  one('ROL-12', 'never-ready', 'readiness-failing', 'health', { mode: 'never' }),
  one('ROL-13', 'killed', 'killed-by-probe', 'health', {
    mode: 'ill',
    container: 'livenessProbe: {httpGet: {path: /live, port: 8080}, periodSeconds: 1, failureThreshold: 1}',
  }),
  one('HEA-09', 'database', 'dependency-failing', 'health', { mode: 'database' }),
  one('ROL-01', 'too-big', 'unschedulable-resources', 'health', {
    container: 'resources: {requests: {cpu: "900"}}',
  }),
  one('ROL-02', 'no-node', 'unschedulable-placement', 'health', { pod: 'nodeSelector: {disk: fast}' }),
  {
    failure: 'ROL-04',
    name: 'claim',
    id: 'claim-not-bound',
    boundary: 'health',
    objects: (broken) =>
      broken
        ? `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {storageClassName: gone, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
${api({ pod: 'volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]', container: 'volumeMounts: [{name: data, mountPath: /data}]' })}`
        : api({}),
  },
  {
    failure: 'ROL-15',
    name: 'half',
    id: 'half-rolled',
    boundary: 'rollout',
    objects: () => api({ replicas: 2, spec: 'minReadySeconds: 0' }),
    happens: async (stage) => {
      await stage.ready();
      // Pods that have to be ready for an hour hold the update without being in any trouble themselves.
      if (stage.broken)
        await release(
          stage,
          api({
            replicas: 2,
            image: 'registry.corp.io/api:1.1.0',
            spec: 'minReadySeconds: 3600\n  progressDeadlineSeconds: 7200',
          }),
        );
    },
    laterMs: 660_000,
  },
  {
    failure: 'ROL-17',
    name: 'wedged',
    id: 'stateful-set-wedged',
    boundary: 'rollout',
    objects: () => set('1.0.0', 'web', ''),
    still: true,
    happens: async (stage) => {
      await stage.ready('StatefulSet');
      if (!stage.broken) return;
      await release(stage, set('1.1.0', 'never', ''));
      await stage.fixture.until('a pod that is not ready', async () =>
        /0\/1/.test(await stage.kubectl(['get', 'pods', '--no-headers'])),
      );
      await stage.fixture.until('the broken version', async () =>
        /never/.test(
          await stage.kubectl(['get', 'pods', '-o', 'jsonpath={.items[*].spec.containers[*].env[*].value}']),
        ),
      );
      await release(stage, set('1.0.0', 'web', ''));
    },
  },
  {
    failure: 'ROL-18',
    name: 'on-delete',
    id: 'update-held-by-strategy',
    boundary: 'rollout',
    objects: () => set('1.0.0', 'web', 'updateStrategy: {type: OnDelete}'),
    still: true,
    happens: async (stage) => {
      await stage.ready('StatefulSet');
      if (stage.broken) await release(stage, set('1.1.0', 'web', 'updateStrategy: {type: OnDelete}'));
    },
  },
  {
    ...one('ROL-20', 'evicted', 'pods-evicted', 'health', {}),
    happens: async (stage) => {
      await stage.ready();
      if (stage.broken)
        stage.fixture.cluster.faults.add({
          on: 'pods',
          namespace: stage.namespace,
          effect: { type: 'evict', pressure: 'memory' },
        });
    },
  },
  {
    ...one('ROL-21', 'sidecar', 'sidecar-missing', 'health', {}),
    objects: (broken) => api({ labels: broken ? '' : ', sidecar.istio.io/inject: "false"' }),
    labels: { 'istio-injection': 'enabled' },
  },
  {
    failure: 'HEA-08',
    name: 'job',
    id: 'job-failed',
    boundary: 'health',
    still: true,
    objects: (broken) => job(broken ? 'exit' : 'done', ''),
  },
  {
    failure: 'REC-09',
    name: 'hook',
    id: 'hook-failed',
    boundary: 'sync',
    still: true,
    objects: (broken) => job(broken ? 'exit' : 'done', 'annotations: {argocd.argoproj.io/hook: PreSync}'),
  },
  {
    failure: 'TRA-01',
    name: 'selector',
    id: 'service-selects-nothing',
    boundary: 'traffic',
    objects: (broken) => `${api({})}${service(broken ? 'apii' : 'api', '8080')}`,
  },
  {
    failure: 'TRA-02',
    name: 'port',
    id: 'service-port-wrong',
    boundary: 'traffic',
    objects: (broken) => `${api({})}${service('api', broken ? 'web' : 'http')}`,
  },
  ...CONFIGURED,
  ...REFUSED,
];

const WEB_PROGRAM = `require('node:http').createServer((request, response) => response.end('ok')).listen(8080);
process.on('SIGTERM', () => process.exit(0));`;

function job(mode: string, metadata: string): string {
  return `
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, ${metadata}}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "registry.corp.io/api:1.0.0", env: [{name: MODE, value: ${mode}}]}]
`;
}
