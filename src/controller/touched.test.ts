import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { createGitMirrors } from '../git/index.ts';
import type { GitMirrors } from '../git/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import { configMap, makeRepository } from './delivery.fixture.ts';
import { createRepositories } from './repositories.ts';
import { touchedBy } from './touched.ts';

let folder: string;
let mirrors: GitMirrors;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'landfall-touched-'));
  mirrors = createGitMirrors({ folder: join(folder, 'mirrors'), clock: systemClock });
});

afterAll(async () => {
  mirrors.close();
  await rm(folder, { recursive: true, force: true });
});

it('finds the applications whose folder a push changed', async () => {
  const repository = await makeRepository(join(folder, 'repo'), {
    'a/one.yaml': configMap('one', '1'),
    'ab/two.yaml': configMap('two', '1'),
  });
  const application = (name: string, path: string): KubeObject => ({
    ...APPLICATION_KIND,
    metadata: { name, namespace: 'argocd' },
    spec: { source: { repoURL: repository.path, path, targetRevision: 'main' } },
    status: { sync: { revision: repository.first } },
  });
  await repository.commit({ 'a/one.yaml': configMap('one', '2') });
  const mirror = (url: string) => Promise.resolve(mirrors.open(url));
  const found = await touchedBy(
    {
      access: { mirror, credentials: () => Promise.resolve(undefined) },
      repositories: createRepositories(mirror, systemClock),
      signal: new AbortController().signal,
    },
    [application('x', 'ab'), application('y', './a/'), application('z', '.')],
  );
  expect([found.touched, found.others].map((list) => list.map(({ metadata }) => metadata.name))).toEqual([
    ['y', 'z'],
    ['x'],
  ]);
});
