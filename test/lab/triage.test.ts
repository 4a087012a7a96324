import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/kernel/index.ts';
import type { KubeObject } from '../../src/kube/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// The triage table of the lab, row by row: the symptom is produced, and the first useful check is asked for.
const MINUTE = 60_000;
const STAGING = 'apps/payment-api/overlays/staging';
const APP = 'payment-api-staging';
const NAMESPACE = 'payments-staging';

let lab: Lab;
let overlay: string;
let times = 0;

async function kubectl(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram('kubectl', ['--kubeconfig', lab.kubeconfig, ...args], {
    timeoutMs: MINUTE,
  });
  if (code !== 0) throw new Error(stderr);
  return stdout.toString('utf8');
}

function applicationPatch(spec: object): Promise<string> {
  return kubectl('patch', 'application', APP, '-n', 'argocd', '--type=merge', '-p', JSON.stringify({ spec }));
}

interface Expected {
  readonly boundary: string;
  readonly symptom: RegExp;
  readonly command: string | RegExp;
  readonly avoid: RegExp;
}

/** Waits for a verdict at that boundary, and holds its triage against the row of the table. */
async function check(
  { boundary, symptom, command, avoid }: Expected,
  ...flags: readonly string[]
): Promise<void> {
  const { proof } = await lab.prove(APP, ['--wait', '40s', ...flags]);
  expect(proof.verdict, JSON.stringify(proof.boundaries, undefined, 1)).toMatchObject({
    boundary,
    state: 'broken',
  });
  expect(proof.triage?.symptom).toMatch(symptom);
  expect(proof.triage?.check.commands.join('\n')).toMatch(command);
  expect(proof.triage?.avoid).toMatch(avoid);
  const { out } = await lab.run(['prove', APP, ...flags]);
  expect(out).toContain(`Look first: ${proof.triage?.check.commands[0] ?? 'nothing'}`);
}

/** Back to what the document has, and delivered. */
async function restore(): Promise<void> {
  times += 1;
  await lab.onboard({ 'CHANGELOG.md': `Restored ${times} times.\n` });
  await lab.refresh(APP);
  const { proof } = await lab.prove(APP, ['--wait', '40s']);
  expect(proof.verdict.state).toBe('landed');
  expect(proof.triage).toBeUndefined();
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard();
  await lab.register('staging');
  await restore();
  overlay = await lab.read(`${STAGING}/kustomization.yaml`);
}, 2 * MINUTE);

afterAll(() => lab?.close());

