import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { stateFolder } from '../../src/cli/folders.ts';
import { runProgram, systemClock } from '../../src/kernel/index.ts';
import { openLedger } from '../../src/ledger/index.ts';
import type { DriftReport } from '../../src/verdict/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// Part 5 of the lab: staging should run three replicas, and somebody scaled it to five.
const MINUTE = 60_000;
const APP = 'payment-api-staging';
const NAMESPACE = 'payments-staging';

let lab: Lab;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], {
    timeoutMs: MINUTE,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout.toString('utf8');
}

async function drift(...flags: readonly string[]): Promise<DriftReport & { readonly code: number }> {
  const { code, out, err } = await lab.run(['drift', APP, ...flags, '-o', 'json']);
  if (out === '') throw new Error(`no answer, exit code ${code}: ${err}`);
  return { code, ...(JSON.parse(out) as DriftReport) };
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard();
  await lab.register('staging');
  const { proof } = await lab.prove(APP, ['--wait', '60s']);
  expect(proof.verdict.state).toBe('landed');
  // Self-heal would take the drift away before anybody has looked at it.
  await kubectl(
    'patch',
    'application',
    APP,
    '-n',
    'argocd',
    '--type=merge',
    '-p',
    '{"spec":{"syncPolicy":{"automated":null}}}',
  );
}, 2 * MINUTE);

afterAll(() => lab?.close());

