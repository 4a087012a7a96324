import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { asLandfallError, manualClock, type LandfallError } from '../../kernel/index.ts';
import type { Provider } from './contract.ts';
import { createForge, detectProvider, type ForgeOptions } from './index.ts';
import { HEAD_SHA, MERGE_SHA, play, pullRequest, type Player, type Recorded } from './recorded.fixture.ts';

const signal = new AbortController().signal;
const TOKEN = 'glpat-s3cret';
const HEAD = 'landfall/update';
const request = { head: HEAD, base: 'main', title: 'Update tomoda', body: 'All of it.' };

/** Where each API is, and what its paths are for one repository. */
const APIS = {
  github: {
    repository: 'https://github.com/tomoda/devops.git',
    host: 'github.com',
    base: '/api/v3',
    list: (page = 1) =>
      `/api/v3/repos/tomoda/devops/pulls?state=all&head=tomoda%3Alandfall%2Fupdate&base=main&sort=created&direction=desc&per_page=100&page=${page}`,
    create: '/api/v3/repos/tomoda/devops/pulls',
    read: '/api/v3/repos/tomoda/devops/pulls/7',
    url: 'https://github.com/tomoda/devops/pull/7',
    header: ['authorization', `Bearer ${TOKEN}`],
    sent: { title: 'Update tomoda', head: HEAD, base: 'main', body: 'All of it.' },
    exists: {
      status: 422,
      body: {
        message: 'Validation Failed',
        errors: [
          {
            resource: 'PullRequest',
            code: 'custom',
            message: 'A pull request already exists for tomoda:landfall/update.',
          },
        ],
        documentation_url: 'https://docs.github.com/rest/pulls/pulls#create-a-pull-request',
        status: '422',
      },
    },
    perPage: 100,
  },
  gitlab: {
    repository: 'git@gitlab.com:tomoda/infra/devops.git',
    host: 'gitlab.com',
    base: '/api/v4',
    list: (page = 1) =>
      `/api/v4/projects/tomoda%2Finfra%2Fdevops/merge_requests?source_branch=landfall%2Fupdate&target_branch=main&order_by=created_at&sort=desc&per_page=100&page=${page}`,
    create: '/api/v4/projects/tomoda%2Finfra%2Fdevops/merge_requests',
    read: '/api/v4/projects/tomoda%2Finfra%2Fdevops/merge_requests/7',
    url: 'https://gitlab.com/tomoda/infra/devops/-/merge_requests/7',
    header: ['private-token', TOKEN],
    sent: { source_branch: HEAD, target_branch: 'main', title: 'Update tomoda', description: 'All of it.' },
    exists: {
      status: 409,
      body: { message: ['Another open merge request already exists for this source branch: !7'] },
    },
    perPage: 100,
  },
  gitea: {
    repository: 'ssh://git@codeberg.org:2222/tomoda/devops',
    host: 'codeberg.org',
    base: '/api/v1',
    list: (page = 1) => `/api/v1/repos/tomoda/devops/pulls?state=all&page=${page}&limit=50`,
    create: '/api/v1/repos/tomoda/devops/pulls',
    read: '/api/v1/repos/tomoda/devops/pulls/7',
    url: 'https://codeberg.org/tomoda/devops/pulls/7',
    header: ['authorization', `token ${TOKEN}`],
    sent: { title: 'Update tomoda', head: HEAD, base: 'main', body: 'All of it.' },
    exists: {
      status: 409,
      body: {
        message:
          'pull request already exists for these targets [id: 1, issue_id: 7, head_repo_id: 1, base_repo_id: 1, head_branch: landfall/update, base_branch: main]',
        url: 'https://codeberg.org/api/swagger',
      },
    },
    perPage: 50,
  },
} as const;

const PROVIDERS = Object.keys(APIS) as readonly Provider[];
const players: Player[] = [];

afterEach(async () => {
  for (const player of players.splice(0)) await player[Symbol.asyncDispose]();
});

async function forgeOf(provider: Provider, exchanges: readonly Recorded[], more: Partial<ForgeOptions> = {}) {
  const player = await play(exchanges);
  players.push(player);
  const { repository, host, base } = APIS[provider];
  const forge = createForge({
    repository,
    declared: [{ host, api: `${player.url}${base}` }],
    token: 'BOT_TOKEN',
    environment: { BOT_TOKEN: ` ${TOKEN}\n` },
    ...more,
  });
  return { forge, player };
}

