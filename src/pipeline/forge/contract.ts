/** Which API a host speaks. Forgejo speaks Gitea's. */
export type Provider = 'github' | 'gitlab' | 'gitea';

export interface PullRequest {
  /** The number that people see: GitLab's `!12` is 12. */
  readonly number: number;
  /** For a browser. */
  readonly url: string;
  readonly state: 'open' | 'merged' | 'closed';
  /** The commit on the base branch that holds it; only once it is merged. */
  readonly mergeCommit?: string;
  /** The commit that its branch was at when the host last looked. */
  readonly headCommit?: string;
}

export interface OpenRequest {
  /** Branch of the same repository that holds the change. */
  readonly head: string;
  readonly base: string;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
}

/** Pull requests of one repository on its host. What the host answers is data; what it refuses, and why, is an error. */
export interface Forge {
  readonly provider: Provider;
  /** `github.com/tomoda/devops`, for messages. */
  readonly display: string;
  /** Opens one, or gives the one that is open already between these branches: doing it again does it once. */
  open(request: OpenRequest, signal: AbortSignal): Promise<PullRequest>;
  /** The newest between these branches: an open one if there is, else one that was merged or closed. */
  find(head: string, base: string, signal: AbortSignal): Promise<PullRequest | undefined>;
  get(number: number, signal: AbortSignal): Promise<PullRequest>;
}

/** What differs between hosts: the words of their APIs. */
export interface Dialect {
  readonly headers: (token: string) => Readonly<Record<string, string>>;
  /** Between two branches, in any state, newest first where the host sorts. */
  readonly list: (
    head: string,
    base: string,
    page: number,
  ) => { readonly path: string; readonly perPage: number };
  readonly read: (number: number) => string;
  readonly create: (request: OpenRequest) => {
    readonly path: string;
    readonly body: Readonly<Record<string, string>>;
  };
  /** One pull request of an answer. Throws a zod error where it has another shape. */
  readonly parse: (value: unknown) => ParsedPullRequest;
  /** Whether the host refused to create because there is one already. */
  readonly exists: (status: number, said: string) => boolean;
  /** What a token has to be allowed, for hints. */
  readonly permission: string;
}

export interface ParsedPullRequest extends PullRequest {
  readonly head: string;
  readonly base: string;
  /** False for one from a fork, whose branches may be called as ours are. */
  readonly ours: boolean;
}