describe('drift of payment-api in staging', () => {
  it(
    'is none after a delivery, and says so',
    async () => {
      const { code, out } = await lab.run(['drift', APP]);
      expect(out).toMatch(/^✓ no drift {3}payment-api-staging at [0-9a-f]{12}/);
      expect(code).toBe(0);
    },
    MINUTE,
  );

  it(
    'names the field, both values, the line in Git, and the person who did it',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=5');
      const { code, drifts } = await drift();
      expect(code).toBe(1);
      expect(drifts).toHaveLength(1);
      expect(drifts[0]).toMatchObject({
        kind: 'changed',
        object: 'Deployment/payment-api',
        field: 'spec.replicas',
        desired: 3,
        live: 5,
        where: 'apps/payment-api/overlays/staging/patch-replicas.yaml:6',
        writer: { kind: 'person', manager: 'kubectl' },
        expected: false,
        reason: 'changed-by-hand',
      });
      const { out } = await lab.run(['drift', APP]);
      expect(out).toContain('Git 3 (apps/payment-api/overlays/staging/patch-replicas.yaml:6)   live 5');
      expect(out).toContain(`accept: landfall drift ${APP} accept spec.replicas`);
      expect(out).toContain(`revert: landfall drift ${APP} revert spec.replicas`);
    },
    MINUTE,
  );

  it(
    'is shown before it is accepted, and nothing is written for that',
    async () => {
      const before = await runGit('log', ['rev-parse', 'HEAD'], { cwd: lab.repository });
      const { code, out } = await lab.run(['drift', APP, 'accept', 'spec.replicas', '--dry-run']);
      expect(code).toBe(0);
      expect(out).toContain('3 → 5   apps/payment-api/overlays/staging/patch-replicas.yaml:6');
      expect(await runGit('log', ['rev-parse', 'HEAD'], { cwd: lab.repository })).toBe(before);
    },
    MINUTE,
  );

  it(
    'is accepted by a commit to the overlay line, and ends when all three agree',
    async () => {
      const { code, out } = await lab.run([
        'drift',
        APP,
        'accept',
        'spec.replicas',
        '--reason',
        'load test',
        '--wait',
        '60s',
      ]);
      expect(out).toMatch(/^✓ accepted {3}payment-api-staging: Git, controller and workload agree/);
      expect(code).toBe(0);
      expect(await lab.read('apps/payment-api/overlays/staging/patch-replicas.yaml')).toContain(
        'replicas: 5\n',
      );
      expect(await lab.read('apps/payment-api/base/deployment.yaml')).toContain('replicas: 2\n');
      const log = await runGit('log', ['log', '-1', '--format=%B', '--stat'], { cwd: lab.repository });
      expect(log).toContain('Accept spec.replicas 5 for payment-api-staging');
      expect(log).toContain('load test');
      expect(log).toContain('1 file changed, 1 insertion(+), 1 deletion(-)');
      expect((await drift()).drifts).toEqual([]);
      const ledger = openLedger({ folder: stateFolder({ HOME: lab.home }), clock: systemClock });
      const [decision] = await ledger.decisions.list({ application: APP }, 1);
      await ledger.close();
      expect(decision).toMatchObject({
        kind: 'drift-accepted',
        reason: 'load test',
        actor: { attestedBy: 'cluster' },
      });
    },
    2 * MINUTE,
  );

  it(
    'is reverted by a sync of what Git says',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=1');
      const { code, out } = await lab.run(['drift', APP, 'revert', 'spec.replicas', '--wait', '60s']);
      expect(out).toMatch(/^✓ reverted {3}payment-api-staging: Git, controller and workload agree/);
      expect(code).toBe(0);
      expect(
        await kubectl('get', 'deploy/payment-api', '-n', NAMESPACE, '-o', 'jsonpath={.spec.replicas}'),
      ).toBe('5');
    },
    2 * MINUTE,
  );

  it(
    'of an image that was patched by hand is accepted in the overlay that sets it',
    async () => {
      await kubectl('set', 'image', 'deploy/payment-api', 'payment-api=nginx:1.27.6', '-n', NAMESPACE);
      const { drifts } = await drift();
      expect(drifts[0]).toMatchObject({
        field: 'spec.template.spec.containers[0].image',
        live: 'nginx:1.27.6',
        writer: { kind: 'person' },
      });
      const accepted = await lab.run([
        'drift',
        APP,
        'accept',
        'spec.template.spec.containers[0].image',
        '--wait',
        '60s',
      ]);
      expect(accepted.out).toMatch(/^✓ accepted/);
      expect(await lab.read('apps/payment-api/overlays/staging/patch-image.yaml')).toContain(
        'image: nginx:1.27.6\n',
      );
    },
    2 * MINUTE,
  );

  it(
    'of a variable that was added by hand is told, though Git asks for none, and taken out again',
    async () => {
      await kubectl('set', 'env', 'deploy/payment-api', 'DEBUG=1', '-n', NAMESPACE);
      const { code, drifts } = await drift();
      expect(code).toBe(1);
      expect(drifts).toMatchObject([{ kind: 'added', reason: 'added-by-hand', writer: { kind: 'person' } }]);
      const { out } = await lab.run(['drift', APP, 'revert', '--wait', '60s']);
      expect(out).toMatch(/^✓ reverted/);
      expect((await drift()).drifts).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'of a field that only the base sets is accepted by a patch of the overlay',
    async () => {
      await kubectl(
        'patch',
        'deploy/payment-api',
        '-n',
        NAMESPACE,
        '--type=json',
        '-p',
        '[{"op":"replace","path":"/spec/template/spec/containers/0/readinessProbe/periodSeconds","value":2}]',
      );
      const { out } = await lab.run(['drift', APP, 'accept', '--wait', '60s']);
      expect(out).toMatch(/^✓ accepted/);
      expect(await lab.read('apps/payment-api/base/deployment.yaml')).toContain('periodSeconds: 1\n');
      expect(await lab.read('apps/payment-api/overlays/staging/kustomization.yaml')).toContain(
        'periodSeconds: 2',
      );
      expect((await drift()).drifts).toEqual([]);
    },
    2 * MINUTE,
  );

  it(
    'is settled one at a time where several are there, and nobody waits for the others',
    async () => {
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=2');
      await kubectl('label', 'svc/payment-api', '-n', NAMESPACE, 'team=payments');
      await kubectl(
        'patch',
        'svc/payment-api',
        '-n',
        NAMESPACE,
        '--type=merge',
        '-p',
        '{"spec":{"selector":{"app.kubernetes.io/name":"payment"}}}',
      );
      const shown = await lab.run(['drift', APP]);
      expect(shown.out).toMatch(/^✗ 3 drifts/);
      expect(shown.out).toContain('kubectl-patch (a person, or a script of one)');
      expect(shown.out).not.toContain('webhook');
      expect(shown.out).toContain(`  all:    landfall drift ${APP} revert\n`);
      expect(shown.out.split('\n').filter((line) => line.length > 100)).toEqual([]);
      const { proof } = await lab.prove(APP, []);
      expect(proof.verdict).toMatchObject({ state: 'broken', boundary: 'live' });
      const accepted = await lab.run(['drift', APP, 'accept', 'spec.replicas', '--wait', '1h']);
      expect(accepted.out).toMatch(
        /^… accepted, not settled {3}payment-api-staging: 2 other drifts are left/,
      );
      expect(accepted.out).toContain(`  Next: landfall drift ${APP}\n`);
      expect(accepted.code).toBe(2);
      const explained = await lab.run(['explain', APP]);
      expect(explained.out).toMatch(/^stopped at live/);
      expect(explained.out).not.toContain('told not to deliver');
      const reverted = await lab.run(['drift', APP, 'revert', '--wait', '60s']);
      expect(reverted.out).toMatch(/^✓ reverted/);
      expect((await drift()).drifts).toEqual([]);
    },
    3 * MINUTE,
  );

  it(
    'by an autoscaler is no drift that anybody has to decide about',
    async () => {
      await kubectl('autoscale', 'deploy/payment-api', '-n', NAMESPACE, '--min=2', '--max=9');
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=4');
      const { code, drifts } = await drift('--all');
      expect(drifts).toMatchObject([{ field: 'spec.replicas', expected: true, reason: 'autoscaled' }]);
      expect(code).toBe(0);
      await kubectl('delete', 'hpa', 'payment-api', '-n', NAMESPACE);
    },
    MINUTE,
  );

  it(
    'refuses an action and a field that there are not, and starts nothing',
    async () => {
      expect(await lab.run(['drift', APP, 'acept', 'spec.replicas'])).toMatchObject({ code: 3 });
      const { code, err } = await lab.run(['drift', APP, 'revert', 'spec.replica']);
      expect(code).not.toBe(0);
      expect(err).toContain('spec.replicas');
    },
    MINUTE,
  );
});
