import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { registryMirrors } from '../../src/cli/sources.ts';
import { questionOf } from '../../src/cli/question.ts';
import type { Asking } from '../../src/cli/question.ts';
import { clusterFixture, program } from '../../src/drydock/cluster/cluster-fixture.ts';
import type { ClusterFixture } from '../../src/drydock/cluster/cluster-fixture.ts';
import type { ClusterOptions } from '../../src/drydock/index.ts';
import { createGitMirrors } from '../../src/git/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { getArray, parseYaml, sleep, systemClock } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../../src/kube/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import { createRegistryClient } from '../../src/oci/index.ts';
import { prove } from '../../src/verdict/index.ts';
import type { Proof, Sources } from '../../src/verdict/index.ts';

export const REGISTRY = 'registry.corp.io';
const CONTROLLER = 'argocd-controller';
const { signal } = new AbortController();

/** Answers with its version on 8080, or on PORT; not ready where MODE is `never`. */
const server = (version: string) =>
  program(`
const server = require('node:http').createServer((request, response) => {
  response.statusCode = request.url === '/ready' && process.env.MODE === 'never' ? 503 : 200;
  response.end('${version}');
});
server.listen(Number(process.env.PORT ?? 8080));
process.on('SIGTERM', () => process.exit(0));
`);

export interface Shape {
  readonly replicas?: number;
  readonly image?: string;
  /** More of the container, of the pod, of the Deployment. */
  readonly container?: string;
  readonly pod?: string;
  readonly spec?: string;
  readonly service?: string;
  /** More documents. */
  readonly more?: string;
}

/** A cluster that Argo CD delivers to, of which only the outcome is there: what it applies, and what it writes. */
export interface Witness {
  readonly fixture: ClusterFixture;
  readonly kube: KubeClient;
  /** References by digest of two releases of one program. */
  readonly images: { readonly old: string; readonly now: string };
  readonly kubeconfig: string;
  /** Folder of the repository that an application is delivered from. */
  readonly repository: (name: string) => string;
  /** A Deployment `web` of one pod, and its Service. */
  readonly manifests: (shape?: Shape) => string;
  /** Commits it, applies it into a namespace of that name, and writes what Argo CD would of the Application. */
  readonly deliver: (name: string, yaml: string, spec?: JsonObject) => Promise<string>;
  /** Applies without a commit, as Argo CD would. */
  readonly apply: (name: string, yaml: string) => Promise<void>;
  /** Commits without applying. */
  readonly commit: (name: string, yaml: string) => Promise<string>;
  readonly commitFiles: (name: string, files: Readonly<Record<string, string>>) => Promise<string>;
  readonly status: (name: string, status: JsonObject) => Promise<void>;
  readonly kubectl: (name: string, ...args: string[]) => Promise<string>;
  readonly look: (name: string, asking?: Partial<Asking>) => Promise<Proof>;
  /** Looks until the proof is as wanted; the last one after a while. */
  readonly until: (
    name: string,
    wanted: (proof: Proof) => boolean,
    asking?: Partial<Asking>,
  ) => Promise<Proof>;
  readonly close: () => Promise<void>;
}

function objectsOf(yaml: string, namespace: string): readonly KubeObject[] {
  return parseYaml(yaml, 'scenario').map((each) => {
    const object = each as unknown as KubeObject;
    return { ...object, metadata: { namespace, ...object.metadata } };
  });
}

