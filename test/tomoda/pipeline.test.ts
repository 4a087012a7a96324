import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  API_HOST,
  APPROVER,
  DEV_API_HOST,
  DEV_IMAGE,
  DEVELOPER,
  PROD_IMAGE,
  startLoad,
} from '../../examples/tomoda/index.ts';
import type { Load, TomodaApplication } from '../../examples/tomoda/index.ts';
import { buildIs, overlayAsksFor } from '../../src/cli/demo/tomoda/waits.ts';
import { getArray, getString, isJsonObject, systemClock } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
import { openShell, programs } from './shell.ts';
import type { Shell } from './shell.ts';

const MINUTE = 60_000;
const IMAGE = '-o=jsonpath={.spec.template.spec.containers[0].image}';
const POOLS = ['tomoda-api', 'tomoda-async'] as const;
const waiting = { clock: systemClock, signal: new AbortController().signal };

let shell: Shell;
let load: { readonly dev: Load; readonly prod: Load };
let firstCommit: string;
let commit: string;

async function tagsOf(image: string): Promise<readonly string[]> {
  const { registry } = shell.stage.cluster;
  const name = image.slice(image.indexOf('/') + 1);
  const answer = await fetch(`${registry.url}/v2/${name}/tags/list`);
  return ((await answer.json()) as { readonly tags: readonly string[] }).tags;
}

/** Commits of devops that nobody of the team made, newest first. */
async function botCommits(): Promise<readonly string[]> {
  const { devops, git } = shell.stage.repositories;
  await git(devops, 'fetch', '--quiet');
  const log = await git(devops, 'log', '--format=%H %ae', 'origin/main');
  return log
    .trim()
    .split('\n')
    .filter((line) => !line.endsWith(` ${DEVELOPER.email}`))
    .map((line) => line.split(' ')[0] ?? '');
}

/** Lines that a commit took out and put in, without what git says around them. */
async function changeOf(
  revision: string,
): Promise<{ readonly files: readonly string[]; readonly lines: readonly string[] }> {
  const { devops, git } = shell.stage.repositories;
  await git(devops, 'fetch', '--quiet');
  const text = await git(devops, 'show', '--format=', '--unified=0', '--no-color', revision);
  const files = (await git(devops, 'show', '--format=', '--name-only', revision)).trim().split('\n');
  return { files, lines: text.split('\n').filter((line) => /^[-+](?![-+])/.test(line)) };
}

/** What the document's commands answer, of both pools. */
async function verify(namespace: string, image: string): Promise<void> {
  for (const name of POOLS) {
    expect(await shell.kubectl('rollout', 'status', `deployment/${name}`, '-n', namespace)).toMatchObject({
      code: 0,
      out: `deployment "${name}" successfully rolled out\n`,
    });
    expect((await shell.kubectl('get', 'deploy', name, '-n', namespace, IMAGE)).out).toBe(image);
  }
}

/** `landfall prove`, and that it says it of both Deployments: each pod runs the digest, each pod tells the commit. */
async function prove(application: TomodaApplication, digest: string, of: string): Promise<void> {
  const { code, json, err } = await shell.ask('prove', application, '--revision', of, '--wait', '3m');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(json).toMatchObject({ verdict: { summary: 'landed' } });
  const claims = getArray(json as JsonValue, 'boundaries')
    .filter(isJsonObject)
    .flatMap((report) => getArray(report, 'claims').filter(isJsonObject));
  const told = (attribute: string) =>
    claims
      .filter(
        (claim) => claim.attribute === attribute && getString(claim, 'subject')?.startsWith('Pod/') === true,
      )
      .map((claim) => getString(claim, 'value') ?? '');
  expect(told('commit')).toEqual([of, of]);
  expect(claims.filter((claim) => JSON.stringify(claim).includes(digest)).length).toBeGreaterThan(0);
}

