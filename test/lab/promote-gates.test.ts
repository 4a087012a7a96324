import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// What keeps a release from going on, and what does not.
const MINUTE = 60_000;
const OVERLAYS = 'apps/payment-api/overlays';

const DECLARED = (staging: string) => `apiVersion: landfall.dev/v1
environments:
  - name: dev
    applications: [payment-api-dev]
  - name: staging
    applications: [payment-api-staging]
    promotion: ${staging}
  - name: prod
    applications: [payment-api-prod]
`;

const GUARDED = `
      soak: 1h
      approvals: { count: 1, by: ['group:release'], notAuthor: true }
      windows: [{ since: 2020-01-01, until: 2020-01-02, reason: never }]
      checks: [{ name: smoke, run: ['false'] }]`;

let lab: Lab;

function commits(): Promise<string> {
  return runGit('Reading the log', ['log', '--format=%s', 'main'], { cwd: lab.repository });
}

async function settled(environment: string): Promise<void> {
  await lab.refresh(`payment-api-${environment}`);
  await lab.landed(`payment-api-${environment}`);
}

async function setImage(environment: string, image: string): Promise<void> {
  const file = `${OVERLAYS}/${environment}/patch-image.yaml`;
  await lab.commit({ [file]: (await lab.read(file)).replace(/image: .*/, `image: ${image}`) });
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard({ 'landfall.yaml': DECLARED(GUARDED) });
  await lab.register('dev', (application) => ({
    ...application,
    spec: {
      ...(application['spec'] as Record<string, never>),
      syncPolicy: { syncOptions: ['CreateNamespace=true'] },
    },
  }));
  await lab.register('staging');
  await settled('staging');
}, 3 * MINUTE);

afterAll(() => lab?.close());

describe('a release that has not landed', () => {
  it(
    'waits at the gates, and is shown with each of them',
    async () => {
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging', '--dry-run']);
      expect([code, report.state]).toEqual([0, 'planned']);
      expect(report.gates.map(({ gate, state }) => [gate, state])).toEqual([
        ['landed', 'waiting'],
        ['soak', 'waiting'],
        ['approvals', 'waiting'],
        ['window', 'waiting'],
        ['check', 'waiting'],
      ]);
      const begun = await lab.change(['promote', 'payment-api', '--to', 'staging', '--wait', '0']);
      expect([begun.code, begun.report.state]).toEqual([2, 'waiting']);
      expect(await commits()).not.toContain('Promote');
      const cancelled = await lab.change(['promote', 'cancel', begun.report.id ?? '']);
      expect([cancelled.code, cancelled.report.state]).toEqual([0, 'cancelled']);
      expect((await lab.run(['sync', 'payment-api-dev'])).code).toBe(0);
      await settled('dev');
    },
    2 * MINUTE,
  );
});

describe('a release that has landed', () => {
  let id: string;

  it(
    'waits for soak, approvals, a window and a check, durably',
    async () => {
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging', '--wait', '0']);
      expect([code, report.state]).toEqual([2, 'waiting']);
      expect(report.gates[0]).toMatchObject({ gate: 'landed', state: 'open' });
      id = report.id ?? '';
      expect(report.next).toContain(`landfall promote approve ${id}`);
      const again = await lab.change(['promote', 'payment-api', '--to', 'staging', '--wait', '0']);
      expect([again.report.state, again.report.id]).toEqual(['waiting', id]);
      const releases = await lab.run(['releases', 'payment-api']);
      expect(releases.out).toContain(`promotion ${id} of 1.27.6`);
    },
    MINUTE,
  );

  it(
    'is approved by those who are named, and by nobody else',
    async () => {
      const approve = ['promote', 'approve', id];
      const cwd = lab.repository;
      const author = await lab.run(approve, { cwd });
      expect([author.code, author.err]).toEqual([1, expect.stringContaining('whoever asked')]);
      const mallory = await lab.run(approve, {
        env: { KUBECONFIG: await lab.as('mallory', 'release-notes') },
      });
      expect([mallory.code, mallory.err]).toEqual([1, expect.stringContaining('only group:release may')]);
      const ana = await lab.change([...approve, '--comment', 'seen'], {
        env: { KUBECONFIG: await lab.as('ana', 'release') },
      });
      expect([ana.code, ana.report.state]).toEqual([2, 'waiting']);
      expect(ana.report.gates).toContainEqual({
        gate: 'approvals',
        state: 'open',
        text: 'approved by ana',
      });
    },
    MINUTE,
  );

  it(
    'goes on for a reason that is kept, approvals apart',
    async () => {
      const { code, report, err } = await lab.change([
        'promote',
        'payment-api',
        '--to',
        'staging',
        '--override',
        'outage 4711',
        '--wait',
        '60s',
      ]);
      expect([code, report.state, report.id, err]).toEqual([0, 'landed', id, '']);
      expect(report.gates.map(({ gate, state }) => [gate, state])).toEqual([
        ['landed', 'open'],
        ['soak', 'overridden'],
        ['approvals', 'open'],
        ['window', 'overridden'],
        ['check', 'overridden'],
      ]);
      const message = await runGit('Reading', ['show', '-s', '--format=%B', report.commit ?? ''], {
        cwd: lab.repository,
      });
      expect(message).toContain('Reason: outage 4711');
      expect(message).toContain('approvals: approved by ana');
    },
    2 * MINUTE,
  );
});

