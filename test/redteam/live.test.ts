import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asking } from '../../src/cli/question.ts';
import { clusterFixture } from '../../src/drydock/cluster/cluster-fixture.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import type { Proof } from '../../src/verdict/index.ts';
import { openWitness, saying, syncedAt } from './witness.ts';
import type { Shape, Witness } from './witness.ts';

// Beside a controller of which only the outcome is there. Each scenario in a namespace of its own: it lands, then one
// boundary breaks in a way that Synced, Healthy and all pods ready do not show.

const MINUTE = 60_000;

let witness: Witness;

beforeAll(async () => {
  witness = await openWitness();
}, 2 * MINUTE);

afterAll(async () => {
  await witness?.close();
}, MINUTE);

interface Scenario {
  readonly says: string;
  readonly shape?: (witness: Witness) => Shape;
  readonly spec?: JsonObject;
  /** What happens after it has landed. */
  readonly happens: (witness: Witness, name: string) => Promise<unknown>;
  readonly asking?: Partial<Asking>;
  readonly wanted: string;
}

const container = (json: string) => `{"spec":{"template":{"spec":{"containers":[{"name":"main",${json}}]}}}}`;

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'image-ignored': {
    says: 'an image that somebody set, which ignoreDifferences hides',
    spec: {
      ignoreDifferences: [
        { group: 'apps', kind: 'Deployment', jsonPointers: ['/spec/template/spec/containers/0/image'] },
      ],
    },
    happens: (w, name) => w.kubectl(name, 'set', 'image', 'deployment/web', `main=${w.images.old}`),
    wanted: 'stopped at live: image-ignored',
  },
  variable: {
    says: 'a variable that Git does not ask for',
    happens: (w, name) => w.kubectl(name, 'set', 'env', 'deployment/web', 'FEATURE=on'),
    wanted: 'stopped at live: added-by-hand',
  },
  command: {
    says: 'another command, by a patch',
    happens: (w, name) => w.kubectl(name, 'patch', 'deployment', 'web', '-p', container('"args":["--old"]')),
    wanted: 'stopped at live: added-by-hand',
  },
  pause: {
    says: 'a pause that somebody forgot, before the next release',
    happens: async (w, name) => {
      await w.kubectl(name, 'rollout', 'pause', 'deployment/web');
      const yaml = w.manifests({ image: w.images.old });
      const revision = await w.commit(name, yaml);
      await w.apply(name, yaml);
      await w.status(name, syncedAt(revision));
    },
    wanted: 'stopped at live: added-by-hand',
  },
  selector: {
    says: 'a label that a person lets the Service select by, and that no pod has',
    happens: (w, name) =>
      w.kubectl(name, 'patch', 'service', 'web', '-p', '{"spec":{"selector":{"track":"old"}}}'),
    wanted: 'stopped at live: added-by-hand',
  },
  'other-cluster': {
    says: 'an Application that delivers to another cluster, of which nothing is known',
    happens: (w, name) =>
      w.kube.patch(
        { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name },
        'merge',
        { spec: { destination: { server: 'https://203.0.113.7:6443', namespace: name } } },
        { fieldManager: 'kubectl' },
      ),
    wanted: 'unproven at live: unreadable',
  },
  selective: {
    says: 'a selective sync of one object of two',
    happens: async (w, name) => {
      const revision = await w.commit(name, w.manifests({ image: w.images.old }));
      const done = syncedAt(revision);
      await w.status(name, {
        ...done,
        sync: { status: 'OutOfSync', revision },
        history: [],
        resources: [
          {
            group: 'apps',
            version: 'v1',
            kind: 'Deployment',
            namespace: name,
            name: 'web',
            status: 'OutOfSync',
          },
        ],
        operationState: {
          ...(done['operationState'] as JsonObject),
          operation: { sync: { revision, resources: [{ kind: 'Service', name: 'web' }] } },
          syncResult: {
            revision,
            resources: [
              {
                group: '',
                version: 'v1',
                kind: 'Service',
                namespace: name,
                name: 'web',
                status: 'Synced',
                message: 'service/web unchanged',
              },
            ],
          },
        },
      });
    },
    wanted: 'stopped at sync: partly-synced',
  },
  ingress: {
    says: 'an Ingress whose Service is not there',
    shape: () => ({
      more: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
`,
    }),
    happens: async (w, name) => {
      const yaml = w.manifests({
        more: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: www, port: {number: 80}}}}]}}]}
`,
      });
      const revision = await w.commit(name, yaml);
      await w.apply(name, yaml);
      await w.status(name, syncedAt(revision));
    },
    wanted: 'stopped at traffic: backend-missing',
  },
  nowhere: {
    says: 'a DaemonSet that no node fits',
    happens: async (w, name) => {
      const yaml = w.manifests({
        more: `apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {nodeSelector: {disk: sdd}, containers: [{name: main, image: "${w.images.now}"}]}
`,
      });
      const revision = await w.commit(name, yaml);
      await w.apply(name, yaml);
      await w.status(name, syncedAt(revision));
    },
    wanted: 'unproven at rollout: no-eligible-node',
  },
  stranger: {
    says: 'a bare pod of the release before with the labels of the Service',
    happens: (w, name) =>
      w.kubectl(name, 'run', 'left', `--image=${w.images.old}`, '--labels=app=web', '--port=8080'),
    wanted: 'stopped at traffic: foreign-endpoints',
  },
  behind: {
    says: 'a commit that the controller has not seen',
    happens: (w, name) => w.commit(name, w.manifests({ image: w.images.old })),
    wanted: 'moving at sync: revision-behind',
  },
  partition: {
    says: 'a StatefulSet whose partition keeps the release before',
    shape: () => ({
      more: `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: web
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: "registry.corp.io/app:1.0.0"}]}
`,
    }),
    happens: async (w, name) => {
      const yaml = w.manifests({
        more: `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: web
  updateStrategy: {rollingUpdate: {partition: 1}}
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: main, image: "${w.images.now}"}]}
`,
      });
      const revision = await w.commit(name, yaml);
      await w.apply(name, yaml);
      await w.status(name, syncedAt(revision));
    },
    wanted: 'moving at rollout: partition',
  },
};

