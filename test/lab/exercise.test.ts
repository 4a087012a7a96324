import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { getArray, getString, runProgram } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
import { platformRepositoryFiles } from '../../examples/payment-api/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The hands-on exercise of the lab, step by step; each of its questions is answered by a command.
const MINUTE = 60_000;
const APP = 'payment-api-staging';
const NAMESPACE = 'payments-staging';
const OVERLAYS = 'apps/payment-api/overlays';
const STAGING = `${OVERLAYS}/staging`;

const WORKER = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: old-payment-worker
spec:
  replicas: 1
  selector: { matchLabels: { app.kubernetes.io/name: old-payment-worker } }
  template:
    metadata: { labels: { app.kubernetes.io/name: old-payment-worker } }
    spec: { containers: [{ name: worker, image: nginx:1.27.4 }] }
`;

let lab: Lab;
let onboarded: string;
let promoted: string;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], {
    timeoutMs: MINUTE,
  });
  return `${stdout.toString('utf8')}${stderr}`;
}

async function ask(...args: readonly string[]): Promise<{ readonly code: number; readonly json: JsonValue }> {
  const { code, out, err } = await lab.run([...args, '-o', 'json'], { cwd: lab.repository });
  if (out === '') throw new Error(`no answer to ${args.join(' ')}: ${err}`);
  return { code, json: JSON.parse(out) as JsonValue };
}

function imageOf(environment: string): Promise<string> {
  return kubectl(
    'get',
    'deploy/payment-api',
    '-n',
    `payments-${environment}`,
    '-o',
    'jsonpath={.spec.template.spec.containers[0].image}',
  );
}

async function landed(environment: string): Promise<void> {
  const { proof } = await lab.prove(`payment-api-${environment}`, ['--wait', '60s']);
  expect(proof.verdict.summary, JSON.stringify(proof.boundaries, undefined, 1)).toBe('landed');
}

beforeAll(async () => {
  lab = await openLab({ patientProbe: true });
  const text = (await platformRepositoryFiles(lab.repository))[`${STAGING}/kustomization.yaml`] ?? '';
  onboarded = await lab.onboard({
    [`${STAGING}/kustomization.yaml`]: text.replace(
      '  - ../../base\n',
      '  - ../../base\n  - old-payment-worker.yaml\n',
    ),
    [`${STAGING}/old-payment-worker.yaml`]: WORKER,
  });
  for (const environment of ['dev', 'staging', 'prod'] as const) await lab.register(environment);
  for (const environment of ['dev', 'staging', 'prod']) await landed(environment);
}, 3 * MINUTE);

afterAll(() => lab?.close());

describe('the exercise', () => {
  it(
    '1, 2, 3: which files are base, environment and registration, and what staging asks for',
    async () => {
      const { code, json } = await ask('layout', STAGING);
      expect(code).toBe(0);
      expect(getArray(json, 'environments')[0]).toMatchObject({
        environment: 'staging',
        application: APP,
        namespace: NAMESPACE,
        own: [
          `${STAGING}/kustomization.yaml`,
          `${STAGING}/old-payment-worker.yaml`,
          `${STAGING}/patch-image.yaml`,
          `${STAGING}/patch-replicas.yaml`,
        ],
        shared: ['deployment', 'kustomization', 'service'].map((name) => ({
          file: `apps/payment-api/base/${name}.yaml`,
          with: ['dev', 'prod'],
        })),
        registration: 'platform/clusters/staging/payment-api-application.yaml',
        workloads: [
          { object: 'Deployment/old-payment-worker' },
          {
            object: 'Deployment/payment-api',
            replicas: 3,
            images: ['nginx:1.27.5'],
            labels: { 'app.kubernetes.io/name': 'payment-api' },
          },
        ],
        services: [
          { selector: { 'app.kubernetes.io/name': 'payment-api' }, reaches: ['Deployment/payment-api'] },
        ],
      });
      const { out } = await lab.run(['layout', STAGING], { cwd: lab.repository });
      expect(out).toContain('base          apps/payment-api/base/deployment.yaml   shared with dev, prod');
    },
    MINUTE,
  );

  it(
    '4, 5, 6: the promotion changes one field of one environment, and is committed',
    async () => {
      const patch = await lab.read(`${STAGING}/patch-image.yaml`);
      promoted = await lab.commit({
        [`${STAGING}/patch-image.yaml`]: patch.replace('nginx:1.27.5', 'nginx:1.27.6'),
      });
      const { json } = await ask('render', STAGING, '--diff', onboarded, '--others');
      expect(
        getArray(json, 'compared').map((each) => [getString(each, 'dir'), getArray(each, 'changes').length]),
      ).toEqual([[STAGING, 1]]);
      const { out } = await lab.run(['render', STAGING, '--diff', onboarded, '--others'], {
        cwd: lab.repository,
      });
      expect(out).toContain('nginx:1.27.5 → nginx:1.27.6');
      expect(out).toContain(`${STAGING}/patch-image.yaml:10`);
      expect(out).toContain(`= ${OVERLAYS}/dev, ${OVERLAYS}/prod render as before\n`);
    },
    MINUTE,
  );

  it(
    '7, 8: the controller reconciles that commit, and every boundary has evidence',
    async () => {
      await lab.refresh(APP);
      await landed('staging');
      const { proof } = await lab.prove(APP, ['--revision', promoted]);
      expect(proof.verdict.state).toBe('landed');
      expect(proof.boundaries.map(({ boundary, state }) => [boundary, state])).toEqual([
        ['artifact', 'proven'],
        ['intent', 'proven'],
        ['render', 'proven'],
        ['sync', 'proven'],
        ['live', 'proven'],
        ['health', 'proven'],
        ['rollout', 'proven'],
        ['traffic', 'proven'],
      ]);
      expect(await imageOf('staging')).toBe('nginx:1.27.6');
      expect(
        await kubectl('rollout', 'status', 'deploy/payment-api', '-n', NAMESPACE, '--timeout=120s'),
      ).toContain('successfully rolled out');
    },
    2 * MINUTE,
  );

  it(
    'and production did not change',
    async () => {
      expect(await imageOf('prod')).toBe('nginx:1.27.4');
      await landed('prod');
      expect(
        await kubectl(
          'get',
          'deploy/payment-api',
          '-n',
          'payments-prod',
          '-o',
          'jsonpath={.metadata.generation}',
        ),
      ).toBe('1');
    },
    MINUTE,
  );

  it(
    'what Git no longer has is gone',
    async () => {
      expect(await kubectl('get', 'deploy', 'old-payment-worker', '-n', NAMESPACE, '-o', 'name')).toContain(
        'old-payment-worker',
      );
      const kustomization = await lab.read(`${STAGING}/kustomization.yaml`);
      await lab.commit({
        [`${STAGING}/kustomization.yaml`]: kustomization.replace('  - old-payment-worker.yaml\n', ''),
      });
      await lab.refresh(APP);
      await landed('staging');
      expect(await kubectl('get', 'deploy', 'old-payment-worker', '-n', NAMESPACE)).toContain('NotFound');
      expect((await lab.run(['drift', APP, '--object', 'Deployment/old-payment-worker'])).code).toBe(0);
    },
    2 * MINUTE,
  );

  it(
    '9, 10: drift is seen and taken away by self-heal, without anybody patching again',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=5');
      const { code } = await lab.run(['drift', APP, 'revert', 'spec.replicas', '--wait', '60s']);
      expect(code).toBe(0);
      expect(
        await kubectl('get', 'deploy/payment-api', '-n', NAMESPACE, '-o', 'jsonpath={.spec.replicas}'),
      ).toBe('3');
    },
    2 * MINUTE,
  );

  it(
    '11: a revert of the promotion brings the old image back, and it is proven on the pods',
    async () => {
      await runGit('Reverting', ['revert', '--no-edit', promoted], {
        cwd: lab.repository,
        env: {
          GIT_AUTHOR_NAME: 'a',
          GIT_AUTHOR_EMAIL: 'a@b.c',
          GIT_COMMITTER_NAME: 'a',
          GIT_COMMITTER_EMAIL: 'a@b.c',
        },
      });
      await lab.refresh(APP);
      await landed('staging');
      expect(await imageOf('staging')).toBe('nginx:1.27.5');
      const images = await kubectl(
        'get',
        'pods',
        '-n',
        NAMESPACE,
        '-l',
        'app.kubernetes.io/name=payment-api',
        '-o',
        'jsonpath={.items[*].spec.containers[0].image}',
      );
      expect(new Set(images.split(' '))).toEqual(new Set(['nginx:1.27.5']));
    },
    2 * MINUTE,
  );

  it(
    '12: the delivery note keeps the states apart, and names the evidence and the way back',
    async () => {
      const { code, json } = await ask('note', APP);
      expect(code).toBe(0);
      expect(json).toMatchObject({ verdict: 'landed', landed: true });
      const states = getArray(json, 'states').map((each) => [
        getString(each, 'name'),
        getString(each, 'state'),
      ]);
      for (const name of ['desired', 'rendered', 'sync', 'live', 'health', 'rollout']) {
        expect(states).toContainEqual([name, 'proven']);
      }
      expect(getString(json, 'rollback', 'revision')).toMatch(/^[0-9a-f]{40}$/);
      const { out } = await lab.run(['note', APP, '-o', 'markdown']);
      expect(out).toContain('# landed: payment-api-staging');
      const history = await lab.run(['history', APP]);
      expect(history.code).toBe(0);
      expect(history.out).toContain(promoted.slice(0, 8));
    },
    MINUTE,
  );
});
