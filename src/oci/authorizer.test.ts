import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { registry, client, server, failure } from '../../test/registries.ts';
import { manualClock, type LandfallError } from '../kernel/index.ts';
import type { RegistryClient } from './client.ts';
import type { Credentials, CredentialSource } from './credentials.ts';
import { OCI_INDEX } from './media-types.ts';

const { signal } = new AbortController();
const EMPTY_INDEX = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
const SECRET = 'hunter2-never-to-be-seen';

function as(credentials: Credentials | undefined): CredentialSource {
  return () => Promise.resolve(credentials);
}

function user(password = SECRET): Credentials {
  return { type: 'basic', username: 'ci', password };
}

async function push(on: RegistryClient, image: string): Promise<string> {
  const manifest = { mediaType: OCI_INDEX, bytes: EMPTY_INDEX };
  return (await on.putManifest(image, manifest, signal)).digest;
}

/** Everything that an error can show. */
function shown(error: LandfallError): string {
  const { message, hint, object, code, cause } = error;
  return JSON.stringify([message, hint, object, code, cause instanceof Error ? cause.message : cause]);
}

describe('basic authentication', () => {
  it('lets the right password in, and is offered at once from then on', async () => {
    const of = await registry({ auth: { type: 'basic', users: [{ name: 'ci', password: SECRET }] } });
    const on = client({ credentials: as(user()) });
    const digest = await push(on, `${of.host}/app:1`);
    expect((await on.head(`${of.host}/app:1`, signal)).digest).toBe(digest);
    // The first request that was refused told how to authenticate; a TLS attempt before it is no request.
    const statuses = of.requests().map(({ method, status }) => `${method} ${status}`);
    expect(statuses).toEqual(['PUT 401', 'PUT 201', 'HEAD 200']);
  });

  it('that fails is denied, says where to log in, and does not show the password', async () => {
    const of = await registry({ auth: { type: 'basic', users: [{ name: 'ci', password: 'right' }] } });
    const error = await failure(client({ credentials: as(user()) }).head(`${of.host}/app:1`, signal));
    expect(error).toMatchObject({ kind: 'denied', code: 'registry-unauthorized' });
    expect(error.hint).toContain(`docker login ${of.host}`);
    expect(shown(error)).not.toContain(SECRET);
    expect(shown(error)).not.toContain(Buffer.from(`ci:${SECRET}`).toString('base64'));
  });

  it('is asked of nobody else: a push by who may only pull is denied', async () => {
    const users = [{ name: 'ci', password: SECRET, access: 'pull' as const }];
    const of = await registry({ auth: { type: 'basic', users, anonymousPull: true } });
    expect(await failure(push(client({ credentials: as(user()) }), `${of.host}/app:1`))).toMatchObject({
      kind: 'denied',
    });
    expect(await failure(client().head(`${of.host}/app:1`, signal))).toMatchObject({ kind: 'not-found' });
  });
});

