import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import { createDeclarations } from './declarations.ts';
import type { TrackedRepository } from './declarations.ts';
import { makeRepository } from './delivery.fixture.ts';
import type { Repository } from './delivery.fixture.ts';
import { createRepositories } from './repositories.ts';

const DECLARED =
  'apiVersion: landfall.dev/v1\nenvironments:\n  - name: dev\n    applications: [tomoda]\n  - name: prod\n';

let folder: string;
let mirrors: GitMirrors;
let declared: Repository;
let silent: Repository;
let broken: Repository;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-declarations-'));
  mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
  declared = await makeRepository(join(folder, 'declared'), { 'landfall.yaml': DECLARED });
  silent = await makeRepository(join(folder, 'silent'), { 'a.txt': 'a' });
  broken = await makeRepository(join(folder, 'broken'), {
    'landfall.yaml': 'apiVersion: landfall.dev/v1\nenviroments: []\n',
  });
});

afterAll(async () => {
  mirrors.close();
  await rm(folder, { recursive: true, force: true });
});

function track(...paths: readonly string[]) {
  const tracked = paths.map((url): TrackedRepository => ({
    url,
    open: () => Promise.resolve(mirrors.open(url)),
  }));
  const repositories = createRepositories((url) => Promise.resolve(mirrors.open(url)), systemClock);
  return createDeclarations({
    tracked: () => tracked,
    resolve: (...asked) => repositories.resolveIn(...asked),
  });
}

const { signal } = new AbortController();

it('reads the default branch of each repository once, however many applications track it', async () => {
  const { known, unread } = await track(declared.path, silent.path, declared.path).read('asked', signal);
  expect(unread).toEqual([]);
  expect(
    known.map(({ url, branch, file }) => [url, branch, file?.environments?.map(({ name }) => name)]),
  ).toEqual([
    [declared.path, 'main', ['dev', 'prod']],
    [silent.path, 'main', undefined],
  ]);
});

it('reads again what a new commit declares', async () => {
  const declarations = track(declared.path);
  const [before] = (await declarations.read('asked', signal)).known;
  const commit = await declared.commit({ 'landfall.yaml': DECLARED.replace('  - name: prod\n', '') });
  const [after] = (await declarations.read('asked', signal)).known;
  expect([before?.file?.environments?.length, after?.file?.environments?.length]).toEqual([2, 1]);
  expect(after?.commit).toBe(commit);
});

it('calls unread what is wrong or not there, and does not let it hide the others', async () => {
  const gone = join(folder, 'gone');
  const { known, unread } = await track(broken.path, gone, declared.path).read('asked', signal);
  expect(known.map(({ url }) => url)).toEqual([declared.path]);
  expect(unread.map(({ url, problem }) => [url, problem.code])).toEqual([
    [broken.path, 'landfall-yaml'],
    [gone, 'git-repository-not-found'],
  ]);
});
