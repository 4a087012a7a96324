import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { publish, serveGit } from '../../src/git/test-support.ts';
import type { GitServer } from '../../src/git/test-support.ts';
import { runProgram } from '../../src/kernel/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import type { DriftReport } from '../../src/verdict/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The drift table of the lab, beyond a person who scales: who wrote it, and to which line it goes.
const MINUTE = 60_000;
const APP = 'payment-api-staging';
const NAMESPACE = 'payments-staging';
const STAGING = 'apps/payment-api/overlays/staging';

const WORKER = `# settings of staging
apiVersion: v1
kind: ConfigMap
metadata: { name: plain }
data:
  TEXT: | # shown to people
    line one
    line two
---
# a worker
apiVersion: apps/v1
kind: Deployment
metadata: { name: worker }
spec:
  replicas: 1 # one is enough
  selector: { matchLabels: { app: worker } }
  template:
    metadata: { labels: { app: worker } }
    spec: { containers: [{ name: worker, image: nginx:1.27.4 }] }
---
apiVersion: v1
kind: Secret
metadata: { name: db }
stringData: { password: hunter2 }
`;

const KUSTOMIZATION = `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: ${NAMESPACE}
resources:
  - ../../base
  - more.yaml
patches:
  - path: patch-replicas.yaml
  - path: patch-image.yaml
`;

let lab: Lab;
let root: string;
let server: GitServer;
let webhook: Server;
/** What the webhook does to a Deployment. */
let mutate: (deployment: JsonObject) => readonly JsonObject[] = () => [];

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], {
    timeoutMs: MINUTE,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout.toString('utf8');
}

/** What nobody explains, or all of it. */
async function drift(...flags: readonly string[]): Promise<DriftReport> {
  const { out, err } = await lab.run(['drift', APP, ...flags, '-o', 'json']);
  if (out === '') throw new Error(err);
  return JSON.parse(out) as DriftReport;
}

async function sync(name = APP): Promise<void> {
  const { code, out, err } = await lab.run(['sync', name]);
  if (code !== 0) throw new Error(out + err);
}

async function startWebhook(): Promise<string> {
  webhook = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as {
        request: { uid: string; object: JsonObject };
      };
      const patch = Buffer.from(JSON.stringify(mutate(review.request.object))).toString('base64');
      response.setHeader('connection', 'close');
      response.end(
        JSON.stringify({
          ...review,
          response: { uid: review.request.uid, allowed: true, patchType: 'JSONPatch', patch },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
  const address = webhook.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard({
    [`${STAGING}/more.yaml`]: WORKER,
    [`${STAGING}/kustomization.yaml`]: KUSTOMIZATION,
    'apps/payment-api/overlays/other/kustomization.yaml':
      'namespace: payments-staging\nresources: [../../base]\nreplicas: [{ name: payment-api, count: 2 }]\n',
  });
  root = await mkdtemp(path.join(tmpdir(), 'landfall-lab-'));
  await publish(lab.repository, root, 'platform-repo.git');
  await runGit('Allowing pushes', ['config', 'http.receivepack', 'true'], {
    cwd: path.join(root, 'platform-repo.git'),
  });
  server = await serveGit(root, 'spring');
  const repoURL = `${server.url.replace('http://', 'http://ci:spring@')}/platform-repo.git`;
  await lab.register('staging', (application) => ({
    ...application,
    spec: {
      ...(application['spec'] as JsonObject),
      source: { repoURL, targetRevision: 'main', path: STAGING },
      syncPolicy: { syncOptions: ['CreateNamespace=true'] },
    },
  }));
  await lab.prove(APP, ['--wait', '2s']);
  expect((await drift('--all')).drifts).toMatchObject([
    { kind: 'absent', expected: true, reason: 'not-synced-yet' },
    {},
    {},
    {},
    {},
  ]);
  await sync();
  const { proof } = await lab.prove(APP, ['--wait', '60s']);
  expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toBe('landed');
  const url = await startWebhook();
  await lab.kube.create({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: 'corp' },
    webhooks: [
      {
        name: 'inject.corp.io',
        clientConfig: { url },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        rules: [
          {
            apiGroups: ['apps'],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['deployments'],
          },
        ],
      },
    ],
  });
}, 6 * MINUTE);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  if (webhook !== undefined) await new Promise((resolve) => webhook.close(resolve));
  await lab?.close();
  if (root !== undefined) await rm(root, { recursive: true, force: true });
});