describe('the triage table', () => {
  it(
    'controller cannot find path: confirm the path and the revision, recreate nothing by hand',
    async () => {
      await applicationPatch({ source: { path: 'apps/payment-api/overlays/stagging' } });
      await lab.refresh(APP);
      await check({
        boundary: 'intent',
        symptom: /cannot find the path/,
        command: /git ls-tree -d origin\/main -- apps\/payment-api\/overlays\/stagging/,
        avoid: /Recreating workloads/,
      });
      await applicationPatch({ source: { path: STAGING } });
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'controller says render failed: render here and read the line, restart no pod',
    async () => {
      await lab.commit({
        [`${STAGING}/patch-image.yaml`]:
          'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: payment-api\n spec: {}\n',
      });
      await lab.refresh(APP);
      await check({
        boundary: 'render',
        symptom: /cannot be rendered/,
        command: /^landfall render apps\/payment-api\/overlays\/staging/,
        avoid: /Restarting pods/,
      });
      const { out } = await lab.run(['prove', APP]);
      expect(out).toContain(`${STAGING}/patch-image.yaml:5`);
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'OutOfSync after a manual patch: compare the field, patch nothing again',
    async () => {
      await applicationPatch({ syncPolicy: { automated: null } });
      await kubectl('scale', 'deploy/payment-api', '-n', NAMESPACE, '--replicas=5');
      await check({
        boundary: 'live',
        symptom: /something else than Git/,
        command: /^landfall drift payment-api-staging/,
        avoid: /Another live patch/,
      });
      await applicationPatch({ syncPolicy: { automated: { prune: true, selfHeal: true } } });
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'Synced but pods crash: events, logs, probes, and the Application stays as it is',
    async () => {
      const crash = `${overlay}  - patch: |-\n      - op: add\n        path: /spec/template/spec/containers/0/command\n        value: [node, -e, "console.error('no database'); process.exit(3)"]\n      - op: add\n        path: /spec/progressDeadlineSeconds\n        value: 5\n    target:\n      kind: Deployment\n`;
      await lab.commit({ [`${STAGING}/kustomization.yaml`]: crash });
      await lab.refresh(APP);
      await check({
        boundary: 'health',
        symptom: /pods do not work/,
        command:
          /kubectl describe pods -n payments-staging[^]*kubectl logs deployment\/payment-api -n payments-staging --previous/,
        avoid: /Editing the Application first/,
      });
      const status = await kubectl(
        'get',
        'application',
        APP,
        '-n',
        'argocd',
        '-o',
        'jsonpath={.status.sync.status}',
      );
      expect(status).toBe('Synced');
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'Service has no endpoints: compare selector and labels, rebuild nothing',
    async () => {
      const selector = `${overlay}  - patch: |-\n      - op: replace\n        path: /spec/selector\n        value: { app.kubernetes.io/name: payments-api }\n    target:\n      kind: Service\n`;
      await lab.commit({ [`${STAGING}/kustomization.yaml`]: selector });
      await lab.refresh(APP);
      await check({
        boundary: 'traffic',
        symptom: /Service leads nowhere/,
        command: /kubectl get service\/payment-api -n payments-staging -o jsonpath='\{\.spec\.selector\}/,
        avoid: /Rebuilding/,
      });
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'old image still running: the revision that the controller has, not the push',
    async () => {
      await kubectl(
        'patch',
        'application',
        APP,
        '-n',
        'argocd',
        '--type=merge',
        '-p',
        '{"spec":{"source":{"targetRevision":"release"}}}',
      );
      await lab.branch('release');
      await lab.refresh(APP);
      const promoted = await lab.commit({
        [`${STAGING}/patch-image.yaml`]: (await lab.read(`${STAGING}/patch-image.yaml`)).replace(
          '1.27.5',
          '1.27.6',
        ),
      });
      await check(
        {
          boundary: 'intent',
          symptom: /old version still runs/,
          command: /status\.sync\.revision/,
          avoid: /git push completed/,
        },
        '--revision',
        promoted,
      );
      expect(
        await kubectl(
          'get',
          'deploy/payment-api',
          '-n',
          NAMESPACE,
          '-o',
          'jsonpath={.spec.template.spec.containers[0].image}',
        ),
      ).toBe('nginx:1.27.5');
      await applicationPatch({ source: { targetRevision: 'main' } });
      await restore();
    },
    2 * MINUTE,
  );

  it(
    'a namespace whose policy refuses: the policy, not the manifest',
    async () => {
      const policy = {
        apiVersion: 'v1',
        kind: 'ResourceQuota',
        metadata: { name: 'no-services', namespace: NAMESPACE },
        spec: { hard: { 'count/configmaps': '0' } },
      } as KubeObject;
      await lab.kube.create(policy, {});
      await applicationPatch({ syncPolicy: { retry: { limit: 0 } } });
      await lab.commit({
        [`${STAGING}/kustomization.yaml`]: overlay.replace(
          '  - ../../base\n',
          '  - ../../base\n  - settings.yaml\n',
        ),
        [`${STAGING}/settings.yaml`]:
          'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: b\n',
      });
      await lab.refresh(APP);
      await check({
        boundary: 'sync',
        symptom: /policy/,
        command: /kubectl describe resourcequota/,
        avoid: /Editing probes/,
      });
      await kubectl('delete', 'resourcequota', 'no-services', '-n', NAMESPACE);
      await restore();
    },
    2 * MINUTE,
  );
});
