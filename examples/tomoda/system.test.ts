import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/kernel/index.ts';
import { parseLandfallYaml } from '../../src/pipeline/index.ts';
import { createTomodaRepositories, DEV_IMAGE, PROD_IMAGE } from './index.ts';
import type { TomodaRepositories } from './index.ts';

const MINUTE = 60_000;
const DEV_DIGEST = `sha256:${'d'.repeat(64)}`;
const PROD_DIGEST = `sha256:${'e'.repeat(64)}`;

let folder: string;
let repositories: TomodaRepositories;
const asked: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-example-'));
  repositories = await createTomodaRepositories(path.join(folder, 'repositories'), {
    buildFirst: (clone, source, commit) => {
      asked.push(clone, source, commit);
      return Promise.resolve({
        dev: { tag: `sha-${commit}`, digest: DEV_DIGEST },
        prod: { tag: 'v1.0.0', digest: PROD_DIGEST },
      });
    },
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function npm(
  ...words: readonly string[]
): Promise<{ readonly code: number | null; readonly text: string }> {
  const { code, stdout, stderr } = await runProgram('npm', words, {
    cwd: repositories.app.clone,
    env: { PATH: process.env['PATH'], HOME: folder },
    timeoutMs: 2 * MINUTE,
  });
  return { code, text: `${stdout.toString('utf8')}${stderr}` };
}

const show = (what: string) => repositories.git(repositories.devops, 'show', `origin/main:${what}`);

describe('the repositories of tomoda', () => {
  it('are clean clones of what was pushed: 1.0.0, tagged', async () => {
    const { app, devops, firstCommit, git } = repositories;
    expect(asked).toEqual([app.clone, app.url, firstCommit]);
    for (const each of [app, devops]) {
      expect(await git(each, 'status', '--porcelain', '--branch')).toBe('## main...origin/main\n');
    }
    expect(await git(app, 'rev-parse', 'origin/main', 'v1.0.0^{commit}')).toBe(
      `${firstCommit}\n${firstCommit}\n`,
    );
  });

  it('hold no placeholder, and pin what was built in each overlay', async () => {
    const files = (await repositories.git(repositories.devops, 'ls-files')).trim().split('\n');
    for (const file of files) expect(await show(file)).not.toMatch(/@[A-Z_]+@/);
    const dev = await show('k8s/apps/tomoda/overlays/dev/kustomization.yaml');
    expect(dev).toContain(
      `    newName: ${DEV_IMAGE}\n    newTag: sha-${repositories.firstCommit}\n    digest: ${DEV_DIGEST}\n`,
    );
    const prod = await show('k8s/apps/tomoda/overlays/prod/kustomization.yaml');
    expect(prod).toContain(`    newName: ${PROD_IMAGE}\n    newTag: v1.0.0\n    digest: ${PROD_DIGEST}\n`);
  });

  it('say what is asked for', async () => {
    const head = (await repositories.git(repositories.devops, 'rev-parse', 'origin/main')).trim();
    expect(await repositories.readPin('prod-tomoda')).toEqual({
      tag: 'v1.0.0',
      digest: PROD_DIGEST,
      commit: head,
    });
  });

  it('have a landfall.yaml that reads, for both applications', async () => {
    const file = parseLandfallYaml(await show('landfall.yaml'));
    expect(Object.keys(file.applications ?? {})).toEqual(['tomoda', 'prod-tomoda']);
    expect(file.environments?.map(({ name }) => name)).toEqual(['dev', 'prod']);
  });

  it('are edited on top of what others have pushed', async () => {
    const { devops, git, edit } = repositories;
    const other = path.join(folder, 'other');
    const elsewhere = { ...devops, clone: other };
    await git(devops, 'clone', '--quiet', '--', devops.origin, other);
    await git(elsewhere, 'config', 'user.name', 'Other');
    await git(elsewhere, 'config', 'user.email', 'other@tomoda.life');
    await edit(elsewhere, 'README.md', (text) => `${text}\nOne line more.\n`, 'Say more');
    const commit = await edit(devops, 'landfall.yaml', (text) => `${text}# a note\n`, 'Note');
    expect(await git(devops, 'log', '-2', '--format=%s', commit)).toBe('Note\nSay more\n');
    expect(await git(devops, 'rev-parse', 'origin/main')).toBe(`${commit}\n`);
  });
});

describe('the application', () => {
  it(
    'passes its tests and says what it was built from, in both versions',
    { timeout: 5 * MINUTE },
    async () => {
      const { app, git, commitNextVersion } = repositories;
      expect(await npm('test')).toMatchObject({ code: 0 });
      const next = await commitNextVersion();
      expect(await git(app, 'diff', '--name-only', 'v1.0.0', next)).toBe(
        'greet.js\npackage.json\ntest/greet.test.js\n',
      );
      expect(await npm('test')).toMatchObject({ code: 0 });
      expect(await npm('run', 'build')).toMatchObject({ code: 0 });
      const info = await readFile(path.join(app.clone, 'build-info.json'), 'utf8');
      expect(JSON.parse(info)).toMatchObject({ version: '1.1.0', commit: next });
      expect(await git(app, 'status', '--porcelain')).toBe('');
    },
  );
});