describe('who wrote it', () => {
  it(
    'a webhook: what it adds is told and expected, what it rewrites is not, and it is named',
    async () => {
      mutate = ({ metadata }) =>
        (metadata as JsonObject)['name'] === 'worker'
          ? [
              { op: 'add', path: '/metadata/annotations/corp.io~1checked', value: 'yes' },
              {
                op: 'add',
                path: '/spec/template/spec/containers/0/env',
                value: [{ name: 'INJECTED', value: '1' }],
              },
              { op: 'replace', path: '/spec/replicas', value: 2 },
            ]
          : [];
      await kubectl('delete', 'deploy', 'worker', '-n', NAMESPACE);
      await sync();
      mutate = () => [];
      const { drifts } = await drift('--all');
      expect(drifts.map(({ field, reason, expected }) => [field, reason, expected])).toEqual([
        ['spec.replicas', 'rewritten', false],
        ['spec.template.spec.containers[0].env[0]', 'added-on-admission', true],
        ['metadata.annotations.corp.io/checked', 'added-on-admission', true],
      ]);
      for (const { by } of drifts)
        expect(by).toContain('only inject.corp.io (MutatingWebhookConfiguration/corp) takes such objects');
      const { out } = await lab.run(['drift', APP, 'revert', '--wait', '60s']);
      expect(out).toMatch(/^✓ reverted/);
    },
    5 * MINUTE,
  );

  it(
    'another application that delivers the same object',
    async () => {
      await lab.register('staging', (application) => ({
        ...application,
        metadata: { name: 'other', namespace: 'argocd' },
        spec: {
          ...(application['spec'] as JsonObject),
          source: {
            repoURL: lab.repository,
            targetRevision: 'main',
            path: 'apps/payment-api/overlays/other',
          },
          syncPolicy: {},
        },
      }));
      await sync('other');
      const { drifts } = await drift();
      expect(drifts).toMatchObject([
        { field: 'spec.replicas', reason: 'claimed-by-another', expected: false },
        { reason: 'claimed-by-another' },
      ]);
      expect(drifts[0]?.by).toBe('landfall (a delivery controller) for Application other');
      await kubectl('delete', 'application', 'other', '-n', 'argocd', '--cascade=orphan');
      await sync();
      expect((await drift()).drifts).toEqual([]);
    },
    5 * MINUTE,
  );

  it(
    'a person who changed a Secret: nothing of it is shown, accepted or kept',
    async () => {
      const patch = '{"stringData":{"password":"geheim99","extra":"topsecret"}}';
      await kubectl('patch', 'secret', 'db', '-n', NAMESPACE, '--type=merge', '-p', patch);
      const { drifts } = await drift();
      expect(drifts.map(({ kind, field, live }) => [kind, field, live])).toEqual([
        ['changed', 'data.password', '(not shown)'],
        ['added', 'data.extra', '(not shown)'],
      ]);
      const accepted = await lab.run(['drift', APP, 'accept', 'data.password']);
      expect(accepted.code).not.toBe(0);
      const reverted = await lab.run(['drift', APP, 'revert', '--object', 'Secret/db', '--wait', '60s']);
      expect(reverted.out).toMatch(/^✓ reverted/);
      const all = JSON.stringify([drifts, accepted, reverted]);
      expect(all).not.toMatch(/geheim99|topsecret|hunter2|Z2VoZWlt|dG9wc2Vj|aHVudGVy/);
      const stored = await kubectl('get', 'secret', 'db', '-n', NAMESPACE, '-o', 'jsonpath={.data}');
      expect(stored).toBe(`{"password":"${Buffer.from('hunter2').toString('base64')}"}`);
    },
    5 * MINUTE,
  );
});