const told = ({ boundaries }: Proof) =>
  boundaries
    .map(({ boundary, state, reason, detail }) => `${boundary} ${state} ${reason}: ${detail}`)
    .join('\n');

const seen = (wanted: string) => (proof: Proof) => saying(proof) === wanted;

describe('a delivery that landed, and then', () => {
  it.each(Object.entries(SCENARIOS))('%s', { timeout: 2 * MINUTE }, async (name, scenario) => {
    const { says, shape, spec, happens, asking, wanted } = scenario;
    await witness.deliver(name, witness.manifests(shape?.(witness)), spec);
    expect(saying(await witness.until(name, seen('landed'))), says).toBe('landed');
    await happens(witness, name);
    const proof = await witness.until(name, seen(wanted), asking);
    expect(saying(proof), `${says}\n${told(proof)}`).toBe(wanted);
  });
});

/** Healthy in a way that is not the usual one. */
const HEALTHY: Readonly<Record<string, (witness: Witness) => Shape>> = {
  'what-is-skipped': () => ({
    more: `apiVersion: v1
kind: ConfigMap
metadata: {name: later, annotations: {argocd.argoproj.io/hook: Skip}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migrate, annotations: {argocd.argoproj.io/hook: PreSync}}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "registry.corp.io/app:1.0.0"}]}}}
`,
  }),
  'base64-in-lines': () => ({
    more: `apiVersion: v1
kind: Secret
metadata: {name: key}
data:
  a: |
    YWJj
    ZGVm
---
apiVersion: v1
kind: ConfigMap
metadata: {name: logo}
binaryData:
  a: |
    YWJj
    ZGVm
`,
  }),
  'zero-declared': () => ({ replicas: 0 }),
  headless: () => ({
    service: '{clusterIP: None, selector: {app: web}, ports: [{name: http, port: 8080, targetPort: 8080}]}',
  }),
  'other-services': () => ({
    more: `apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: kept}
spec: {ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kept-1, labels: {kubernetes.io/service-name: kept}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [10.1.2.3]}]
`,
  }),
  'schedule-and-node': (w) => ({
    more: `apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: "${w.images.now}"}]}}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: main, image: "${w.images.now}"}]}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: held}
spec:
  suspend: true
  template: {spec: {restartPolicy: Never, containers: [{name: a, image: "${w.images.now}"}]}}
`,
  }),
  beside: (w) => ({
    pod: `initContainers: [{name: log, restartPolicy: Always, image: "${w.images.old}", env: [{name: PORT, value: "9090"}]}]`,
  }),
  routed: () => ({
    more: `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend: {service: {name: web, port: {name: http}}}
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
`,
  }),
  'by-tag': () => ({ image: 'registry.corp.io/app:1.1.0' }),
  limits: () => ({
    container: 'resources: {requests: {cpu: 1000m, memory: 0.5Gi}, limits: {cpu: "2.0", memory: 1024Mi}}',
    more: `apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}
`,
  }),
};

