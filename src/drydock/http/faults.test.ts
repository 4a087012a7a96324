import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getArray, getString, manualClock } from '../../kernel/index.ts';
import type { ApiFault } from '../faults/index.ts';
import { startTestServer, type TestServer } from './served.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const add = (fault: Omit<ApiFault, 'on'>) => server.served.faults.add({ on: 'api', ...fault });
const map = (name: string) => ({ metadata: { name } });
const post = (name: string, signal?: AbortSignal) =>
  fetch(`${server.served.url}${MAPS}`, {
    method: 'POST',
    headers: { authorization: 'Bearer a-token-for-tests', 'content-type': 'application/json' },
    body: JSON.stringify(map(name)),
    ...(signal === undefined ? {} : { signal }),
  });
const stored = (name: string) =>
  server.api.get({ group: '', version: 'v1', resource: 'configmaps' }, 'default', name) !== undefined;

async function until(what: string, check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 500 && !check(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(check(), what).toBe(true);
}

describe('an apply of 30 objects', () => {
  async function outcomes(): Promise<string> {
    let line = '';
    for (let index = 0; index < 30; index++) {
      const answer = await post(`m${index}`).catch(() => undefined);
      line += answer === undefined ? 'x' : answer.ok ? '.' : '5';
    }
    return line;
  }

  it('sees every seventh write fail, and no read', async () => {
    const fault = add({
      verbs: ['create'],
      resource: 'configmaps',
      every: 7,
      effect: { type: 'status', status: 503 },
    });
    expect(await outcomes()).toBe('......5......5......5......5..');
    expect((await server.call('GET', MAPS)).status).toBe(200);
    const kept = getArray((await server.call('GET', MAPS)).body, 'items').map((item) =>
      getString(item, 'metadata', 'name'),
    );
    expect(kept.filter((name) => name?.startsWith('m'))).toHaveLength(26);
    expect(fault).toMatchObject({ seen: 30, hits: 4, over: false });
  });

  it('loses the answer of the 12th write, which was committed', async () => {
    add({ verbs: ['create'], nth: 12, effect: { type: 'reset', written: true } });
    expect(await outcomes()).toBe('...........x..................');
    expect(stored('m11')).toBe(true);
  });

  it('loses the connection before the 12th write is looked at', async () => {
    add({ verbs: ['create'], nth: 12, effect: { type: 'reset' } });
    expect(await outcomes()).toBe('...........x..................');
    expect(stored('m11')).toBe(false);
  });
});

describe('a request without an answer', () => {
  it('has written nothing when its client gives up', async () => {
    const fault = add({ verbs: ['create'], effect: { type: 'hang' } });
    const client = new AbortController();
    const asked = post('a', client.signal).catch(() => 'given up');
    await until('it to hang', () => fault.hits === 1);
    client.abort();
    expect(await asked).toBe('given up');
    // A request after it: by then the server has seen the connection end.
    await server.call('GET', '/version', undefined, { connection: 'close' });
    fault.heal();
    expect((await post('b')).status).toBe(201);
    expect(stored('a')).toBe(false);
  });

  it('goes on when the fault is healed', async () => {
    const fault = add({ verbs: ['create'], effect: { type: 'hang' } });
    const asked = post('a');
    await until('it to hang', () => fault.hits === 1);
    expect(stored('a')).toBe(false);
    fault.heal();
    expect((await asked).status).toBe(201);
  });

  it('has written when the answer is what hangs', async () => {
    const fault = add({ verbs: ['create'], effect: { type: 'hang', written: true } });
    const asked = post('a');
    await until('the write', () => stored('a'));
    fault.heal();
    expect((await asked).status).toBe(201);
  });

  it('is carried out after its client was killed', async () => {
    const fault = add({ verbs: ['create'], times: 1, effect: { type: 'late' } });
    const client = new AbortController();
    const asked = post('a', client.signal).catch(() => 'killed');
    await until('it to wait', () => fault.hits === 1);
    expect((await post('b')).status).toBe(201);
    expect(stored('a')).toBe(false);
    client.abort();
    expect(await asked).toBe('killed');
    await until('the late write', () => stored('a'));
  });
});

describe('a fault', () => {
  it('tells a dry run from a write', async () => {
    add({ dryRun: false, effect: { type: 'status', status: 500 } });
    expect((await server.call('POST', `${MAPS}?dryRun=All`, map('a'))).status).toBe(201);
    expect((await server.call('POST', MAPS, map('a'))).status).toBe(500);
  });

  it('is for one object, one namespace or one client only', async () => {
    add({ namespace: 'default', name: 'a', effect: { type: 'status', status: 429, retryAfterSeconds: 3 } });
    add({ client: 'kubectl/', effect: { type: 'status', status: 500 } });
    await server.call('POST', MAPS, map('a'));
    const limited = await server.call('GET', `${MAPS}/a`);
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '3']);
    expect(getString(limited.body, 'reason')).toBe('TooManyRequests');
    expect((await server.call('GET', '/version')).status).toBe(200);
    expect((await server.call('GET', '/version', undefined, { 'user-agent': 'kubectl/v1.32' })).status).toBe(
      500,
    );
  });

  it('slows requests down by the clock of the cluster', async () => {
    const clock = manualClock();
    const slow = await startTestServer({ clock });
    try {
      const fault = slow.served.faults.add({ on: 'api', effect: { type: 'slow', ms: 3_600_000 } });
      const asked = slow.call('GET', MAPS);
      await until('it to wait', () => fault.hits === 1);
      await clock.advance(3_600_000);
      expect((await asked).status).toBe(200);
    } finally {
      await slow.close();
    }
  });
});