describe('what is accepted', () => {
  const file = (name: string) =>
    runGit('Reading', ['show', `main:${STAGING}/${name}`], { cwd: path.join(root, 'platform-repo.git') });

  it(
    'has to be one field of one object',
    async () => {
      await kubectl('scale', 'deploy/worker', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=2');
      const { code, err } = await lab.run(['drift', APP, 'accept', 'spec.replicas']);
      expect(code).toBe(3);
      expect(err).toContain('Deployment/payment-api:spec.replicas, Deployment/worker:spec.replicas');
      const { out } = await lab.run(['drift', APP]);
      expect(out).toMatch(
        /accept: landfall drift payment-api-staging accept Deployment\/[\w-]+:spec\.replicas/,
      );
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=3');
    },
    3 * MINUTE,
  );

  it(
    'is refused by a branch that is protected, and nothing is left of it',
    async () => {
      const hook = path.join(root, 'platform-repo.git', 'hooks', 'pre-receive');
      await writeFile(hook, '#!/bin/sh\necho "main is a protected branch" >&2\nexit 1\n');
      await chmod(hook, 0o755);
      const { code, err } = await lab.run(['drift', APP, 'accept', 'deploy/worker:spec.replicas']);
      await rm(hook);
      expect(code).not.toBe(0);
      expect(err).toContain('main is a protected branch');
      expect(err).not.toContain('spring');
      expect(await file('more.yaml')).toContain('replicas: 1 # one is enough');
    },
    3 * MINUTE,
  );

  it(
    'is made again on top of what somebody else committed meanwhile',
    async () => {
      const bare = path.join(root, 'platform-repo.git');
      const hook = path.join(bare, 'hooks', 'pre-receive');
      const identity = 'GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@y GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@y';
      await writeFile(
        hook,
        `#!/bin/sh
unset GIT_QUARANTINE_PATH GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_OBJECT_DIRECTORY
rm hooks/pre-receive
git update-ref refs/heads/main $(${identity} git commit-tree main^{tree} -p main -m "Meanwhile")
`,
      );
      await chmod(hook, 0o755);
      const { out, err } = await lab.run([
        'drift',
        APP,
        'accept',
        'deploy/worker:spec.replicas',
        '--wait',
        '60s',
      ]);
      expect(out + err).toMatch(/^✓ accepted/);
      const log = await runGit('Reading', ['log', '-2', '--format=%s', 'main'], { cwd: bare });
      expect(log.trim().split('\n')).toEqual([`Accept spec.replicas 2 for ${APP}`, 'Meanwhile']);
      expect(await file('more.yaml')).toBe(
        WORKER.replace('replicas: 1 # one is enough', 'replicas: 2 # one is enough'),
      );
    },
    5 * MINUTE,
  );

  it(
    'is not put over what somebody else decided about that field meanwhile',
    async () => {
      const bare = path.join(root, 'platform-repo.git');
      const clone = path.join(root, 'clone');
      const git = async (cwd: string, ...args: readonly string[]) => {
        const identity = ['-c', 'user.name=x', '-c', 'user.email=x@y'];
        const { code, stderr } = await runProgram('git', [...identity, ...args], { cwd, timeoutMs: MINUTE });
        if (code !== 0) throw new Error(stderr);
      };
      await git(root, 'clone', '--quiet', bare, clone);
      const manifest = path.join(clone, STAGING, 'more.yaml');
      const before = await readFile(manifest, 'utf8');
      await writeFile(manifest, before.replace('replicas: 2', 'replicas: 4'));
      await git(clone, 'commit', '--quiet', '-am', 'Four');
      await git(clone, 'push', '--quiet', 'origin', 'HEAD:refs/heads/rival');
      const hook = path.join(bare, 'hooks', 'pre-receive');
      await writeFile(
        hook,
        '#!/bin/sh\nunset GIT_QUARANTINE_PATH\nrm hooks/pre-receive\ngit update-ref refs/heads/main refs/heads/rival\n',
      );
      await chmod(hook, 0o755);
      await kubectl('scale', 'deploy/worker', '-n', NAMESPACE, '--replicas=3');
      const { code, err } = await lab.run(['drift', APP, 'accept', 'deploy/worker:spec.replicas']);
      expect(code).not.toBe(0);
      expect(err).toContain('spec.replicas was 2 in Git, and is 4 by now');
      expect(await file('more.yaml')).toContain('replicas: 4 # one is enough');
      await sync();
    },
    3 * MINUTE,
  );

  it(
    'goes into a block text where it stands, with the comments around it',
    async () => {
      const patch = JSON.stringify({ data: { TEXT: 'line one\nline three\n' } });
      await kubectl('patch', 'configmap', 'plain', '-n', NAMESPACE, '--type=merge', '-p', patch);
      const { out, err } = await lab.run(['drift', APP, 'accept', 'data.TEXT', '--wait', '60s']);
      expect(out + err).toMatch(/^✓ accepted/);
      expect(await file('more.yaml')).toContain(
        'TEXT: | # shown to people\n    line one\n    line three\n---\n# a worker\n',
      );
    },
    5 * MINUTE,
  );

  it(
    'is a removal, too: who took it out left no name, and the overlay says so from then on',
    async () => {
      const at = '/spec/template/spec/containers/0/readinessProbe';
      await kubectl(
        'patch',
        'deploy/payment-api',
        '-n',
        NAMESPACE,
        '--type=json',
        '-p',
        `[{"op":"remove","path":"${at}"}]`,
      );
      const field = 'spec.template.spec.containers[0].readinessProbe';
      expect((await drift()).drifts).toMatchObject([{ field, reason: 'taken-out', expected: false }]);
      const inside = await lab.run(['drift', APP, 'accept', `${field}.periodSeconds`]);
      expect(inside.code).not.toBe(0);
      expect(inside.err).toContain(`What differs: Deployment/payment-api:${field}`);
      const { out, err } = await lab.run(['drift', APP, 'accept', field, '--wait', '60s']);
      expect(out + err).toMatch(/^✓ accepted/);
      expect(await file('kustomization.yaml')).toContain('readinessProbe: null');
      expect((await drift()).drifts).toEqual([]);
    },
    5 * MINUTE,
  );
});
