import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Asking } from '../../src/cli/question.ts';
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
  readonly then: (witness: Witness, name: string) => Promise<unknown>;
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
    then: (w, name) => w.kubectl(name, 'set', 'image', 'deployment/web', `main=${w.images.old}`),
    wanted: 'stopped at live: image-ignored',
  },
  variable: {
    says: 'a variable that Git does not ask for',
    then: (w, name) => w.kubectl(name, 'set', 'env', 'deployment/web', 'FEATURE=on'),
    wanted: 'stopped at live: added-by-hand',
  },
  command: {
    says: 'another command, by a patch',
    then: (w, name) => w.kubectl(name, 'patch', 'deployment', 'web', '-p', container('"args":["--old"]')),
    wanted: 'stopped at live: added-by-hand',
  },
  pause: {
    says: 'a pause that somebody forgot, before the next release',
    then: async (w, name) => {
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
    then: (w, name) =>
      w.kubectl(name, 'patch', 'service', 'web', '-p', '{"spec":{"selector":{"track":"old"}}}'),
    wanted: 'stopped at live: added-by-hand',
  },
  'other-cluster': {
    says: 'an Application that delivers to another cluster, of which nothing is known',
    then: (w, name) =>
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
    then: async (w, name) => {
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
    then: async (w, name) => {
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
    then: async (w, name) => {
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
    then: (w, name) =>
      w.kubectl(name, 'run', 'left', `--image=${w.images.old}`, '--labels=app=web', '--port=8080'),
    wanted: 'stopped at traffic: foreign-endpoints',
  },
  behind: {
    says: 'a commit that the controller has not seen',
    then: (w, name) => w.commit(name, w.manifests({ image: w.images.old })),
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
    then: async (w, name) => {
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

const seen = (wanted: string) => (proof: Proof) => saying(proof) === wanted;

describe('a delivery that landed, and then', () => {
  it.each(Object.entries(SCENARIOS))('%s', { timeout: 2 * MINUTE }, async (name, scenario) => {
    const { says, shape, spec, then, asking, wanted } = scenario;
    await witness.deliver(name, witness.manifests(shape?.(witness)), spec);
    expect(saying(await witness.until(name, seen('landed'))), says).toBe('landed');
    await then(witness, name);
    const proof = await witness.until(name, seen(wanted), asking);
    expect(
      saying(proof),
      `${says}\n${JSON.stringify(
        proof.boundaries.map(({ boundary, state, reason, detail }) => [boundary, state, reason, detail]),
        null,
        1,
      )}`,
    ).toBe(wanted);
  });
});
