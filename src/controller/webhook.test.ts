import { createHmac } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { manualClock, silentLogger } from '../kernel/index.ts';
import { repositoryKey, startWebhook } from './webhook.ts';
import type { Webhook } from './webhook.ts';

const SECRET = 'a shared secret';
const clock = manualClock(1_800_000_000_000);
let webhook: Webhook | undefined;
let pushed: string[][] = [];

async function listen(secret: string | undefined = SECRET): Promise<string> {
  pushed = [];
  webhook = await startWebhook({
    host: '127.0.0.1',
    port: 0,
    secret,
    clock,
    logger: silentLogger,
    onPush: (keys) => pushed.push([...keys].toSorted()),
  });
  return webhook.url;
}

afterEach(async () => {
  await webhook?.close();
  webhook = undefined;
});

const sign = (text: string, secret = SECRET) => createHmac('sha256', secret).update(text).digest('hex');

async function post(url: string, body: string, headers: Record<string, string>): Promise<number> {
  return (await fetch(url, { method: 'POST', body, headers })).status;
}

const GITHUB = JSON.stringify({
  ref: 'refs/heads/main',
  repository: { clone_url: 'https://github.com/Corp/Shop.git', ssh_url: 'git@github.com:Corp/Shop.git' },
});

describe('a webhook', () => {
  it('takes signed pushes of GitHub, Gitea, GitLab and others', async () => {
    const url = await listen();
    const gitlab = JSON.stringify({ project: { git_http_url: 'https://gitlab.corp.io/a/b.git' } });
    const plain = JSON.stringify({ repository: 'ssh://git@corp.io:2222/a/b' });
    const now = String(clock.now() / 1000);
    expect([
      await post(url, GITHUB, { 'x-github-event': 'push', 'x-hub-signature-256': `sha256=${sign(GITHUB)}` }),
      await post(url, GITHUB, { 'x-gitea-event': 'push', 'x-gitea-signature': sign(GITHUB) }),
      await post(url, gitlab, { 'x-gitlab-event': 'Push Hook', 'x-gitlab-token': SECRET }),
      await post(url, plain, {
        'x-landfall-timestamp': now,
        'x-landfall-signature': `sha256=${sign(`${now}.${plain}`)}`,
      }),
    ]).toEqual([202, 202, 202, 202]);
    expect(pushed).toEqual([
      ['github.com/corp/shop'],
      ['github.com/corp/shop'],
      ['gitlab.corp.io/a/b'],
      ['corp.io/a/b'],
    ]);
  });

  it('takes pushes of Bitbucket and Azure DevOps, each as it says who it is', async () => {
    const url = await listen();
    const cloud = JSON.stringify({
      push: { changes: [] },
      repository: { full_name: 'corp/shop', links: { html: { href: 'https://bitbucket.org/corp/shop' } } },
    });
    const server = JSON.stringify({
      repository: {
        links: {
          clone: [
            { href: 'https://bitbucket.corp.io/scm/a/b.git', name: 'http' },
            { href: 'ssh://git@bitbucket.corp.io:7999/a/b.git', name: 'ssh' },
          ],
        },
      },
    });
    const azure = JSON.stringify({
      eventType: 'git.push',
      resource: { repository: { remoteUrl: 'https://corp@dev.azure.com/corp/shop/_git/web' } },
    });
    const basic = (password: string) => `Basic ${Buffer.from(`argo:${password}`).toString('base64')}`;
    const signed = (text: string) => ({
      'x-event-key': 'repo:push',
      'x-hub-signature': `sha256=${sign(text)}`,
      'x-request-uuid': sign(text),
    });
    expect([
      await post(url, cloud, signed(cloud)),
      await post(url, cloud, signed(cloud)),
      await post(url, server, signed(server)),
      await post(url, azure, { authorization: basic(SECRET) }),
      await post(url, azure, { authorization: basic('guess') }),
      await post(url, cloud, { ...signed(cloud), 'x-hub-signature': `sha256=${sign(cloud, 'guess')}` }),
      await post(url, '{"test":true}', { ...signed('{"test":true}'), 'x-event-key': 'diagnostics:ping' }),
    ]).toEqual([202, 200, 202, 202, 401, 401, 200]);
    expect(pushed).toEqual([
      ['bitbucket.org/corp/shop'],
      ['bitbucket.corp.io/a/b', 'bitbucket.corp.io/scm/a/b'],
      ['dev.azure.com/corp/shop/_git/web'],
    ]);
  });

  it('wakes nobody for what is not signed, signed by somebody else, old or said twice', async () => {
    const url = await listen();
    const old = String(clock.now() / 1000 - 3600);
    const signature = { 'x-hub-signature-256': `sha256=${sign(GITHUB)}`, 'x-github-delivery': 'once' };
    expect([
      await post(url, GITHUB, {}),
      await post(url, GITHUB, { 'x-hub-signature-256': `sha256=${sign(GITHUB, 'guess')}` }),
      await post(url, GITHUB, { 'x-gitlab-token': 'guess' }),
      await post(url, GITHUB, {
        'x-landfall-timestamp': old,
        'x-landfall-signature': sign(`${old}.${GITHUB}`),
      }),
      await post(url, GITHUB, signature),
      await post(url, GITHUB, signature),
      (await fetch(url)).status,
    ]).toEqual([401, 401, 401, 401, 202, 200, 405]);
    expect(pushed).toHaveLength(1);
  });

  it('bounds what it reads and how often', async () => {
    const url = await listen();
    const large = 'x'.repeat(6 * 1024 * 1024);
    expect(await post(url, large, {}).catch(() => 413)).toBe(413);
    const answers = await Promise.all(
      Array.from({ length: 130 }, () => post(url, GITHUB, { 'x-gitea-signature': sign(GITHUB) })),
    );
    expect(answers.filter((status) => status === 429).length).toBeGreaterThanOrEqual(11);
    await clock.advance(60_000);
    expect(await post(url, GITHUB, { 'x-gitea-signature': sign(GITHUB) })).toBe(202);
  });

  it('does not listen to others without a secret', async () => {
    await expect(
      startWebhook({
        host: '0.0.0.0',
        port: 0,
        secret: undefined,
        clock,
        logger: silentLogger,
        onPush: () => 0,
      }),
    ).rejects.toMatchObject({ code: 'webhook-secret' });
  });
});

it.each([
  ['https://github.com/Corp/Shop.git', 'github.com/corp/shop'],
  ['git@github.com:corp/shop', 'github.com/corp/shop'],
  ['ssh://git@corp.io:2222/a/b.git', 'corp.io/a/b'],
  ['http://127.0.0.1:3000/one.git/', '127.0.0.1/one'],
])('%s is %s, however it is written', (url, key) => {
  expect(repositoryKey(url)).toBe(key);
});
