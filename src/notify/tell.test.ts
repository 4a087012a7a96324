import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Clock, JsonObject } from '../kernel/index.ts';
import { openLedger } from '../ledger/index.ts';
import type { Delivery, Ledger } from '../ledger/index.ts';
import { newsOf, tell } from './index.ts';
import type { ChannelDeclaration, News, Told } from './index.ts';

const SECRET = 'hunter2-is-long-enough';
/** As in send.ts: what one attempt may take. */
const ATTEMPT_MS = 2_000;
const TOKEN = 'T0KEN/B0/xyzzyplugh';
const DELIVERY: Delivery = {
  id: '1m7y4nqgcekj7k',
  cluster: 'https://10.0.0.1:6443',
  namespace: 'argocd',
  application: 'payment-api',
  environment: 'staging',
  revision: '1a2b3c4d5e6f708192a3',
  trigger: 'apply',
  actor: { name: 'ana', attestedBy: 'cluster' },
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:00:04.000Z',
  state: 'restored',
  message: 'Service/checkout was refused, everything is as it was',
  results: [
    { kind: 'Deployment', namespace: 'shop', name: 'checkout', state: 'done', message: '' },
    {
      kind: 'Service',
      namespace: 'shop',
      name: 'checkout',
      state: 'failed',
      message: 'spec.ports[0].port: 99999 is not between 1 and 65535 <b>',
      where: 'deploy/service.yaml:11',
    },
    { kind: 'Ingress', namespace: 'shop', name: 'checkout', state: 'not-reached', message: '' },
  ],
  digest: undefined,
  proof: { verdict: { summary: 'stopped at sync', boundary: 'sync' } },
};

interface Request {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server does with the n-th request; beyond the last it answers 200. `hang` never answers. */
type Answers = readonly (number | 'hang')[];

let server: Server;
let host: string;
let got: Request[] = [];
let answers: Answers = [];
let folder: string;
let ledger: Ledger;
let clock: ReturnType<typeof testClock>;
let warned: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = answers[got.length] ?? 200;
      got.push({ url: request.url ?? '', headers: request.headers, body });
      if (answer === 'hang') {
        clock.silence();
        return;
      }
      const location = answer === 302 ? { location: `http://${host}/elsewhere` } : {};
      // A server that repeats what it was asked.
      response.writeHead(answer, location).end(answer === 200 ? 'ok' : `bad ${request.url} ${SECRET}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  got = [];
  answers = [];
  warned = [];
  clock = testClock();
  folder = mkdtempSync(path.join(tmpdir(), 'landfall-notify-'));
  ledger = openLedger({ folder, clock });
});
afterEach(async () => {
  await ledger.close();
  rmSync(folder, { recursive: true, force: true });
});

/**
 * A clock on which a pause is over at once, and an attempt has run out of time only when the server keeps silent: how
 * fast this machine is decides nothing.
 */
function testClock(): Clock & { silence(): void } {
  let now = Date.UTC(2026, 0, 1);
  const limits = new Set<() => void>();
  const run = (ms: number, callback: () => void) => {
    now += ms;
    callback();
  };
  return {
    now: () => now,
    after(ms, callback) {
      const due = () => run(ms, callback);
      if (ms === ATTEMPT_MS) {
        limits.add(due);
        return { cancel: () => limits.delete(due) };
      }
      const handle = setImmediate(due);
      return { cancel: () => clearImmediate(handle) };
    },
    silence() {
      for (const due of limits) due();
      limits.clear();
    },
  };
}

function telling(
  channels: readonly ChannelDeclaration[],
  news: News = newsOf(DELIVERY),
  signal = new AbortController().signal,
): Promise<readonly Told[]> {
  const env = { HOOK: `http://${host}/hook`, HOOK_SECRET: SECRET, SLACK: `http://${host}/services/${TOKEN}` };
  return tell({ clock, env, ledger, warn: (text) => warned.push(text) }, channels, news, signal);
}

/** A receiver's side of Standard Webhooks. */
function isSigned({ headers, body }: Request, key: Buffer): boolean {
  const [id, at, signed] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    String(headers[name]),
  );
  const wanted = Buffer.from(
    `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`,
  );
  const found = Buffer.from(signed ?? '');
  return found.length === wanted.length && timingSafeEqual(found, wanted);
}

