import { ZodError } from 'zod';
import { systemClock, type Clock } from '../../kernel/index.ts';
import type { Dialect, Forge, OpenRequest, ParsedPullRequest, Provider, PullRequest } from './contract.ts';
import { exchange, problem, type Answer, type Exchange } from './exchange.ts';
import { gitea } from './gitea.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { placeOf, type DeclaredForge } from './place.ts';
import { readToken, tokenName, usualToken, type TokenSource } from './token.ts';

export interface ForgeOptions {
  /** The URL that Git uses for the repository: https, ssh or `git@host:path`. */
  readonly repository: string;
  /** What landfall.yaml says of hosts. */
  readonly declared?: readonly (DeclaredForge & { readonly token?: TokenSource })[];
  /** Left out or `auto`: as declared, else by the name of the host. */
  readonly provider?: Provider | 'auto';
  /** Left out: as declared, else GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN. */
  readonly token?: TokenSource;
  /** Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
}

const DIALECTS: Readonly<Record<Provider, (path: string) => Dialect>> = { github, gitlab, gitea };
/** Pages that are looked through for a pull request. */
const MAX_PAGES = 10;
const MAX_TITLE = 250;
const MAX_BODY = 60_000;

/**
 * The host of a repository, as far as pull requests go. Reads nothing yet. Throws `invalid-input` where the host is
 * not known. Tested on recorded exchanges of the documented APIs of GitHub, GitLab and Gitea, not on the hosts.
 */
export function createForge(options: ForgeOptions): Forge {
  const { repository, declared = [], environment = process.env, clock = systemClock } = options;
  const provider = options.provider === 'auto' ? undefined : options.provider;
  const place = placeOf(repository, declared, provider);
  const dialect = DIALECTS[place.provider](place.path);
  const host = place.display.slice(0, place.display.indexOf('/'));
  const ofHost = declared.find((each) => each.host.toLowerCase() === host)?.token;
  const source = options.token ?? ofHost ?? usualToken(place.provider);

  async function ask(request: Exchange, signal: AbortSignal): Promise<Answer> {
    const value = await readToken(source, place.display, environment);
    return exchange(place, dialect, { value, name: tokenName(source) }, request, clock, signal);
  }

  function read(value: unknown, action: string): ParsedPullRequest {
    try {
      return dialect.parse(value);
    } catch (thrown) {
      if (!(thrown instanceof ZodError)) throw thrown;
      const field = thrown.issues[0]?.path.join('.') ?? '';
      throw problem(
        'unavailable',
        'forge-answer',
        `${action} in ${place.display} failed: ${place.api.host} answered with something else than a pull request${field === '' ? '' : ` (${field})`}.`,
        place,
        'Check that the address of the API is right, and which API the host speaks.',
      );
    }
  }

  function refused(action: string, { status, said }: Answer) {
    return problem(
      'invalid-input',
      'forge-refused',
      `${action} in ${place.display} failed: ${place.api.host} answered ${status}${said === '' ? '' : `: ${said}`}.`,
      place,
      'See what it says: a branch that is missing, or one that has no commits of its own.',
    );
  }

  async function find(head: string, base: string, signal: AbortSignal): Promise<PullRequest | undefined> {
    const action = `Looking for a pull request from ${head} to ${base}`;
    let newest: ParsedPullRequest | undefined;
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { path, perPage } = dialect.list(head, base, page);
      const answer = await ask({ method: 'GET', path, action }, signal);
      if (answer.status >= 400) throw refused(action, answer);
      const items = Array.isArray(answer.value)
        ? (answer.value as readonly unknown[])
        : [read(answer.value, action)];
      for (const item of items) {
        const found = read(item, action);
        if (!found.ours || found.head !== head || found.base !== base) continue;
        if (found.state === 'open') return shown(found);
        if (newest === undefined || found.number > newest.number) newest = found;
      }
      if (items.length < perPage) break;
    }
    return newest && shown(newest);
  }

  return {
    provider: place.provider,
    display: place.display,
    find,
    async open(request, signal) {
      const { head, base } = request;
      const action = `Opening a pull request from ${head} to ${base}`;
      const there = await find(head, base, signal);
      if (there?.state === 'open') return there;
      const { path, body } = dialect.create(bounded(request));
      const answer = await ask({ method: 'POST', path, body, action }, signal);
      if (answer.status < 400) return shown(read(answer.value, action));
      // Somebody opened it since it was looked for, or a lost answer had opened it.
      const now = dialect.exists(answer.status, answer.said) ? await find(head, base, signal) : undefined;
      if (now?.state === 'open') return now;
      throw refused(action, answer);
    },
    async get(number, signal) {
      const action = `Reading pull request ${number}`;
      const answer = await ask({ method: 'GET', path: dialect.read(assertNumber(number)), action }, signal);
      if (answer.status >= 400) throw refused(action, answer);
      return shown(read(answer.value, action));
    },
  };

  function assertNumber(number: number): number {
    if (Number.isSafeInteger(number) && number > 0) return number;
    throw problem(
      'invalid-input',
      'forge-number',
      `'${number}' is not the number of a pull request.`,
      place,
      'Give its number.',
    );
  }
}

function bounded(request: OpenRequest): OpenRequest {
  const cut = (text: string, length: number) =>
    text.length > length ? `${text.slice(0, length - 1)}…` : text;
  return { ...request, title: cut(request.title, MAX_TITLE), body: cut(request.body, MAX_BODY) };
}

function shown({ head: _head, base: _base, ours: _ours, ...pullRequest }: ParsedPullRequest): PullRequest {
  return pullRequest;
}
