import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { openLab } from './stage.ts';
import type { Lab } from './stage.ts';

// dev → staging → prod by the command line, on a cluster with a controller.
const MINUTE = 60_000;
const OVERLAYS = 'apps/payment-api/overlays';

let lab: Lab;

function log(): Promise<string> {
  return runGit('Reading the log', ['log', '--format=%s', 'main'], { cwd: lab.repository });
}

beforeAll(async () => {
  lab = await openLab();
  await lab.onboard();
  for (const environment of ['dev', 'staging', 'prod'] as const) await lab.register(environment);
  for (const environment of ['dev', 'staging', 'prod']) await lab.landed(`payment-api-${environment}`);
}, 3 * MINUTE);

afterAll(() => lab?.close());

describe('a promotion', () => {
  it(
    'is shown before it is made: the overlay line, the rendered difference, and who stays as they are',
    async () => {
      const before = await log();
      const { code, report } = await lab.change([
        'promote',
        'payment-api',
        '--from',
        'dev',
        '--to',
        'staging',
        '--dry-run',
      ]);
      expect(code).toBe(0);
      expect(report).toMatchObject({
        state: 'planned',
        style: 'overlay',
        branch: 'main',
        release: { tag: '1.27.6' },
        replaced: { tag: '1.27.5' },
        unchanged: ['payment-api-dev', 'payment-api-prod'],
        refusals: [],
      });
      expect(report.changes).toHaveLength(1);
      expect(report.changes[0]).toMatch(
        /^Deployment\/payment-api spec\.template\.spec\.containers\[name=payment-api\]\.image: nginx:1\.27\.5 → nginx:1\.27\.6@sha256:[0-9a-f]{64} {3}apps\/payment-api\/overlays\/staging\/patch-image\.yaml:10$/,
      );
      expect(await log()).toBe(before);
    },
    MINUTE,
  );

  it(
    'carries the digest that was proven to staging, and is followed to its proof there',
    async () => {
      const { code, report, err } = await lab.change([
        'promote',
        'payment-api',
        '--from',
        'dev',
        '--to',
        'staging',
      ]);
      expect([code, report.state, err], JSON.stringify(report, undefined, 1)).toEqual([0, 'landed', '']);
      expect(await lab.read(`${OVERLAYS}/staging/patch-image.yaml`)).toContain(
        `image: nginx:1.27.6@${report.release.digest ?? 'none'}`,
      );
      const message = await runGit('Reading', ['show', '--format=%B', '--name-only', report.commit ?? ''], {
        cwd: lab.repository,
      });
      expect(message).toContain('Promote payment-api 1.27.6 to staging');
      expect(message).toContain(`Landfall-Promotion: ${report.id ?? ''}`);
      expect(message.trim().split('\n').at(-1)).toBe(`${OVERLAYS}/staging/patch-image.yaml`);
      const { proof } = await lab.prove('payment-api-staging', ['--revision', report.commit ?? '']);
      expect(proof.verdict.state).toBe('landed');
      expect(proof.release.digest).toBe(report.release.digest);
      const history = await lab.run(['history', 'payment-api-staging', '-o', 'json']);
      expect(JSON.parse(history.out)).toContainEqual(
        expect.objectContaining({ trigger: 'promotion', state: 'landed', id: report.delivery }),
      );
    },
    2 * MINUTE,
  );

  it(
    'of what is there already does nothing',
    async () => {
      const before = await log();
      const { code, report } = await lab.change(['promote', 'payment-api', '--to', 'staging']);
      expect([code, report.state, report.landed]).toEqual([0, 'already', true]);
      expect(await log()).toBe(before);
    },
    MINUTE,
  );

  it.each([
    [['promote', 'payment-apy', '--to', 'staging'], 'Did you mean payment-api'],
    [['promote', 'payment-api', '--to', 'stagin'], "no environment 'stagin'"],
    [['promote', 'payment-api', '--from', 'prod'], 'Nothing comes after prod'],
    [['promote', 'payment-api', '--from', 'dev', '--to', 'dev'], 'to itself'],
    [['promote', 'payment-api'], 'was not said'],
    [['promote', 'approve', 'nothing'], 'no promotion or rollback nothing'],
  ])(
    'that is asked for wrongly starts nothing: %s',
    async (args, message) => {
      const { code, err } = await lab.run(args, { cwd: lab.repository });
      expect([code, err]).toEqual([3, expect.stringContaining(message)]);
    },
    MINUTE,
  );
});