describe('a webhook', () => {
  it('gets the verdict, the reason, the objects and the commands, signed', async () => {
    const told = await telling([{ webhook: 'HOOK', secret: 'HOOK_SECRET' }]);
    expect(told).toEqual([
      { channel: `webhook ${host}`, state: 'told', attempts: 1, message: 'answered 200' },
    ]);
    const [request] = got;
    expect(request && isSigned(request, Buffer.from(SECRET))).toBe(true);
    expect(request && isSigned(request, Buffer.from('another'))).toBe(false);
    expect(request && isSigned({ ...request, body: `${request.body} ` }, Buffer.from(SECRET))).toBe(false);
    expect(Number(request?.headers['webhook-timestamp'])).toBe(Date.UTC(2026, 0, 1) / 1000);
    const body = JSON.parse(request?.body ?? '') as JsonObject;
    expect(body).toMatchObject({
      apiVersion: 'landfall.dev/v1',
      kind: 'DeliveryNotice',
      id: request?.headers['webhook-id'],
      environment: 'staging',
      application: 'payment-api',
      delivery: DELIVERY.id,
      revision: DELIVERY.revision,
      state: 'restored',
      ok: false,
      verdict: 'stopped at sync',
      boundary: 'sync',
      reason: DELIVERY.message,
      objects: [
        {
          object: 'Service/shop/checkout',
          message: 'spec.ports[0].port: 99999 is not between 1 and 65535 <b>',
          where: 'deploy/service.yaml:11',
        },
      ],
      actor: { name: 'ana', attestedBy: 'cluster' },
    });
    expect(body['commands']).toContain(`landfall history payment-api ${DELIVERY.id}`);
    expect(await ledger.notices.list({}, 9)).toMatchObject([
      { state: 'told', channel: `webhook ${host}`, delivery: DELIVERY.id, environment: 'staging' },
    ]);
  });

  it('is signed with the bytes of a secret that is written as whsec_', async () => {
    const key = Buffer.from('0123456789abcdef0123456789abcdef');
    const file = path.join(folder, 'mounted');
    writeFileSync(file, `whsec_${key.toString('base64')}\n`);
    await telling([{ webhook: `http://${host}/direct?a=b`, secret: { file } }]);
    expect(got[0]?.url).toBe('/direct?a=b');
    expect(got[0] && isSigned(got[0], key)).toBe(true);
  });

  it('is tried again under the same id after an error of the server and after silence', async () => {
    answers = [500, 'hang'];
    const told = await telling([{ webhook: 'HOOK', secret: 'HOOK_SECRET' }]);
    expect(told).toMatchObject([{ state: 'told', attempts: 3 }]);
    expect(new Set(got.map((request) => request.headers['webhook-id'])).size).toBe(1);
    expect(got.every((request) => isSigned(request, Buffer.from(SECRET)))).toBe(true);
    expect(warned).toEqual([]);
  });

  it.each<[string, Answers, number]>([
    ['after four errors of the server', [500, 503, 500, 502], 4],
    ['after five seconds of silence', ['hang', 'hang', 'hang', 'hang'], 2],
    ['at once when it is told no', [403], 1],
    ['at once when it is sent somewhere else', [302], 1],
  ])('is given up %s, which is a warning that the ledger keeps', async (_, given, attempts) => {
    answers = given;
    const started = clock.now();
    const told = await telling([{ webhook: 'HOOK', secret: 'HOOK_SECRET' }]);
    expect(told).toMatchObject([{ state: 'failed', attempts }]);
    expect(got).toHaveLength(attempts);
    expect(clock.now() - started).toBeLessThanOrEqual(5_000);
    expect(warned).toHaveLength(1);
    expect(warned[0]).toMatch(/^staging was not told: webhook 127/);
    expect(await ledger.notices.list({}, 9)).toMatchObject([{ state: 'failed', attempts }]);
    expect(`${warned.join()} ${JSON.stringify(told)}`).not.toContain(SECRET);
  });

  it('is not waited for by somebody who has pressed Ctrl-C', async () => {
    const stop = new AbortController();
    stop.abort();
    expect(await telling([{ webhook: 'HOOK' }], newsOf(DELIVERY), stop.signal)).toMatchObject([
      { state: 'failed' },
    ]);
  });
});