export async function openWitness(definitions: ClusterOptions['definitions'] = ['argocd']): Promise<Witness> {
  const fixture = await clusterFixture({ nodes: 2, definitions });
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-redteam-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  await fixture.cluster.writeKubeconfig(kubeconfig);
  const kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  const registry = createRegistryClient({
    mirrors: registryMirrors(fixture.cluster.registryMirrors),
    clock: systemClock,
  });
  const git = createGitMirrors({ folder: path.join(folder, 'mirrors'), clock: systemClock });
  const ledger = openLedger({ folder: path.join(folder, 'state'), clock: systemClock });
  const sources: Sources = { kube, git, registry, clock: systemClock };
  const repository = (name: string) => path.join(folder, 'deploy', name);
  const made = new Set<string>();
  const [old, now] = [
    await fixture.push('app', '1.0.0', server('1.0.0')),
    await fixture.push('app', '1.1.0', server('1.1.0')),
  ];
  const images = { old: `${REGISTRY}/app@${old}`, now: `${REGISTRY}/app@${now}` };
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {}, signal);

  async function commitFiles(name: string, files: Readonly<Record<string, string>>): Promise<string> {
    const own = repository(name);
    if (!made.has(name)) await createRepository(own);
    made.add(name);
    return commitAll(own, files);
  }
  const commit = (name: string, yaml: string) =>
    commitFiles(name, {
      [`${name}/kustomization.yaml`]: `namespace: ${name}\nresources: [all.yaml]\n`,
      [`${name}/all.yaml`]: yaml,
    });
  async function apply(name: string, yaml: string): Promise<void> {
    for (const object of objectsOf(yaml, name))
      await kube.apply(object, { fieldManager: CONTROLLER, force: true }, signal);
  }
  const past = new Map<string, readonly JsonValue[]>();
  async function status(name: string, written: JsonObject): Promise<void> {
    const ref = { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name };
    const known = [...(past.get(name) ?? []), ...getArray(written, 'history')];
    past.set(name, known);
    await kube.patch(
      ref,
      'merge',
      { status: { ...written, history: written['history'] === null ? null : [...known] } },
      { fieldManager: 'argocd-application-controller' },
      signal,
    );
  }
  const look = async (name: string, asking: Partial<Asking> = {}) =>
    (await prove(sources, questionOf({ ...asking, application: name }, sources, ledger), signal)).proof;

  return {
    fixture,
    kube,
    images,
    kubeconfig,
    repository,
    manifests: ({ replicas = 1, image = images.now, ...more } = {}) => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: ${replicas}
  ${more.spec ?? ''}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 1
      ${more.pod ?? ''}
      containers:
        - name: main
          image: "${image}"
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
          ${more.container ?? ''}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: ${more.service ?? '{selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}'}
${more.more === undefined ? '' : `---\n${more.more}`}`,
    commit,
    commitFiles,
    apply,
    status,
    async deliver(name, yaml, spec = {}) {
      const revision = await commit(name, yaml);
      await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, {}, signal);
      await kube.create(
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Application',
          metadata: { name, namespace: 'argocd' },
          spec: {
            project: 'default',
            source: { repoURL: repository(name), path: name, targetRevision: 'main' },
            destination: { server: 'https://kubernetes.default.svc', namespace: name },
            syncPolicy: { automated: {} },
            ...spec,
          },
        },
        {},
        signal,
      );
      await apply(name, yaml);
      await status(name, syncedAt(revision));
      return revision;
    },
    kubectl: async (name, ...args) => fixture.kubectl(['-n', name, ...args]),
    look,
    async until(name, wanted, asking = {}) {
      for (let tries = 0; ; tries++) {
        const proof = await look(name, asking);
        if (wanted(proof) || tries === 150) return proof;
        await sleep(systemClock, 200, signal);
      }
    },
    async close() {
      kube.close();
      registry.close();
      git.close();
      await ledger.close();
      await fixture.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What Argo CD writes after a whole sync of that revision. */
export function syncedAt(revision: string, more: JsonObject = {}): JsonObject {
  const at = new Date(systemClock.now()).toISOString();
  return {
    sync: { status: 'Synced', revision },
    health: { status: 'Healthy' },
    reconciledAt: at,
    operationState: {
      phase: 'Succeeded',
      message: 'successfully synced (all tasks run)',
      startedAt: at,
      finishedAt: at,
      operation: { sync: { revision } },
      syncResult: { revision, resources: [] },
    },
    history: [{ id: 0, revision, deployedAt: at }],
    ...more,
  };
}

/** `stopped at live: drift`, as a test names it. */
export function saying(proof: Proof): string {
  const { boundary, summary } = proof.verdict;
  const report = proof.boundaries.find((each) => each.boundary === boundary);
  return report === undefined ? summary : `${summary}: ${report.reason}`;
}