async function failure(attempt: Promise<unknown>): Promise<LandfallError> {
  const error = asLandfallError(
    await attempt.then(
      () => new Error('it did not fail'),
      (thrown: unknown) => thrown,
    ),
  );
  expect(JSON.stringify([error.message, error.hint, String(error.cause), error.stack])).not.toContain(TOKEN);
  return error;
}

const list = (provider: Provider, body: unknown, page = 1): Recorded => ({
  method: 'GET',
  path: APIS[provider].list(page),
  status: 200,
  body,
});
const created = (provider: Provider): Recorded => ({
  method: 'POST',
  path: APIS[provider].create,
  status: 201,
  body: pullRequest[provider](),
});

describe.each(PROVIDERS)('a pull request on %s', (provider) => {
  const api = APIS[provider];
  const open = { number: 7, url: api.url, state: 'open', headCommit: HEAD_SHA };

  test('is opened where there is none yet', async () => {
    const { forge, player } = await forgeOf(provider, [list(provider, []), created(provider)]);
    expect(forge.provider).toBe(provider);
    expect(await forge.open(request, signal)).toEqual(open);
    expect(player.asked.map(({ body }) => body)).toEqual([undefined, api.sent]);
    const [name, value] = api.header;
    for (const { headers } of player.asked)
      expect(headers).toMatchObject({ [name]: value, 'user-agent': 'landfall' });
  });

  test('that is open already is the answer, and one that was merged or closed is not', async () => {
    const there = await forgeOf(provider, [list(provider, [pullRequest[provider]()])]);
    expect(await there.forge.open(request, signal)).toEqual(open);
    const old = pullRequest[provider]({ number: 3, state: 'merged' });
    const again = await forgeOf(provider, [list(provider, [old]), created(provider)]);
    expect((await again.forge.open(request, signal)).number).toBe(7);
  });

  test('that somebody opened in between is the answer', async () => {
    const refused: Recorded = { method: 'POST', path: api.create, ...api.exists };
    const { forge } = await forgeOf(provider, [
      list(provider, []),
      refused,
      list(provider, [pullRequest[provider]()]),
    ]);
    expect(await forge.open(request, signal)).toEqual(open);
  });

  test('is found between its branches, the open one before those that were merged', async () => {
    const others = [
      pullRequest[provider]({ number: 12, fork: true }),
      pullRequest[provider]({ number: 11, head: 'other' }),
      pullRequest[provider]({ number: 9, state: 'merged' }),
      pullRequest[provider]({ number: 5, state: 'closed' }),
    ];
    const both = await forgeOf(provider, [list(provider, [...others, pullRequest[provider]()])]);
    expect(await both.forge.find(HEAD, 'main', signal)).toMatchObject({ number: 7, state: 'open' });
    const merged = await forgeOf(provider, [list(provider, others)]);
    expect(await merged.forge.find(HEAD, 'main', signal)).toMatchObject({
      number: 9,
      state: 'merged',
      mergeCommit: MERGE_SHA,
    });
    const none = await forgeOf(provider, [list(provider, [])]);
    expect(await none.forge.find(HEAD, 'main', signal)).toBeUndefined();
  });

  test('is looked for on further pages, of which there is an end', async () => {
    const full = Array.from({ length: api.perPage }, (_, at) =>
      pullRequest[provider]({ number: at + 100, head: 'other' }),
    );
    const second = await forgeOf(provider, [
      list(provider, full),
      list(provider, [pullRequest[provider]()], 2),
    ]);
    expect(await second.forge.find(HEAD, 'main', signal)).toMatchObject({ number: 7 });
    const endless = Array.from({ length: 20 }, (_, at) => list(provider, full, at + 1));
    const { forge, player } = await forgeOf(provider, endless);
    expect(await forge.find(HEAD, 'main', signal)).toBeUndefined();
    expect(player.asked).toHaveLength(10);
  });

  test.each(['open', 'merged', 'closed'] as const)('is told to be %s', async (state) => {
    const { forge } = await forgeOf(provider, [
      { method: 'GET', path: api.read, status: 200, body: pullRequest[provider]({ state }) },
    ]);
    const got = await forge.get(7, signal);
    expect(got).toMatchObject({ number: 7, state, url: api.url });
    expect(got.mergeCommit).toBe(state === 'merged' ? MERGE_SHA : undefined);
  });

  test('that the host refuses is told with its words', async () => {
    const body =
      provider === 'github'
        ? {
            message: 'Validation Failed',
            errors: [{ message: 'No commits between main and landfall/update' }],
          }
        : { message: 'No commits between main and landfall/update' };
    const { forge } = await forgeOf(provider, [
      list(provider, []),
      { method: 'POST', path: api.create, status: 422, body },
    ]);
    const error = await failure(forge.open(request, signal));
    expect(error).toMatchObject({ kind: 'invalid-input', code: 'forge-refused' });
    expect(error.message).toMatch(/422: .*No commits between main and landfall\/update/);
  });
});