describe('the token flow', () => {
  const users = [{ name: 'ci', password: SECRET, identityToken: 'refresh-me' }];

  it('gets one token for many requests, and another one for another repository', async () => {
    const of = await registry({ auth: { type: 'token', users } });
    const on = client({ credentials: as(user()) });
    await push(on, `${of.host}/one:1`);
    await push(on, `${of.host}/one:2`);
    await push(on, `${of.host}/two:1`);
    const tokens = of.requests().filter(({ url }) => url.startsWith('/token'));
    expect(tokens.map(({ authorization }) => authorization)).toEqual(['basic', 'basic']);
    expect(tokens[0]?.url).toBe('/token?service=drydock&scope=repository%3Aone%3Apull%2Cpush');
  });

  it('works for nobody in particular where pulling is open, and not for pushing', async () => {
    const of = await registry({ auth: { type: 'token', users, anonymousPull: true } });
    await push(client({ credentials: as(user()) }), `${of.host}/app:1`);
    expect((await client().head(`${of.host}/app:1`, signal)).mediaType).toBe(OCI_INDEX);
    expect(await failure(push(client(), `${of.host}/app:2`))).toMatchObject({
      kind: 'denied',
      code: 'registry-unauthorized',
    });
  });

  it('exchanges an identity token, and takes access_token for an answer', async () => {
    const of = await registry({ auth: { type: 'token', users } });
    const on = client({ credentials: as({ type: 'identity-token', token: 'refresh-me' }) });
    await push(on, `${of.host}/app:1`);
    expect(of.requests().some(({ method, url }) => method === 'POST' && url === '/token')).toBe(true);
    const wrong = client({ credentials: as({ type: 'identity-token', token: SECRET }) });
    const error = await failure(wrong.head(`${of.host}/app:1`, signal));
    expect(error).toMatchObject({ kind: 'denied', code: 'registry-unauthorized' });
    expect(shown(error)).not.toContain(SECRET);
  });

  it('gets a new token when the old one has run out, after 60 s where no time is told', async () => {
    const clock = manualClock();
    const of = await registry({ clock, auth: { type: 'token', users, expiresInSeconds: 'omit' } });
    const on = client({ clock, credentials: as(user()) });
    await push(on, `${of.host}/app:1`);
    const asked = () => of.requests().filter(({ url }) => url.startsWith('/token')).length;
    await clock.advance(50_000);
    await push(on, `${of.host}/app:1`);
    expect(asked()).toBe(1);
    await clock.advance(10_000);
    await push(on, `${of.host}/app:1`);
    expect(asked()).toBe(2);
  });

  it('asks again, once, when a token is refused before its time', async () => {
    const clock = manualClock();
    const of = await registry({ auth: { type: 'token', users, expiresInSeconds: 3600 } });
    let lookups = 0;
    const credentials: CredentialSource = () => {
      lookups += 1;
      return Promise.resolve(user());
    };
    const on = client({ clock, credentials });
    await push(on, `${of.host}/app:1`);
    of.fail({ effect: { type: 'status', status: 401 }, operation: 'manifest' });
    // Without a challenge there is nothing to answer.
    expect(await failure(push(on, `${of.host}/app:1`))).toMatchObject({ kind: 'denied' });
    await of.close();
    const next = await registry({
      port: Number(of.host.split(':')[1]),
      auth: { type: 'token', users, expiresInSeconds: 3600 },
    });
    // The new registry does not know the tokens of the old one.
    await push(on, `${next.host}/app:1`);
    expect(lookups).toBe(2);
  });

  it('asks for both repositories of a mount', async () => {
    const of = await registry({ auth: { type: 'token', users } });
    const on = client({ credentials: as(user()) });
    const bytes = Buffer.from('shared');
    await on.pushBlob(`${of.host}/dev/app`, bytes, signal);
    const mounted = await on.pushBlob(`${of.host}/prod/app`, bytes, signal, { mountFrom: 'dev/app' });
    expect(mounted.outcome).toBe('mounted');
  });

  it('ends in an error when the token service answers nonsense or not at all, without repeating it', async () => {
    let body = `{"tolkien":"${SECRET}"}`;
    let status = 200;
    const url: string = await server((request, response) => {
      if (request.url?.startsWith('/token') === true) {
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
        return;
      }
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${url}/token",service="r"` }).end();
    });
    const host = url.replace('http://', '');
    const ask = () => failure(client({ credentials: as(user()) }).head(`${host}/app`, signal));
    const nonsense = await ask();
    expect(nonsense).toMatchObject({ kind: 'unavailable', code: 'registry-token-invalid' });
    expect(shown(nonsense)).not.toContain(SECRET);
    body = SECRET;
    expect(shown(await ask())).not.toContain(SECRET);
    body = '{"token":"line\\nbreak"}';
    expect(await ask()).toMatchObject({ code: 'registry-token-invalid' });
    status = 503;
    expect(await ask()).toMatchObject({ kind: 'unavailable', code: 'registry-unavailable' });
  });
});

