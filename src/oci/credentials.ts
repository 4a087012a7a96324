/** What proves who asks. Never printed: not in a message, a log or an error. */
export type Credentials =
  | { readonly type: 'basic'; readonly username: string; readonly password: string }
  /** A refresh token, exchanged at the token endpoint (Docker's `identitytoken`). */
  | { readonly type: 'identity-token'; readonly token: string }
  /** Sent as it is, as a bearer token (Docker's `registrytoken`). */
  | { readonly type: 'registry-token'; readonly token: string };

/**
 * Answers with the credentials for a repository of a registry host; undefined means anonymous. `host` is the one that
 * is asked, with its port: a mirror's own, and `index.docker.io` for Docker Hub.
 */
export type CredentialSource = (
  host: string,
  repository: string,
  signal: AbortSignal,
) => Promise<Credentials | undefined>;

export const anonymous: CredentialSource = () => Promise.resolve(undefined);

/** The first source that knows the host decides. */
export function firstOf(...sources: readonly CredentialSource[]): CredentialSource {
  return async (host, repository, signal) => {
    for (const source of sources) {
      const found = await source(host, repository, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}
