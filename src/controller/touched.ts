import { getString } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { applicationSpec } from '../boundaries/sync/index.ts';
import type { Repositories } from './repositories.ts';
import type { SourceAccess } from './target.ts';

/**
 * Whom a push concerns: applications whose folder has a changed file, and the others, who only learn the name of the
 * new commit. Throws what Git says; then any order is right.
 */
export async function touchedBy(
  {
    access,
    repositories,
    signal,
  }: {
    readonly access: SourceAccess;
    readonly repositories: Repositories;
    readonly signal: AbortSignal;
  },
  applications: readonly KubeObject[],
): Promise<{ readonly touched: readonly KubeObject[]; readonly others: readonly KubeObject[] }> {
  if (applications.length < 2) return { touched: applications, others: [] };
  /** Changed paths between two commits of a repository, asked for once. */
  const changes = new Map<string, Promise<readonly string[]>>();
  const touched: KubeObject[] = [];
  const others: KubeObject[] = [];
  for (const application of applications) {
    const { sources, project } = applicationSpec(application);
    const [source] = sources;
    const before = getString(application, 'status', 'sync', 'revision');
    if (source === undefined || before === undefined || source.chart !== undefined) {
      others.push(application);
      continue;
    }
    const key = JSON.stringify([source.repoURL, source.targetRevision, project, before]);
    let paths = changes.get(key);
    if (paths === undefined) {
      paths = changedPaths(source.repoURL, source.targetRevision, project, before);
      changes.set(key, paths);
    }
    const folder = source.path
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/');
    const concerns = (await paths).some((path) => folder === '' || path.startsWith(`${folder}/`));
    (concerns ? touched : others).push(application);
  }
  return { touched, others };

  async function changedPaths(
    url: string,
    revision: string,
    project: string,
    before: string,
  ): Promise<readonly string[]> {
    const commit = await repositories.resolve(url, revision, 'asked', project, signal);
    const mirror = await access.mirror(url, project, signal);
    return (await mirror.diffFiles(before, commit, signal)).map(({ path }) => path);
  }
}
