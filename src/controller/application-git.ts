import { applicationSpec, isFlux } from '../boundaries/index.ts';
import { openLater } from '../git/index.ts';
import type { GitMirror, GitMirrors } from '../git/index.ts';
import { getString } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';

export interface ApplicationGitOptions {
  readonly mirrors: GitMirrors;
  /** With the credentials that the cluster holds for a project. */
  readonly ofProject: (url: string, project: string, signal?: AbortSignal) => Promise<GitMirror>;
  /** With the credentials of a GitRepository; undefined where it is not there, or is of another URL. */
  readonly ofSource: (
    source: { readonly namespace: string; readonly name: string },
    url: string,
    signal: AbortSignal,
  ) => Promise<GitMirror | undefined>;
  readonly signal: AbortSignal;
}

/** Who may read what an application is delivered from: a project of Argo CD, or a GitRepository of Flux. */
function readerOf(object: KubeObject) {
  if (!isFlux(object)) return { project: applicationSpec(object).project };
  const name = getString(object, 'spec', 'sourceRef', 'name') ?? '';
  const namespace =
    getString(object, 'spec', 'sourceRef', 'namespace') || (object.metadata.namespace ?? 'default');
  return { source: { namespace, name } };
}

/**
 * Repositories as an application may read and write them: with the credentials that the cluster holds for its project
 * or its source, never with those of another, and never with those of this process.
 */
export function createApplicationGit(options: ApplicationGitOptions): (object: KubeObject) => GitMirrors {
  const { mirrors, ofProject, ofSource } = options;
  const known = new Map<string, GitMirrors>();

  return (object) => {
    const { project, source } = readerOf(object);
    const key = source === undefined ? `project ${project}` : `source ${source.namespace}/${source.name}`;
    const opened = known.get(key);
    if (opened !== undefined) return opened;
    const later = new Map<string, GitMirror>();
    async function mirrorOf(url: string, signal: AbortSignal): Promise<GitMirror> {
      const own = source === undefined ? undefined : await ofSource(source, url, signal);
      return own ?? ofProject(url, project ?? 'default', signal);
    }
    const git: GitMirrors = {
      open(url, access) {
        if (access !== undefined) return mirrors.open(url, access);
        const mirror = later.get(url) ?? openLater(url, (signal = options.signal) => mirrorOf(url, signal));
        later.set(url, mirror);
        return mirror;
      },
      // The mirrors belong to those who made them.
      close: () => {},
    };
    known.set(key, git);
    return git;
  };
}