describe('a watch', () => {
  async function watched(): Promise<{ readonly events: string[]; readonly ended: Promise<string> }> {
    const response = await fetch(`${server.served.url}${MAPS}?watch=true`, {
      headers: { authorization: 'Bearer a-token-for-tests' },
    });
    const events: string[] = [];
    const read = async () => {
      for await (const chunk of response.body ?? []) {
        const lines = Buffer.from(chunk as Uint8Array)
          .toString('utf8')
          .trim()
          .split('\n');
        events.push(
          ...lines.map((line) => {
            const event = JSON.parse(line) as { type: string; object: { code?: number } };
            return event.type === 'ERROR' ? `ERROR ${event.object.code ?? ''}` : event.type;
          }),
        );
      }
      return 'closed';
    };
    return { events, ended: read().catch(() => 'cut') };
  }

  it.each([
    ['reset', 'cut', ['ADDED']],
    ['close', 'closed', ['ADDED']],
    ['expired', 'closed', ['ADDED', 'ERROR 410']],
  ] as const)('that runs already ends by %s', async (how, ending, seen) => {
    const { events, ended } = await watched();
    await until('the first event', () => events.length === 1);
    add({ resource: 'configmaps', times: 1, effect: { type: 'end-watch', how } });
    expect(await ended).toBe(ending);
    expect(events).toEqual(seen);
    const next = await watched();
    await until('the next watch', () => next.events.length === 1);
  });

  it('ends after so many events', async () => {
    add({ effect: { type: 'end-watch', how: 'expired', afterEvents: 2 } });
    const { events, ended } = await watched();
    await until('the first event', () => events.length === 1);
    await post('a');
    expect(await ended).toBe('closed');
    expect(events).toEqual(['ADDED', 'ADDED', 'ERROR 410']);
    expect(server.served.faults.list()).toMatchObject([{ id: 'api-1', hits: 1 }]);
  });
});

describe('over HTTP', () => {
  const FAULTS = '/drydock/faults';

  it('is started, listed and healed, and never keeps itself from that', async () => {
    const started = await server.call('POST', FAULTS, { on: 'api', effect: { type: 'status', status: 500 } });
    expect(started).toMatchObject({ status: 201, body: { id: 'api-1', hits: 0, over: false } });
    expect((await server.call('GET', MAPS)).status).toBe(500);
    expect((await server.call('GET', FAULTS)).body).toMatchObject({ items: [{ id: 'api-1', hits: 1 }] });
    expect((await server.call('DELETE', `${FAULTS}/api-1`)).status).toBe(200);
    expect((await server.call('GET', MAPS)).status).toBe(200);
    const gone = await server.call('DELETE', `${FAULTS}/api-1`);
    expect([gone.status, getString(gone.body, 'message')]).toEqual([
      404,
      'There is no fault api-1. Nothing fails on purpose.',
    ]);
  });

  it('needs the token, and says what is wrong with a fault', async () => {
    expect((await fetch(`${server.served.url}${FAULTS}`)).status).toBe(401);
    const refused = await server.call('POST', FAULTS, {
      on: 'api',
      effect: { type: 'status', status: 200 },
      x: 1,
    });
    expect(refused.status).toBe(400);
    expect(getString(refused.body, 'message')).toMatch(/effect\.status: .*400.*x/s);
  });
});
