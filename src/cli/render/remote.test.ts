import { describe, expect, it } from 'vitest';
import { parseRepositoryUrl } from './remote.ts';

describe('the URL of a remote resource', () => {
  it.each<[string, string, string | undefined, string]>([
    [
      'https://github.com/org/repo//overlays/prod?ref=v1.2',
      'https://github.com/org/repo',
      'v1.2',
      'overlays/prod',
    ],
    [
      'https://github.com/org/repo/overlays/prod?ref=v1.2',
      'https://github.com/org/repo',
      'v1.2',
      'overlays/prod',
    ],
    ['github.com/org/repo?version=abc', 'https://github.com/org/repo', 'abc', ''],
    ['gh:org/repo/base', 'https://github.com/org/repo', undefined, 'base'],
    [
      'git::https://git.corp.io/team/group/repo.git//k8s/base',
      'https://git.corp.io/team/group/repo.git',
      undefined,
      'k8s/base',
    ],
    [
      'https://git.corp.io/team/group/repo.git/k8s/base?ref=main',
      'https://git.corp.io/team/group/repo.git',
      'main',
      'k8s/base',
    ],
    ['git@github.com:org/repo//base', 'git@github.com:org/repo', undefined, 'base'],
    [
      'ssh://git@git.corp.io:7999/team/repo.git//base?ref=x',
      'ssh://git@git.corp.io:7999/team/repo.git',
      'x',
      'base',
    ],
    ['file:///srv/git/repo//base', 'file:///srv/git/repo', undefined, 'base'],
    ['file:///srv/git/repo', 'file:///srv/git/repo', undefined, ''],
  ])('%s', (url, clone, ref, dir) => {
    expect(parseRepositoryUrl(url)).toEqual({ clone, ref, dir });
  });

  it('is none when it names no repository', () => {
    expect(parseRepositoryUrl('https://example.com/one')).toBeUndefined();
  });
});