describe('a delivery in a shape that is not the usual one', () => {
  it.each(Object.entries(HEALTHY))('lands: %s', { timeout: 2 * MINUTE }, async (name, shape) => {
    await witness.deliver(name, witness.manifests(shape(witness)));
    const proof = await witness.until(name, seen('landed'));
    expect(saying(proof), told(proof)).toBe('landed');
  });

  it('lands again after what people do to one that works', { timeout: 2 * MINUTE }, async () => {
    await witness.deliver('worked-on', witness.manifests());
    await witness.until('worked-on', seen('landed'));
    await witness.kubectl('worked-on', 'rollout', 'restart', 'deployment/web');
    await witness.kubectl('worked-on', 'label', 'deployment/web', 'team=payments');
    await witness.kubectl('worked-on', 'annotate', 'service/web', 'note=checked');
    await witness.kubectl('worked-on', 'delete', 'pod', '-l', 'app=web', '--wait=true');
    const proof = await witness.until('worked-on', seen('landed'));
    expect(saying(proof), told(proof)).toBe('landed');
  });
});

describe('a delivery to another cluster', () => {
  const SETTINGS = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info}\n';

  it('is looked at over there, whatever is called the same over here', { timeout: 2 * MINUTE }, async () => {
    const other = await clusterFixture();
    try {
      const { url, token, caCertificate } = other.cluster;
      await witness.kube.create(
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: {
            name: 'cluster-eu',
            namespace: 'argocd',
            labels: { 'argocd.argoproj.io/secret-type': 'cluster' },
          },
          stringData: {
            name: 'eu',
            server: url,
            config: JSON.stringify({
              bearerToken: token,
              tlsClientConfig: { caData: Buffer.from(caCertificate).toString('base64') },
            }),
          },
        },
        {},
      );
      const destination = { name: 'eu', namespace: 'far' };
      await witness.deliver('far', SETTINGS, { destination });
      expect(saying(await witness.look('far'))).toBe('stopped at live: missing');
      await other.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'far' } }, 'namespaces');
      const stored = { name: 'settings', namespace: 'far' };
      await other.create(
        { apiVersion: 'v1', kind: 'ConfigMap', metadata: stored, data: { level: 'info' } },
        'configmaps',
      );
      await witness.apply('far', SETTINGS.replace('info', 'debug'));
      const proof = await witness.look('far');
      expect(saying(proof), told(proof)).toBe('landed');
    } finally {
      await other.close();
    }
  });
});
