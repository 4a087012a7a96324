import type { Subject } from './finding.ts';

type Place = Pick<Subject, 'name' | 'namespace' | 'kind' | 'from' | 'repository' | 'path' | 'revision'>;

/** Commands that say what the source of an application is now: of a repository, a registry, a chart. */
export function sourceCommands(subject: Place): readonly string[] {
  const { from = 'git', repository, revision, path } = subject;
  const isWeb = /^https?:\/\//.test(repository);
  const version = revision === '*' ? '' : ` --version '${revision}'`;
  switch (from) {
    case 'git':
      return [`git ls-remote ${repository} ${revision}`];
    case 'artifact':
      return [`crane digest ${repository.replace(/^oci:\/\//, '')}:${revision}`];
    case 'chart':
      return [
        isWeb
          ? `helm show chart ${path} --repo ${repository}${version}`
          : `helm show chart oci://${repository.replace(/^oci:\/\//, '')}/${path}${version}`,
      ];
    case 'release':
    case 'unread':
      return [`kubectl get ${kindOf(subject)} ${subject.name} -n ${subject.namespace} -o yaml`];
    default:
      return from satisfies never;
  }
}

/** What changed last where the application is kept. */
export function historyCommands(subject: Place): readonly string[] {
  return (subject.from ?? 'git') === 'git'
    ? [`git log --oneline -n 5 -- ${subject.path}`]
    : sourceCommands(subject);
}

/** How it is rendered by hand. */
export function renderCommands(subject: Place): readonly string[] {
  const { from = 'git', name, path } = subject;
  if (from === 'git') return [`landfall render ${path}`];
  return from === 'artifact'
    ? [`landfall trace ${name} image`]
    : [...sourceCommands(subject), `landfall trace ${name} image`];
}

/** What the controller says of it. */
export function controllerCommands(subject: Place): readonly string[] {
  return [`kubectl describe ${kindOf(subject)} ${subject.name} -n ${subject.namespace}`];
}

/** How an image is pinned where the application is kept; nothing where only a person knows the values of a chart. */
export function pinCommands(subject: Place, repository: string, pinned: string): readonly string[] {
  return (subject.from ?? 'git') === 'git'
    ? [`cd ${subject.path} && kustomize edit set image ${repository}=${pinned}`]
    : [];
}

/** Its kind as commands name it. */
export function kindOf({ kind = 'Application' }: Pick<Subject, 'kind'>): string {
  return kind.toLowerCase();
}