describe('credentials', () => {
  it('are never sent to another origin that a registry redirects to', async () => {
    const seen: IncomingMessage[] = [];
    const elsewhere = await server((request, response) => {
      seen.push(request);
      response.writeHead(200, { 'content-type': OCI_INDEX }).end(EMPTY_INDEX);
    });
    const url = await server((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
        return;
      }
      response.writeHead(307, { location: `${elsewhere}/signed?token=abc` }).end();
    });
    const on = client({ credentials: as(user()) });
    await on.getManifest(`${url.replace('http://', '')}/app:1`, signal);
    expect(seen.map(({ url: path, headers }) => [path, headers.authorization])).toEqual([
      ['/signed?token=abc', undefined],
    ]);
  });

  it('are never sent to another origin that an upload is to go to', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await server((request, response) => {
      seen.push(request.headers.authorization);
      request.resume();
      response.writeHead(201).end();
    });
    const url = await server((request, response) => {
      request.resume();
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="r"' }).end();
      } else if (request.method === 'HEAD') {
        response.writeHead(404).end();
      } else {
        response.writeHead(202, { location: `${elsewhere}/upload` }).end();
      }
    });
    const on = client({ credentials: as(user()) });
    await on.pushBlob(`${url.replace('http://', '')}/app`, Buffer.from('x'), signal);
    expect(seen).toEqual([undefined]);
  });

  it('are not shown to a token service at an internal address, or without TLS', async () => {
    let realm = 'http://169.254.169.254/token';
    const url = await server((_, response) => {
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${realm}"` }).end();
    });
    const ask = () =>
      failure(client({ credentials: as(user()) }).head(`${url.replace('http://', '')}/app`, signal));
    expect(await ask()).toMatchObject({ kind: 'denied', code: 'registry-realm-refused' });
    realm = 'file:///etc/passwd';
    expect(await ask()).toMatchObject({ code: 'registry-realm-refused' });
  });

  it('are those of the mirror that is asked, not those of the registry it stands in for', async () => {
    const of = await registry({ auth: { type: 'basic', users: [{ name: 'ci', password: SECRET }] } });
    const asked: string[] = [];
    const credentials: CredentialSource = (host, repository) => {
      asked.push(`${host} ${repository}`);
      return Promise.resolve(user());
    };
    const mirrors = { 'registry.corp.io': { url: of.url, standIn: true } };
    await push(client({ credentials, mirrors }), 'registry.corp.io/team/app:1');
    expect(asked).toEqual([`${of.host} team/app`]);
  });

  it('do not matter to redirects that go round in circles: they end', async () => {
    const url: string = await server((request, response) => {
      response.writeHead(302, { location: `${url}${request.url ?? ''}x` }).end();
    });
    expect(await failure(client().head(`${url.replace('http://', '')}/app`, signal))).toMatchObject({
      kind: 'unavailable',
      code: 'registry-redirect-refused',
    });
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;

describe('TLS', () => {
  it.skipIf(!openssl)(
    `trusts an authority of one's own, and nobody else${openssl ? '' : ' (skipped: no openssl)'}`,
    async () => {
      const at = mkdtempSync(join(tmpdir(), 'landfall-tls-'));
      onTestFinished(() => rmSync(at, { recursive: true }));
      const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test';
      execFileSync(
        'openssl',
        [
          ...args.split(' '),
          '-addext',
          'subjectAltName=IP:127.0.0.1',
          '-keyout',
          join(at, 'key.pem'),
          '-out',
          join(at, 'cert.pem'),
        ],
        { stdio: 'ignore' },
      );
      const cert = readFileSync(join(at, 'cert.pem'), 'utf8');
      const of = await registry({ tls: { cert, key: readFileSync(join(at, 'key.pem'), 'utf8') } });
      const mirrors = { 'registry.corp.io': { url: of.url, standIn: true } };
      const digest = await push(client({ ca: [cert], mirrors }), 'registry.corp.io/app:1');
      expect((await client({ ca: [cert] }).head(`${of.host}/app:1`, signal)).digest).toBe(digest);
      const error = await failure(client({ mirrors }).head('registry.corp.io/app:1', signal));
      expect(error).toMatchObject({ kind: 'unavailable', code: 'registry-untrusted' });
      expect(error.hint).toContain('authority');
    },
  );
});
