import { LandfallError } from '../kernel/index.ts';
import { assertOid, runGit } from './program.ts';
import type { Repository } from './revisions.ts';

/** Another repository at a folder of a commit. */
export interface Submodule {
  readonly path: string;
  readonly commit: string;
  /** As `.gitmodules` writes it; may be relative to the URL of the repository. */
  readonly url: string;
}

const LIMIT = 100;

/** The submodules of a commit that `.gitmodules` names. Throws `invalid-input` where it names too many. */
export async function readSubmodules(
  repository: Repository,
  commit: string,
  signal?: AbortSignal,
): Promise<readonly Submodule[]> {
  const { gitDir, display } = repository;
  const attempted = `Reading the submodules of ${commit.slice(0, 12)} in ${display}`;
  const options = { gitDir, signal };
  const entries = async (paths: readonly string[]) => {
    const args = ['ls-tree', '-z', '--full-tree', assertOid(commit), '--', ...paths];
    return (await runGit(attempted, args, options)).split('\0').flatMap((line) => {
      const [, mode = '', oid = '', path = ''] = /^(\d+) \w+ ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
      return path === '' ? [] : [{ mode, oid, path }];
    });
  };
  const [file] = await entries(['.gitmodules']);
  if (file === undefined || !file.mode.startsWith('100')) return [];
  const config = await runGit(attempted, ['config', '--blob', file.oid, '-z', '--list'], options);
  const named = new Map<string, { path?: string; url?: string }>();
  for (const line of config.split('\0')) {
    const [, name = '', field = '', value = ''] = /^submodule\.(.*)\.(path|url)\n(.*)$/s.exec(line) ?? [];
    if (field === 'path' || field === 'url') named.set(name, { ...named.get(name), [field]: value });
  }
  if (named.size > LIMIT) {
    throw new LandfallError(`${attempted}: it has ${named.size}, and at most ${LIMIT} are followed.`, {
      kind: 'invalid-input',
      code: 'git-submodules',
      object: display,
      hint: 'Use several GitRepository objects instead.',
    });
  }
  const wanted = [...named.values()].flatMap(({ path, url }) =>
    path === undefined || url === undefined || isOutside(path) ? [] : [{ path, url }],
  );
  if (wanted.length === 0) return [];
  const found = await entries(wanted.map(({ path }) => path));
  return wanted.flatMap(({ path, url }) => {
    const entry = found.find((each) => each.path === path && each.mode === '160000');
    return entry === undefined ? [] : [{ path, url, commit: entry.oid }];
  });
}

function isOutside(path: string): boolean {
  return (
    path === '' || path.startsWith('/') || path.split('/').some((name) => name === '..' || name === '.git')
  );
}

/** The URL of a submodule where it is written relative to that of its repository, as git reads it. */
export function submoduleUrl(url: string, repositoryUrl: string): string {
  if (!/^\.\.?\//.test(url)) return url;
  let base = repositoryUrl.replace(/\/+$/, '');
  let rest = url;
  while (/^\.\.?\//.test(rest)) {
    if (rest.startsWith('../')) base = base.slice(0, Math.max(0, base.lastIndexOf('/')));
    rest = rest.slice(rest.indexOf('/') + 1);
  }
  return `${base}/${rest}`;
}