describe('a chat', () => {
  it('gets a text whose first line is the answer', async () => {
    await telling([{ slack: 'SLACK' }]);
    const { text } = JSON.parse(got[0]?.body ?? '') as { readonly text: string };
    expect(text.split('\n')).toEqual([
      '✗ *payment-api → staging: restored, stopped at sync*',
      'Service/checkout was refused, everything is as it was',
      'revision 1a2b3c4d5e6f by ana, delivery 1m7y4nqgcekj7k',
      '• Service/shop/checkout: spec.ports[0].port: 99999 is not between 1 and 65535 &lt;b&gt; (deploy/service.yaml:11)',
      '`landfall history payment-api 1m7y4nqgcekj7k`',
      '`landfall explain payment-api -n argocd`',
    ]);
  });

  it('is not sent to an Application that is none, for a folder that was applied', async () => {
    await telling([{ slack: 'SLACK' }], { ...newsOf(DELIVERY), application: 'platform/deploy' });
    const { text } = JSON.parse(got[0]?.body ?? '') as { readonly text: string };
    expect(text).toContain('`landfall history platform/deploy 1m7y4nqgcekj7k`');
    expect(text).not.toContain('landfall explain');
  });

  it('keeps its address, which is a key, out of warnings and the ledger', async () => {
    answers = [404];
    const told = await telling([{ slack: 'SLACK' }]);
    const kept = JSON.stringify(await ledger.notices.list({}, 9));
    for (const text of [JSON.stringify(told), warned.join(), kept]) {
      expect(text).toContain(`slack ${host}`);
      expect(text).not.toContain('xyzzyplugh');
    }
  });
});

it('tells every channel, whatever becomes of the others', async () => {
  const told = await telling([
    { slack: 'NOT_SET' },
    { webhook: 'HOOK', secret: { file: path.join(folder, 'none') } },
    { webhook: 'http://127.0.0.1:1/' },
    { slack: 'SLACK' },
  ]);
  expect(told.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual([
    'failed 0',
    'failed 0',
    'failed 4',
    'told 1',
  ]);
  expect(told[0]?.message).toBe('the environment variable NOT_SET is not set');
  expect(warned).toHaveLength(3);
  expect(got).toHaveLength(1);
});

it('tells no content of a Secret', async () => {
  const value = 'c2VjcmV0LXZhbHVl';
  const manifest = JSON.stringify({ kind: 'Secret', data: { password: value } });
  const results = [{ kind: 'Secret', name: 'db', state: 'failed', message: `refused: ${manifest}` }];
  const news = newsOf({ ...DELIVERY, message: `refused: ${manifest}`, results });
  await telling([{ webhook: 'HOOK' }, { slack: 'SLACK' }], news);
  expect(got).toHaveLength(2);
  for (const { body } of got) {
    expect(body).toContain('Secret/db');
    expect(body).not.toContain(value);
  }
});

it('names no object of what went well', () => {
  expect(newsOf({ ...DELIVERY, state: 'landed' }).objects).toEqual([]);
});

it('does not fail when the ledger cannot be written', async () => {
  await ledger.close();
  expect(await telling([{ webhook: 'HOOK' }])).toMatchObject([{ state: 'told' }]);
  expect(warned).toHaveLength(1);
});
