import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { publish, serveGit } from '../../src/git/test-support.ts';
import type { GitServer } from '../../src/git/test-support.ts';
import { runProgram } from '../../src/kernel/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The further causes of the lab: a credential that is over, and an identity that may not create.
const MINUTE = 60_000;
const APP = 'payment-api-staging';
const ACCOUNT = { namespace: 'argocd', name: 'argocd-application-controller' };

let lab: Lab;
let server: GitServer;
let root: string;

const ALL = ['get', 'list', 'watch'];
const WRITE = [...ALL, 'create', 'patch', 'update', 'delete'];

/** Everything that the controller needs, but the right to write Deployments. */
const RULES: readonly JsonObject[] = [
  { apiGroups: ['*'], resources: ['*'], verbs: ALL },
  { apiGroups: ['argoproj.io'], resources: ['*'], verbs: WRITE },
  { apiGroups: [''], resources: ['events', 'namespaces', 'services', 'configmaps', 'secrets'], verbs: WRITE },
  { apiGroups: ['events.k8s.io', 'coordination.k8s.io'], resources: ['*'], verbs: WRITE },
  { apiGroups: ['authorization.k8s.io'], resources: ['*'], verbs: ['create'] },
];

async function controllerKubeconfig(kube: KubeClient, cluster: Cluster, home: string): Promise<string> {
  const { namespace, name } = ACCOUNT;
  await kube.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } }, {});
  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' };
  await kube.create({ ...rbac, kind: 'ClusterRole', metadata: { name }, rules: [...RULES] }, {});
  await kube.create(
    {
      ...rbac,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    },
    {},
  );
  const admin = path.join(home, 'kubeconfig');
  const asked = ['--kubeconfig', admin, 'create', 'token', name, '-n', namespace];
  const { stdout } = await runProgram('kubectl', asked, { timeoutMs: MINUTE });
  const file = path.join(home, 'controller.kubeconfig');
  const text = await readFile(admin, 'utf8');
  await writeFile(file, text.replaceAll(cluster.token, stdout.toString('utf8').trim()));
  return file;
}

beforeAll(async () => {
  lab = await openLab({ rbac: true, serveAs: controllerKubeconfig });
  await lab.onboard();
  root = await mkdtemp(path.join(tmpdir(), 'landfall-lab-'));
  await publish(lab.repository, root, 'platform-repo.git');
  server = await serveGit(root, 'spring');
}, 2 * MINUTE);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await lab?.close();
  if (root !== undefined) await rm(root, { recursive: true, force: true });
});

describe('access', () => {
  it(
    'an identity that may not create: the boundary is sync, and the check asks for just that right',
    async () => {
      await lab.register('staging', (application) => ({
        ...application,
        spec: {
          ...(application['spec'] as JsonObject),
          // Without retries, so that the first refusal is the answer.
          syncPolicy: { automated: {}, syncOptions: ['CreateNamespace=true'], retry: { limit: 0 } },
        },
      }));
      const { proof } = await lab.prove(APP, ['--wait', '30s']);
      const sync = proof.boundaries.find(({ boundary }) => boundary === 'sync');
      expect(proof.verdict).toMatchObject({ state: 'broken', boundary: 'sync' });
      expect(JSON.stringify(sync)).toContain('system:serviceaccount:argocd:argocd-application-controller');
      expect(proof.triage?.symptom).toMatch(/may not (?:patch|create) deployments/);
      expect(proof.triage?.check.commands[0]).toMatch(
        /^kubectl auth can-i (?:patch|create) deployments --as system:serviceaccount:argocd:argocd-application-controller -n payments-staging$/,
      );
      expect(proof.triage?.avoid).toMatch(/your own rights/);
      // Nothing of the set was applied, the Service neither.
      const service = {
        apiVersion: 'v1',
        kind: 'Service',
        namespace: 'payments-staging',
        name: 'payment-api',
      };
      expect(await lab.kube.get(service)).toBeUndefined();
    },
    MINUTE,
  );

  it(
    'a private repository whose credential is over: the source, and no manifest is to blame',
    async () => {
      const url = `${server.url.replace('http://', 'http://ci:spring@')}/platform-repo.git`;
      await lab.register('dev', (application) => ({
        ...application,
        spec: {
          ...(application['spec'] as JsonObject),
          source: { repoURL: url, targetRevision: 'main', path: 'apps/payment-api/overlays/dev' },
          syncPolicy: {},
        },
      }));
      const first = await lab.prove('payment-api-dev', ['--wait', '5s']);
      expect(first.proof.triage?.symptom).not.toMatch(/credential/);
      server.password = 'summer';
      await runGit('Committing', ['commit', '--allow-empty', '--quiet', '-m', 'Go on'], {
        cwd: lab.repository,
        env: {
          GIT_AUTHOR_NAME: 'a',
          GIT_AUTHOR_EMAIL: 'a@b.c',
          GIT_COMMITTER_NAME: 'a',
          GIT_COMMITTER_EMAIL: 'a@b.c',
        },
      });
      await lab.refresh('payment-api-dev');
      const { proof } = await lab.prove('payment-api-dev', ['--wait', '10s']);
      expect(['sync', 'intent']).toContain(proof.verdict.boundary);
      expect(proof.verdict.state).not.toBe('landed');
      expect(proof.triage?.symptom).toMatch(/credential is missing, wrong or over/);
      expect(proof.triage?.check.commands[0]).toMatch(/^git ls-remote http:\/\/127/);
      expect(proof.triage?.avoid).toMatch(/Rewriting manifests/);
      expect(JSON.stringify(proof)).not.toMatch(/spring|summer/);
    },
    MINUTE,
  );
});
