import type { ApplicationSource } from '../sync/index.ts';

/** Whose source is rendered: what build environment variables and per-application overrides are named after. */
export interface RenderedFor {
  readonly name: string;
  /** The namespace that the Application itself lies in, where there is one. */
  readonly home?: string;
  /** What Argo CD calls it: `NAMESPACE_NAME` outside of Argo CD's own namespace. Left out: nobody knows which that is. */
  readonly instance?: string;
  /** Of the destination, as Argo CD gives it to its renderers. */
  readonly namespace: string;
  readonly project: string;
  /** The commit or chart version. */
  readonly revision: string;
}

/** Argo CD's standard build environment (docs/user-guide/build-environment.md). */
export function buildEnvironment(
  application: RenderedFor,
  source: ApplicationSource,
): Readonly<Record<string, string>> {
  const { revision } = application;
  return {
    ARGOCD_APP_NAME: application.instance ?? application.name,
    ARGOCD_APP_NAMESPACE: application.namespace,
    ARGOCD_APP_PROJECT_NAME: application.project,
    ARGOCD_APP_REVISION: revision,
    ARGOCD_APP_REVISION_SHORT: revision.slice(0, 7),
    ARGOCD_APP_REVISION_SHORT_8: revision.slice(0, 8),
    ARGOCD_APP_SOURCE_REPO_URL: source.repoURL,
    ARGOCD_APP_SOURCE_PATH: source.path,
    // Not the default that stands in for a revision that was left out.
    ARGOCD_APP_SOURCE_TARGET_REVISION:
      typeof source.raw['targetRevision'] === 'string' ? source.raw['targetRevision'] : '',
  };
}

/** `$NAME` and `${NAME}` as Go's os.Expand reads them; `$$` is a dollar; what has no value becomes empty. */
export function expandEnvironment(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$(?:\$|\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*|[*#@!?0-9-]))/g,
    (all, braced: string | undefined, plain: string | undefined) =>
      all === '$$' ? '$' : (environment[braced ?? plain ?? ''] ?? ''),
  );
}
