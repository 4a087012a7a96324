import { describe, expect, it } from 'vitest';
import { registry } from '../../../test/registries.ts';
import { manualClock } from '../../kernel/index.ts';
import { startRegistry, type Registry } from './index.ts';

async function status(of: Registry, path = '/v2/', init: RequestInit = {}): Promise<number | 'cut'> {
  try {
    const response = await fetch(`${of.url}${path}`, init);
    await response.text();
    return response.status;
  } catch {
    return 'cut';
  }
}

describe('a fault', () => {
  it('hits as often as it says, and only what it names', async () => {
    const of = await registry();
    of.fail({ effect: { type: 'status', status: 500 }, operation: 'tags', repository: 'app', times: 2 });
    const seen = [
      await status(of),
      await status(of, '/v2/other/tags/list'),
      await status(of, '/v2/app/tags/list'),
      await status(of, '/v2/app/tags/list'),
      await status(of, '/v2/app/tags/list'),
    ];
    expect(seen).toEqual([200, 404, 500, 500, 404]);
  });

  it('that stays can be lifted', async () => {
    const of = await registry();
    const lift = of.fail({ effect: { type: 'status', status: 503 }, times: Infinity });
    expect([await status(of), await status(of), await status(of)]).toEqual([503, 503, 503]);
    lift();
    expect(await status(of)).toBe(200);
  });

  it('may concern one method and one reference', async () => {
    const of = await registry({
      faults: [{ effect: { type: 'status', status: 401 }, method: 'HEAD', reference: 'v1', times: Infinity }],
    });
    expect(await status(of, '/v2/app/manifests/v1', { method: 'HEAD' })).toBe(401);
    expect(await status(of, '/v2/app/manifests/v1')).toBe(404);
    expect(await status(of, '/v2/app/manifests/v2', { method: 'HEAD' })).toBe(404);
  });

  it('asks to come back later, in seconds', async () => {
    const of = await registry();
    of.fail({ effect: { type: 'status', status: 429, retryAfterSeconds: 7 } });
    const response = await fetch(`${of.url}/v2/`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await response.json()).toMatchObject({ errors: [{ code: 'TOOMANYREQUESTS' }] });
  });

  it('cuts the connection, or says nothing until the registry goes away', async () => {
    const of = await startRegistry();
    of.fail({ effect: { type: 'reset' } });
    expect(await status(of)).toBe('cut');
    of.fail({ effect: { type: 'hang' } });
    const hanging = status(of);
    const early = await Promise.race([
      hanging,
      new Promise((resolve) => setTimeout(() => resolve('waits'), 50)),
    ]);
    expect(early).toBe('waits');
    await of.close();
    expect(await hanging).toBe('cut');
  });

  it('makes an answer slow, on the registry’s clock', async () => {
    const clock = manualClock();
    const of = await registry({ clock });
    of.fail({ effect: { type: 'slow', ms: 30_000 } });
    const slow = status(of);
    const early = await Promise.race([
      slow,
      new Promise((resolve) => setTimeout(() => resolve('waits'), 50)),
    ]);
    expect(early).toBe('waits');
    await clock.advance(30_000);
    expect(await slow).toBe(200);
  });
});

describe('a rate limit', () => {
  it('answers 429 with the time until its window ends, and then serves again', async () => {
    const clock = manualClock();
    const of = await registry({ clock, rateLimit: { requests: 2, perSeconds: 10 } });
    expect([await status(of), await status(of), await status(of)]).toEqual([200, 200, 429]);
    await clock.advance(4000);
    const response = await fetch(`${of.url}/v2/`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '6']);
    await clock.advance(6000);
    expect(await status(of)).toBe(200);
  });
});

describe('authentication', () => {
  const users = [
    { name: 'ci', password: 'right', identityToken: 'refresh' },
    { name: 'reader', password: 'read', access: 'pull' as const },
  ];
  const basic = (text: string) => ({
    headers: { authorization: `Basic ${Buffer.from(text).toString('base64')}` },
  });

  it('by password lets nobody in without one, and readers only read', async () => {
    const of = await registry({ auth: { type: 'basic', users } });
    const response = await fetch(`${of.url}/v2/`);
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="drydock"',
    ]);
    expect(await status(of, '/v2/', basic('ci:wrong'))).toBe(401);
    expect(await status(of, '/v2/', basic('ci'))).toBe(401);
    expect(await status(of, '/v2/', { headers: { authorization: 'Basic !!!' } })).toBe(401);
    expect(await status(of, '/v2/', basic('ci:right'))).toBe(200);
    const upload = '/v2/app/blobs/uploads/';
    expect(await status(of, upload, { method: 'POST', ...basic('ci:right') })).toBe(202);
    expect(await status(of, upload, { method: 'POST', ...basic('reader:read') })).toBe(403);
  });

  it('by token names its own endpoint, and what is missing', async () => {
    const of = await registry({ auth: { type: 'token', users } });
    const challenge = async (path: string, init: RequestInit = {}) =>
      (await fetch(`${of.url}${path}`, init)).headers.get('www-authenticate');
    expect(await challenge('/v2/')).toBe(`Bearer realm="${of.url}/token",service="drydock"`);
    expect(await challenge('/v2/app/manifests/v1')).toBe(
      `Bearer realm="${of.url}/token",service="drydock",scope="repository:app:pull"`,
    );
    expect(
      await challenge('/v2/app/manifests/v1', { headers: { authorization: 'Bearer forged.token' } }),
    ).toContain('error="invalid_token"');
  });

  it('by token gives what the user may have, for as long as it says, and nothing else', async () => {
    const clock = manualClock();
    const of = await registry({ clock, auth: { type: 'token', users, expiresInSeconds: 100 } });
    const tokenFor = async (who: string, scope: string) => {
      const response = await fetch(`${of.url}/token?service=drydock&scope=${scope}`, basic(who));
      return (await response.json()) as { readonly token: string; readonly expires_in: number };
    };
    const using = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    const { token, expires_in } = await tokenFor('ci:right', 'repository:app:pull,push');
    expect(expires_in).toBe(100);
    expect(await status(of, '/v2/app/blobs/uploads/', { method: 'POST', ...using(token) })).toBe(202);
    expect(await status(of, '/v2/other/blobs/uploads/', { method: 'POST', ...using(token) })).toBe(401);
    const reader = await tokenFor('reader:read', 'repository:app:pull,push');
    expect(await status(of, '/v2/app/tags/list', using(reader.token))).toBe(404);
    expect(await status(of, '/v2/app/blobs/uploads/', { method: 'POST', ...using(reader.token) })).toBe(401);
    const [payload = '', signature = ''] = token.split('.');
    const forged = Buffer.from(payload, 'base64url').toString().replace('app', 'all');
    const other = `${Buffer.from(forged).toString('base64url')}.${signature}`;
    expect(await status(of, '/v2/all/tags/list', using(other))).toBe(401);
    await clock.advance(100_000);
    expect(await status(of, '/v2/app/tags/list', using(token))).toBe(401);
    expect(await status(of, '/token', basic('ci:wrong'))).toBe(401);
  });

  it('by identity token answers a POST as OAuth does', async () => {
    const of = await registry({ auth: { type: 'token', users } });
    const exchange = (refresh: string) =>
      fetch(`${of.url}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          service: 'drydock',
          scope: 'repository:app:pull',
          refresh_token: refresh,
        }),
      });
    expect(Object.keys((await (await exchange('refresh')).json()) as object)).toContain('access_token');
    expect((await exchange('wrong')).status).toBe(401);
    expect((await exchange('')).status).toBe(401);
  });
});