test('a merge on GitLab that made no commit of its own is the commit it brought', async () => {
  const merged = { ...(pullRequest.gitlab({ state: 'merged' }) as object), merge_commit_sha: null };
  const { forge } = await forgeOf('gitlab', [
    { method: 'GET', path: APIS.gitlab.read, status: 200, body: merged },
  ]);
  expect((await forge.get(7, signal)).mergeCommit).toBe(HEAD_SHA);
});

describe('what goes wrong is told with what to do', () => {
  const NOW = Date.UTC(2026, 0, 1);
  const clock = manualClock(NOW);
  const answer = (status: number, headers: Record<string, string>, body: unknown): Recorded => ({
    method: 'GET',
    path: APIS.github.read,
    status,
    headers,
    body,
  });
  const attempt = async (recorded: Recorded) => {
    const { forge } = await forgeOf('github', [recorded], { clock });
    return failure(forge.get(7, signal));
  };

  test.each([
    [
      'a wrong token',
      401,
      {},
      { message: 'Bad credentials' },
      'denied',
      'forge-unauthorized',
      /401: Bad credentials/,
      /BOT_TOKEN holds a token that is wrong/,
    ],
    [
      'a token that may not',
      403,
      {},
      { message: 'Resource not accessible by integration' },
      'denied',
      'forge-forbidden',
      /403: Resource not accessible/,
      /needs read and write access to "Pull requests"/,
    ],
    [
      'what is not there',
      404,
      {},
      { message: 'Not Found' },
      'not-found',
      'forge-not-found',
      /404: Not Found/,
      /may not see it/,
    ],
    [
      'too many requests',
      429,
      { 'retry-after': '73' },
      'Retry later',
      'unavailable',
      'forge-rate-limited',
      /429: Retry later/,
      /in 73 s/,
    ],
    [
      'too many requests until a time',
      429,
      { 'retry-after': new Date(NOW + 5000).toUTCString() },
      {},
      'unavailable',
      'forge-rate-limited',
      /429/,
      /in 5 s/,
    ],
    [
      'a limit that is used up',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 60) },
      { message: 'API rate limit exceeded' },
      'unavailable',
      'forge-rate-limited',
      /rate limit exceeded/,
      /in 60 s/,
    ],
    [
      'a second limit',
      403,
      { 'retry-after': '9' },
      { message: 'You have exceeded a secondary rate limit' },
      'unavailable',
      'forge-rate-limited',
      /secondary/,
      /in 9 s/,
    ],
    [
      'a host in trouble',
      502,
      {},
      '<html><h1>Bad Gateway</h1></html>',
      'unavailable',
      'forge-failed',
      /answered 502\.$/,
      /try again later/,
    ],
    [
      'another bad request',
      400,
      {},
      { message: 'Problems parsing JSON' },
      'invalid-input',
      'forge-refused',
      /400: Problems parsing JSON/,
      /See what it says/,
    ],
    [
      'a page instead of an answer',
      200,
      {},
      '<html>Sign in</html>',
      'unavailable',
      'forge-answer',
      /something else than a pull request/,
      /address of the API/,
    ],
    [
      'an answer without its number',
      200,
      {},
      { html_url: 'x' },
      'unavailable',
      'forge-answer',
      /\(number\)/,
      /address of the API/,
    ],
  ] as const)('%s', async (_, status, headers, body, kind, code, message, hint) => {
    const error = await attempt(answer(status, headers, body));
    expect(error).toMatchObject({ kind, code, object: 'github.com/tomoda/devops' });
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  test('a token that the host repeats is not repeated', async () => {
    const error = await attempt(answer(401, {}, { message: `bad token ${TOKEN}` }));
    expect(error.message).toContain('bad token …');
  });

  test('a redirect is not followed: the token stays with its host', async () => {
    const elsewhere = await play([]);
    players.push(elsewhere);
    const error = await attempt(answer(301, { location: `${elsewhere.url}/api/v3/repos/1/pulls/7` }, {}));
    expect(error).toMatchObject({ kind: 'denied', code: 'forge-redirect' });
    expect(error.message).toContain(`sends on to ${elsewhere.url}`);
    expect(elsewhere.asked).toEqual([]);
  });

  test('a host that does not answer, and one that is not there', async () => {
    const { forge, player } = await forgeOf('github', []);
    await player[Symbol.asyncDispose]();
    expect(await failure(forge.get(7, signal))).toMatchObject({
      kind: 'unavailable',
      code: 'forge-unreachable',
    });
    const slow = manualClock();
    const hanging = await forgeOf('github', [answer(200, { 'content-length': '100' }, '{')], { clock: slow });
    const asked = failure(hanging.forge.get(7, signal));
    while (hanging.player.asked.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await slow.advance(31_000);
    expect((await asked).message).toMatch(/did not answer within 30 s/);
    const cancel = new AbortController();
    cancel.abort();
    expect((await failure(hanging.forge.get(7, cancel.signal))).kind).toBe('cancelled');
  });

  test('a number that is none is not asked for', async () => {
    const { forge, player } = await forgeOf('github', []);
    expect((await failure(forge.get(Number.NaN, signal))).code).toBe('forge-number');
    expect(player.asked).toEqual([]);
  });
});

describe('the token', () => {
  test('comes from a mounted file, which is read for every use', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'landfall-forge-'));
    try {
      const file = path.join(folder, 'token');
      const read = { method: 'GET', path: APIS.gitea.read, status: 200, body: pullRequest.gitea() } as const;
      const { forge, player } = await forgeOf('gitea', [read, read], { token: { file } });
      expect(await failure(forge.get(7, signal))).toMatchObject({ kind: 'denied', code: 'forge-token' });
      for (const token of ['first', 'second']) {
        await writeFile(file, `${token}\n`);
        await forge.get(7, signal);
      }
      expect(player.asked.map(({ headers }) => headers.authorization)).toEqual([
        'token first',
        'token second',
      ]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test.each([
    [{}, /GITLAB_TOKEN is not set or empty/],
    [{ GITLAB_TOKEN: 'a\nb: c' }, /something that is no token/],
  ])('that is missing or none is told without it: %j', async (environment, message) => {
    const forge = createForge({ repository: APIS.gitlab.repository, environment });
    expect((await failure(forge.get(7, signal))).message).toMatch(message);
  });

  test('is declared for a host in landfall.yaml', async () => {
    const read = {
      method: 'GET',
      path: '/forge/api/v1/repos/a/b/pulls/7',
      status: 200,
      body: pullRequest.gitea(),
    } as const;
    const player = await play([read]);
    players.push(player);
    const forge = createForge({
      repository: 'https://git.example.com:8443/a/b.git',
      declared: [
        { host: 'git.example.com:8443', provider: 'gitea', api: `${player.url}/forge/api/v1`, token: 'OURS' },
      ],
      environment: { OURS: 'mine' },
    });
    await forge.get(7, signal);
    expect(player.asked[0]?.headers.authorization).toBe('token mine');
  });
});

describe('the host of a repository', () => {
  test.each([
    ['https://github.com/a/b', 'github'],
    ['git@github.com:a/b.git', 'github'],
    ['https://github.example.com/a/b', 'github'],
    ['ssh://git@gitlab.example.com:2222/a/b/c.git', 'gitlab'],
    ['https://codeberg.org/a/b', 'gitea'],
    ['https://user:password@forgejo.example.com/a/b', 'gitea'],
    ['https://git.example.com/a/b', undefined],
  ])('%s', (repository, provider) => expect(detectProvider(repository)).toBe(provider));

  test.each([
    ['https://git.example.com/a/b', /does not tell whether it is GitHub, GitLab or Gitea/],
    ['/srv/git/a.git', /has no host/],
    ['file:///srv/git/a.git', /has no host/],
    ['https://github.com/a', /has no host/],
    ['https://github.com/a/../b', /has no host|does not tell/],
    ['https://user:password@github.com/a/b?c', /^(?!.*password)/],
  ])('that cannot be asked is refused: %s', (repository, message) => {
    const attempt = () =>
      createForge({ repository, declared: [{ host: 'github.com', api: 'http://example.com' }] });
    expect(attempt).toThrow(message);
  });

  test.each([
    ['http://git.example.com/api/v1', /over https only/],
    ['https://user:secret@git.example.com/api/v1', /holds credentials/],
    ['https://git.example.com/api?token=x', /has a query/],
    ['nonsense', /does not parse/],
  ])('an API that no token may go to is refused: %s', (api, message) => {
    expect(() =>
      createForge({
        repository: 'https://git.example.com/a/b',
        provider: 'gitea',
        declared: [{ host: 'git.example.com', api }],
      }),
    ).toThrow(message);
  });
});
