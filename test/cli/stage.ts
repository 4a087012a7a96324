import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { builtImages } from '../../src/cli/built-images.ts';
import { stateFolder } from '../../src/cli/folders.ts';
import { startCluster } from '../../src/drydock/index.ts';
import type { BundledFamily, Cluster } from '../../src/drydock/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { systemClock } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { newPerson } from './terminal.ts';
import type { Ran, RunOptions } from './terminal.ts';
import type { Proof } from '../../src/verdict/index.ts';

/** The host that image references name; the cluster's registry stands in for it. */
export const REGISTRY = 'registry.corp.io';

/** One program, four ways to behave: by its environment variable MODE. */
const SERVER = `
const mode = process.env.MODE ?? 'web';
if (mode === 'exit') { console.error('no database'); process.exit(3); }
const server = require('node:http').createServer((request, response) => {
  response.statusCode = mode === 'never' && request.url === '/ready' ? 503 : 200;
  response.end('ok');
});
server.listen(8080);
process.on('SIGTERM', () => { if (mode !== 'deaf') process.exit(0); });
`;

/** A cluster, a controller and a person who works with them, all by the command line. */
export interface Stage {
  readonly cluster: Cluster;
  readonly kube: KubeClient;
  readonly home: string;
  /** The deployment repository. */
  readonly repository: string;
  readonly kubeconfig: string;
  /** Commits files to the deployment repository. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  run(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** `landfall prove NAME -o json`. */
  prove(
    name: string,
    flags?: readonly string[],
    options?: RunOptions,
  ): Promise<{ readonly code: number; readonly proof: Proof; readonly err: string }>;
  /** Creates an Application that syncs by itself. */
  deliver(name: string, source: { readonly path: string; readonly repoURL?: string }): Promise<void>;
  /** Lets the controller look at Git now. */
  refresh(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface Workload {
  readonly mode: 'web' | 'exit' | 'never' | 'deaf';
  readonly image?: string;
  readonly note?: string;
  /** Seconds from SIGTERM to SIGKILL. Default 2. */
  readonly grace?: number;
  /** Seconds that a rollout may take. Default 3. */
  readonly deadline?: number;
}

/** A Deployment of one pod, with its Service, as a kustomization. */
export function workload(
  name: string,
  { mode, image = 'app:1.0.0', note = '', grace = 2, deadline = 3 }: Workload,
): Record<string, string> {
  return {
    [`${name}/kustomization.yaml`]: `namespace: ${name}\nresources: [all.yaml]\n`,
    [`${name}/all.yaml`]: `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: 1
  progressDeadlineSeconds: ${deadline}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      terminationGracePeriodSeconds: ${grace}
      containers:
        - name: main
          image: ${REGISTRY}/${image}
          env: [{ name: MODE, value: ${mode} }, { name: NOTE, value: "${note}" }]
          ports: [{ containerPort: 8080 }]
          readinessProbe: { httpGet: { path: /ready, port: 8080 }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec: { selector: { app: ${name} }, ports: [{ port: 80, targetPort: 8080 }] }
`,
  };
}

export interface StageOptions {
  /** Everybody but the administrator needs a role. Default false. */
  readonly rbac?: boolean;
  /** Kinds of engines that are there. Default: Argo CD's. */
  readonly definitions?: readonly BundledFamily[];
  /** Writes the kubeconfig of the identity that the controller works as. Default: the administrator's. */
  readonly serveAs?: (kube: KubeClient, cluster: Cluster, home: string) => Promise<string>;
}

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const person = await newPerson();
  const stop = new AbortController();
  const cluster = await startCluster({
    workDir: path.join(person.home, 'cluster'),
    registryMirrors: { [REGISTRY]: 'drydock', 'docker.io': 'drydock' },
    rbac: options.rbac ?? false,
    ...(options.definitions === undefined ? {} : { definitions: options.definitions }),
    isExecutable: builtImages(stateFolder({ HOME: person.home })),
  });
  const kubeconfig = path.join(person.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  const run = (args: readonly string[], options: RunOptions = {}) =>
    person.run(args, { ...options, env: { KUBECONFIG: kubeconfig, ...options.env } });

  const app = await createRepository(path.join(person.folder, 'app'));
  await commitAll(app, { 'server.js': SERVER, 'package.json': '{"name":"app","version":"1.0.0"}' });
  const built = await run(['image', 'build', app, '-t', `${REGISTRY}/app:1.0.0`]);
  if (built.code !== 0) throw new Error(built.err);
  const repository = await createRepository(path.join(person.folder, 'deploy'));
  const kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {});
  await writeFile(path.join(repository, 'README.md'), 'Deployments\n');
  const controller = (await options.serveAs?.(kube, cluster, person.home)) ?? kubeconfig;
  const served = run(['serve', '--poll', '2s', '--quiet'], {
    signal: stop.signal,
    // It runs elsewhere, and keeps a history of its own.
    env: { KUBECONFIG: controller, XDG_STATE_HOME: path.join(person.home, 'controller') },
  });

  return {
    cluster,
    kube,
    home: person.home,
    repository,
    kubeconfig,
    commit: (files) => commitAll(repository, files),
    run,
    async prove(name, flags = [], options = {}) {
      const { code, out, err } = await run(['prove', name, ...flags, '-o', 'json'], options);
      if (out === '') throw new Error(`no proof, exit code ${code}: ${err}`);
      return { code, err, proof: JSON.parse(out) as Proof };
    },
    async deliver(name, source) {
      await kube.create(
        {
          apiVersion: 'argoproj.io/v1alpha1',
          kind: 'Application',
          metadata: { name, namespace: 'argocd' },
          spec: {
            project: 'default',
            source: { repoURL: repository, targetRevision: 'main', ...source },
            destination: { server: 'https://kubernetes.default.svc', namespace: name },
            syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'] },
          },
        },
        {},
      );
    },
    async refresh(name) {
      await kube.patch(
        { apiVersion: 'argoproj.io/v1alpha1', kind: 'Application', namespace: 'argocd', name },
        'merge',
        { metadata: { annotations: { 'argocd.argoproj.io/refresh': 'normal' } } },
        {},
      );
    },
    async close() {
      stop.abort();
      await served;
      kube.close();
      await cluster.close();
      await person.leave();
    },
  };
}