// "Deploy", dev and prod, step by step: examples/tomoda, the document's commands, Landfall's own.
describe.skipIf(!programs)('the pipeline of tomoda (skipped where kubectl or curl is not installed)', () => {
  beforeAll(async () => {
    shell = await openShell();
    const { stage } = shell;
    ({ firstCommit } = stage.repositories);
    for (const application of ['tomoda', 'prod-tomoda'] as const) {
      await stage.register(application);
      expect((await shell.ask('prove', application, '--wait', '3m')).code).toBe(0);
    }
    load = {
      dev: startLoad(await stage.ingress(DEV_API_HOST)),
      prod: startLoad(await stage.ingress(API_HOST)),
    };
  }, 5 * MINUTE);
  afterAll(async () => {
    await Promise.all([load.dev.stop(), load.prod.stop()]);
    await shell.close();
  });

  it(
    'waits for an approval after a push to main, which its author may not give',
    { timeout: 3 * MINUTE },
    async () => {
      const { stage } = shell;
      const { app, commitNextVersion, git } = stage.repositories;
      commit = await commitNextVersion();
      await git(app, 'push', '--quiet', 'origin', 'main');
      const { id } = await buildIs(stage, 'tomoda-dev', commit, 'PENDING', waiting);
      const refused = await stage.run(['builds', 'approve', id], { as: DEVELOPER });
      expect(refused.code).toBe(1);
      expect(refused.err).toContain(DEVELOPER.email);
      expect(await tagsOf(DEV_IMAGE)).toEqual([`sha-${firstCommit}`]);
      expect((await stage.ledger.builds.get(id))?.state).toBe('PENDING');
    },
  );

  it(
    'builds, tests and pushes sha-<commit> once somebody else approves',
    { timeout: 5 * MINUTE },
    async () => {
      const { stage } = shell;
      const { id } = await buildIs(stage, 'tomoda-dev', commit, 'PENDING', waiting);
      const approved = await stage.run(['builds', 'approve', id, '--comment', 'looks right'], {
        as: APPROVER,
      });
      expect(approved).toMatchObject({ code: 0, err: '' });
      const build = await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting);
      expect(build.image).toBe(`${DEV_IMAGE}:sha-${commit}`);
      expect((await tagsOf(DEV_IMAGE)).toSorted()).toEqual(
        [`sha-${firstCommit}`, `sha-${commit}`].toSorted(),
      );
      const shown = await stage.run(['builds', 'show', id]);
      expect(shown.out).toContain('test');
      expect(shown.out).toContain(APPROVER.email);
    },
  );

  it(
    'commits the override: tag and digest, for both Deployments at once',
    { timeout: 3 * MINUTE },
    async () => {
      const { stage } = shell;
      const pin = await overlayAsksFor(stage, 'tomoda', `sha-${commit}`, waiting);
      const record = (await buildIs(stage, 'tomoda-dev', commit, 'SUCCESS', waiting)).record ?? {};
      expect(pin.digest).toBe(getString(record, 'digest'));
      expect(await botCommits()).toEqual([pin.commit]);
      const { files, lines } = await changeOf(pin.commit);
      expect(files).toEqual(['k8s/apps/tomoda/overlays/dev/kustomization.yaml']);
      expect(lines.filter((line) => line.startsWith('+'))).toEqual([
        `+    newTag: sha-${commit}`,
        `+    digest: ${pin.digest}`,
      ]);
      expect(lines).toHaveLength(4);
    },
  );

  it('rolls both pools in dev without a lost request, and proves it', { timeout: 5 * MINUTE }, async () => {
    const { stage } = shell;
    const { digest } = await stage.repositories.readPin('tomoda');
    await prove('tomoda', digest, commit);
    await verify('tomoda', `${DEV_IMAGE}:sha-${commit}@${digest}`);
    expect(JSON.parse((await shell.curl(DEV_API_HOST)).out)).toMatchObject({ status: 'ok', commit });
    const { why, answeredBy } = load.dev.report();
    expect(why).toEqual([]);
    expect(new Set(answeredBy.keys())).toEqual(new Set([firstCommit, commit]));
  });

  it('has left prod as it was', async () => {
    const { kubectl } = shell;
    for (const name of POOLS)
      expect((await kubectl('get', 'deploy', name, '-n', 'prod', IMAGE)).out).toContain(
        `${PROD_IMAGE}:v1.0.0@`,
      );
  });

  it(
    'builds a tag without an approval, again, into the registry of prod',
    { timeout: 5 * MINUTE },
    async () => {
      const { stage } = shell;
      const { app, git } = stage.repositories;
      await git(app, 'tag', 'v1.1.0', commit);
      await git(app, 'push', '--quiet', '--tags');
      const build = await buildIs(stage, 'tomoda-prod', commit, 'SUCCESS', waiting);
      expect(build.image).toBe(`${PROD_IMAGE}:v1.1.0`);
      expect(await stage.ledger.builds.list({ trigger: 'tomoda-prod', states: ['PENDING'] }, 10)).toEqual([]);
      expect((await tagsOf(PROD_IMAGE)).toSorted()).toEqual(['v1.0.0', 'v1.1.0']);
    },
  );

  it(
    'reaches prod: committed, synced, rolled without a lost request, proven',
    { timeout: 5 * MINUTE },
    async () => {
      const { stage } = shell;
      const pin = await overlayAsksFor(stage, 'prod-tomoda', 'v1.1.0', waiting);
      const { files } = await changeOf(pin.commit);
      expect(files).toEqual(['k8s/apps/tomoda/overlays/prod/kustomization.yaml']);
      await prove('prod-tomoda', pin.digest, commit);
      await verify('prod', `${PROD_IMAGE}:v1.1.0@${pin.digest}`);
      expect(JSON.parse((await shell.curl(API_HOST)).out)).toMatchObject({
        status: 'ok',
        version: '1.1.0',
        commit,
      });
      const { why, answeredBy } = load.prod.report();
      expect(why).toEqual([]);
      expect(new Set(answeredBy.keys())).toEqual(new Set([firstCommit, commit]));
    },
  );

  it(
    'goes back in prod without a lost request, and the updater leaves it there',
    { timeout: 5 * MINUTE },
    async () => {
      const { stage } = shell;
      const { readPin } = stage.repositories;
      const before = await readPin('prod-tomoda');
      const rolled = await stage.run(['rollback', 'prod-tomoda', '--reason', 'greetings confuse people']);
      expect(rolled).toMatchObject({ code: 0 });
      const pin = await readPin('prod-tomoda');
      expect(pin.tag).toBe('v1.0.0');
      expect(pin.digest).not.toBe(before.digest);
      await prove('prod-tomoda', pin.digest, firstCommit);
      await verify('prod', `${PROD_IMAGE}:v1.0.0@${pin.digest}`);
      expect(load.prod.report().why).toEqual([]);

      const held = await stage.run(['updates', 'run', 'prod-tomoda']);
      expect(held.code).toBe(2);
      expect(held.out).toContain('v1.1.0');
      expect(held.out.replaceAll(/\s+/g, ' ')).toContain(
        'rolled back from v1.1.0 to v1.0.0: greetings confuse people',
      );
      expect(await readPin('prod-tomoda')).toEqual(pin);
      const dev = await stage.run(['prove', 'tomoda', '--revision', commit]);
      expect(dev.code).toBe(0);
    },
  );

  it('goes forward again once the hold is lifted', { timeout: 5 * MINUTE }, async () => {
    const { stage } = shell;
    const holds = (await shell.ask('holds', 'list', 'prod-tomoda')).json as readonly {
      readonly id: string;
    }[];
    expect(holds).toHaveLength(2);
    for (const { id } of holds)
      expect(await stage.run(['holds', 'lift', id, '--comment', 'explained'])).toMatchObject({ code: 0 });
    const run = await stage.run(['updates', 'run', 'prod-tomoda']);
    expect(run).toMatchObject({ code: 0 });
    const pin = await overlayAsksFor(stage, 'prod-tomoda', 'v1.1.0', waiting);
    await prove('prod-tomoda', pin.digest, commit);
    expect(load.prod.report().why).toEqual([]);
  });

  it(
    'syncs a manifest that is edited directly, and at once when asked',
    { timeout: 5 * MINUTE },
    async () => {
      const { stage } = shell;
      const { devops, edit, overlays, readPin } = stage.repositories;
      const { digest } = await readPin('tomoda');
      const edited = await edit(
        devops,
        `${overlays.tomoda}/kustomization.yaml`,
        (text) => `${text}replicas:\n  - name: tomoda-async\n    count: 2\n`,
        'Run two workers in dev',
      );
      const synced = await stage.run(['sync', 'tomoda']);
      expect(synced).toMatchObject({ code: 0 });
      expect((await shell.ask('prove', 'tomoda', '--revision', edited, '--wait', '3m')).code).toBe(0);
      await verify('tomoda', `${DEV_IMAGE}:sha-${commit}@${digest}`);
      expect(
        (
          await shell.kubectl(
            'get',
            'deploy',
            'tomoda-async',
            '-n',
            'tomoda',
            '-o=jsonpath={.status.readyReplicas}',
          )
        ).out,
      ).toBe('2');
    },
  );

  it('starts no build by its own commits, and makes no second one', async () => {
    const builds = await shell.stage.ledger.builds.list({}, 100);
    expect(
      builds
        .filter(({ commit: of }) => of === commit)
        .map(({ trigger }) => trigger)
        .toSorted(),
    ).toEqual(['tomoda-dev', 'tomoda-prod']);
    const { devops, git } = shell.stage.repositories;
    const log = await git(devops, 'log', '--reverse', '--format=%an <%ae> %s', 'origin/main');
    const people = `${DEVELOPER.name} <${DEVELOPER.email}>`;
    expect(log.trim().split('\n')).toEqual([
      `${people} Run tomoda 1.0.0 in dev and prod`,
      `Image Updater <image-updater@tomoda.life> Update tomoda to sha-${commit}`,
      'Image Updater <image-updater@tomoda.life> Update prod-tomoda to v1.1.0',
      'landfall <landfall@localhost> Roll back tomoda in prod to v1.0.0',
      'Image Updater <image-updater@tomoda.life> Update prod-tomoda to v1.1.0',
      `${people} Run two workers in dev`,
    ]);
  });
});