describe('a release is refused', () => {
  it(
    'that is older than what the target runs, unless that is meant',
    async () => {
      await lab.commit({ 'landfall.yaml': DECLARED('{ from: dev }') });
      await setImage('dev', 'nginx:1.27.4');
      await lab.run(['sync', 'payment-api-dev']);
      await settled('dev');
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging']);
      expect([code, report.refusals[0]?.code, report.refusals[0]?.lines]).toEqual([
        1,
        'promotion-backwards',
        ['1.27.4 and 1.27.6'],
      ]);
      const meant = await lab.change(['promote', 'payment-api', '--to', 'staging', '--older', '--dry-run']);
      expect([meant.code, meant.report.state]).toEqual([0, 'planned']);
    },
    2 * MINUTE,
  );

  it(
    'whose change would reach another environment, with its lines',
    async () => {
      const qa = 'apps/payment-api/overlays/qa/kustomization.yaml';
      await lab.commit({ [qa]: 'namespace: payments-qa\nresources: [../staging]\n' });
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging', '--older']);
      expect([code, report.state]).toEqual([1, 'refused']);
      expect(report.refusals).toMatchObject([
        {
          code: 'promotion-reaches-others',
          message: expect.stringContaining('overlays/qa') as string,
          lines: [expect.stringMatching(/image: nginx:1\.27\.6@.* → nginx:1\.27\.4@.*patch-image\.yaml:10/)],
        },
      ]);
      await runGit('Removing', ['rm', '-q', qa], { cwd: lab.repository });
      await lab.commit({ 'README.md': 'without qa\n' });
    },
    MINUTE,
  );

  it(
    'that would touch more than images',
    async () => {
      const file = `${OVERLAYS}/staging/kustomization.yaml`;
      const before = await lab.read(file);
      await lab.commit({
        [file]: `${before}replacements:
  - source: { kind: Deployment, name: payment-api, fieldPath: 'spec.template.spec.containers.0.image' }
    targets:
      - select: { kind: Deployment, name: payment-api }
        fieldPaths: ['metadata.annotations.image']
        options: { create: true }
`,
      });
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging', '--older']);
      expect([code, report.state], JSON.stringify(report)).toEqual([1, 'refused']);
      expect(JSON.stringify(report.refusals)).toContain('annotations');
      await lab.commit({ [file]: before });
    },
    MINUTE,
  );

  it(
    'into an application that tracks no branch',
    async () => {
      await runGit('Tagging', ['tag', 'r1'], { cwd: lab.repository });
      await lab.register('prod', (application) => ({
        ...application,
        spec: {
          ...(application['spec'] as Record<string, never>),
          source: {
            repoURL: lab.repository,
            targetRevision: 'r1',
            path: `${OVERLAYS}/prod`,
          },
        },
      }));
      await settled('prod');
      const { code, report } = await lab.change([
        'promote',
        'payment-api',
        '--to',
        'prod',
        '--from',
        'staging',
      ]);
      expect([code, report.refusals.map(({ code: its }) => its)]).toEqual([1, ['revision-not-a-branch']]);
      const back = await lab.change(['rollback', 'payment-api-prod', '--to', 'r1']);
      expect([back.code, back.report.refusals.map(({ code: its }) => its)]).toEqual([
        1,
        ['revision-not-a-branch'],
      ]);
    },
    2 * MINUTE,
  );
});

it(
  'a rollback that cannot work is told before it starts: the image is gone, and it never landed',
  async () => {
    const file = `${OVERLAYS}/staging/patch-image.yaml`;
    const before = await lab.read(file);
    const never = await lab.commit({ [file]: before.replace(/image: .*/, 'image: nginx:9.9.9') });
    await lab.commit({ [file]: before });
    const log = await commits();
    const { code, report } = await lab.change([
      'rollback',
      'payment-api-staging',
      '--to',
      never,
      '--override',
      'x',
    ]);
    expect([code, report.state], JSON.stringify(report)).toEqual([1, 'refused']);
    const codes = report.refusals.map(({ code: its }) => its);
    expect(codes).toContain('rollback-image-gone');
    expect(codes).toContain('rollback-never-landed');
    expect(await commits()).toBe(log);
    expect((await lab.run(['holds'])).out).toBe('Nothing is held.\n');
  },
  MINUTE,
);

it(
  'two promotions at once are one, with one commit',
  async () => {
    await setImage('dev', 'nginx:1.27.5');
    await lab.run(['sync', 'payment-api-dev']);
    await settled('dev');
    const args = ['promote', 'payment-api', '--to', 'staging', '--older', '--wait', '90s'];
    const both = await Promise.all([lab.change(args), lab.change(args)]);
    expect(both.map(({ code, report }) => [code, report.state])).toEqual([
      [0, 'landed'],
      [0, 'landed'],
    ]);
    expect(new Set(both.map(({ report }) => report.id)).size).toBe(1);
    expect(
      (await commits()).split('\n').filter((line) => line.includes('Promote payment-api 1.27.5')),
    ).toHaveLength(1);
  },
  3 * MINUTE,
);