describe('a rollback', () => {
  it(
    'is shown before it is made, and writes nothing for that',
    async () => {
      const before = await log();
      const { code, report } = await lab.change(['rollback', 'payment-api-staging', '--dry-run']);
      expect([code, report.state, report.refusals]).toEqual([0, 'planned', []]);
      expect(report).toMatchObject({
        style: 'revert',
        replaced: { tag: '1.27.6' },
        release: { tag: '1.27.5' },
      });
      expect(report.changes).toEqual([
        expect.stringMatching(
          /image: nginx:1\.27\.6@sha256:[0-9a-f]{64} → nginx:1\.27\.5 {3}.*patch-image\.yaml:10$/,
        ),
      ]);
      expect([await log(), JSON.parse((await lab.run(['holds', '-o', 'json'])).out)]).toEqual([before, []]);
    },
    MINUTE,
  );

  it(
    'takes the commit back, holds updates and promotions, and is followed until the pods run the old bytes',
    async () => {
      const { code, report, err } = await lab.change([
        'rollback',
        'payment-api-staging',
        '--reason',
        'errors',
      ]);
      expect([code, report.state, err], JSON.stringify(report, undefined, 1)).toEqual([0, 'landed', '']);
      expect(await lab.read(`${OVERLAYS}/staging/patch-image.yaml`)).toMatch(/image: nginx:1\.27\.5\n/);
      const { proof } = await lab.prove('payment-api-staging');
      expect([proof.verdict.state, proof.release.digest]).toEqual(['landed', report.release.digest]);
      const holds = await lab.run(['holds', 'list', 'payment-api-staging', '-o', 'json']);
      expect(JSON.parse(holds.out)).toMatchObject([{ kind: 'promotion' }, { kind: 'updates' }]);
      const history = await lab.run(['history', 'payment-api-staging', '-o', 'json']);
      expect(JSON.parse(history.out)).toContainEqual(
        expect.objectContaining({ trigger: 'rollback', state: 'landed', id: report.delivery }),
      );
    },
    2 * MINUTE,
  );

  it(
    'is visible wherever one looks, until somebody lifts it',
    async () => {
      const ask = async (...args: readonly string[]) => (await lab.run(args)).out;
      for (const args of [['prove', 'payment-api-staging'], ['status'], ['releases']])
        expect(await ask(...args), args.join(' ')).toMatch(/[Hh]eld.*updates|[Hh]eld.*promotion/);
      const refused = await lab.change(['promote', 'payment-api', '--from', 'dev', '--to', 'staging']);
      expect([refused.code, refused.report.state]).toEqual([1, 'refused']);
      expect(refused.report.refusals[0]).toMatchObject({ code: 'promotion-held' });
      const holds = JSON.parse(await ask('holds', '-o', 'json')) as readonly { readonly id: string }[];
      for (const { id } of holds)
        expect(await ask('holds', 'lift', id, '--comment', 'fixed')).toContain('lifted');
      expect(await ask('holds')).toBe('Nothing is held.\n');
      const further = await lab.run(['rollback', 'payment-api-staging', '--dry-run']);
      expect(further).toMatchObject({
        code: 3,
        err: expect.stringMatching(
          /To undo that rollback: landfall rollback payment-api-staging --to \w{8}\n/,
        ) as string,
      });
      const again = await lab.change([
        'promote',
        'payment-api',
        '--from',
        'dev',
        '--to',
        'staging',
        '--wait',
        '60s',
      ]);
      expect([again.code, again.report.state]).toEqual([0, 'landed']);
    },
    2 * MINUTE,
  );
});

describe('where Argo CD overrides the image in Git', () => {
  it(
    'a promotion changes the override, and the patch that it wins over stays',
    async () => {
      const file = `${OVERLAYS}/prod/.argocd-source-payment-api-prod.yaml`;
      await lab.commit({ [file]: 'kustomize:\n  images:\n    - nginx:1.27.5 # by the updater\n' });
      const { code, report } = await lab.change([
        'promote',
        'payment-api',
        '--from',
        'staging',
        '--to',
        'prod',
        '--dry-run',
      ]);
      expect([code, report.state], JSON.stringify(report, undefined, 1)).toEqual([0, 'planned']);
      expect(report.changes).toEqual([
        expect.stringMatching(/image: nginx:1\.27\.5 → nginx:1\.27\.6@sha256:[0-9a-f]{64} {3}/),
      ]);
      expect(report.changes[0]).toMatch(new RegExp(` ${file.replaceAll('.', String.raw`\.`)}:3$`));
    },
    MINUTE,
  );
});
