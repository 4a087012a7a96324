import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LandfallError, type JsonObject, type JsonValue } from '../kernel/index.ts';
import { decodeAuthEntry } from './auth-entry.ts';
import { readToken } from './authorizer.ts';
import { chooseChallenge, parseChallenges } from './challenge.ts';
import { firstOf, type Credentials, type CredentialSource } from './credentials.ts';
import { dockerCredentials } from './docker-credentials.ts';
import { pullSecretCredentials } from './pull-secrets.ts';
import { parseReference } from './reference.ts';
import { checkRealm, isLoopbackHost } from './token-realm.ts';

interface Expected {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
  readonly anonymous?: boolean;
}

interface Row {
  readonly id: string;
  readonly kind: string;
  readonly config?: string | null;
  readonly configIsDirectory?: boolean;
  readonly target?: string;
  readonly targetKind?: string;
  readonly expected?: Expected;
  readonly error?: boolean | string;
  readonly errorPrefix?: string;
  readonly errorContains?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly helperAskedFor?: string;
  readonly helperReturns?: { readonly username?: string; readonly secret?: string; readonly error?: string };
  readonly json?: string;
  readonly keychains?: readonly Readonly<Record<string, Expected>>[];
  readonly secrets?: readonly { readonly type: string; readonly name: string; readonly auths: JsonObject }[];
  readonly wwwAuthenticate?: readonly string[];
  readonly scheme?: string;
  readonly parameterCount?: number;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly realm?: string;
  readonly registryHost?: string;
  readonly insecure?: boolean;
  readonly registry?: string;
  readonly requestsSeenByServer?: number;
}

const folder = process.env['LANDFALL_CONFORMANCE'] ?? join(process.cwd(), '..', 'shared', 'conformance');
const file = join(folder, 'images', 'registry-auth.json');
const there = existsSync(file);
const rows = there ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Row[]) : [];
const { signal } = new AbortController();

/** Kinds of rows about what this client does not do, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  'auth-entry-encode': 'no Docker configuration is ever written',
  'canonical-address': 'origins are compared by URL, which fills in ports itself',
  'scheme-override': 'a scheme is configured, not part of a registry name',
};

/** A row's target as the client would ask for it: Docker Hub by the host that its credentials are kept under. */
function targetOf({ target = '', targetKind }: Row): readonly [string, string] {
  if (targetKind === 'registry') return [target, ''];
  const { registry, repository } = parseReference(target);
  return [registry === 'docker.io' ? 'index.docker.io' : registry, repository];
}

function plain(credentials: Credentials | undefined): Expected {
  switch (credentials?.type) {
    case undefined:
      return { anonymous: true };
    case 'basic':
      return { username: credentials.username, password: credentials.password };
    case 'identity-token':
      return { identityToken: credentials.token };
    case 'registry-token':
      return { registryToken: credentials.token };
    default:
      return credentials satisfies never;
  }
}

function wanted(expected: Expected = {}): Expected {
  const { username, password, identityToken, registryToken, anonymous } = expected;
  if (registryToken !== undefined) return { registryToken };
  if (identityToken !== undefined) return { identityToken };
  if (anonymous === true || (username === undefined && password === undefined)) return { anonymous: true };
  return { username: username ?? '', password: password ?? '' };
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const made = await mkdtemp(join(tmpdir(), 'landfall-auth-'));
  try {
    return await work(made);
  } finally {
    await rm(made, { recursive: true, force: true });
  }
}

async function helperIn(at: string, name: string, script: string): Promise<void> {
  const path = join(at, `docker-credential-${name}`);
  await writeFile(path, `#!${process.execPath}\n${script}`);
  await chmod(path, 0o755);
}

const HELPER = `
let server = '';
process.stdin.on('data', (chunk) => (server += chunk)).on('end', () => {
  const { asked, returns } = JSON.parse(process.env.HELPER);
  if (returns.error !== undefined || server !== asked) {
    console.log('credentials not found in native keychain');
    process.exit(1);
  }
  console.log(JSON.stringify({ ServerURL: server, Username: returns.username, Secret: returns.secret }));
});
`;

async function ask(source: CredentialSource, row: Row): Promise<Expected> {
  const [host, repository] = targetOf(row);
  return plain(await source(host, repository, signal));
}

function fixed(answers: Readonly<Record<string, Expected>>): CredentialSource {
  return (host) => {
    const { username, password } = answers[host] ?? {};
    return Promise.resolve(
      username === undefined ? undefined : { type: 'basic', username, password: password ?? '' },
    );
  };
}

async function answer(row: Row): Promise<unknown> {
  switch (row.kind) {
    case 'docker-config':
      return inFolder(async (at) => {
        if (row.configIsDirectory === true) await mkdir(join(at, 'config.json'));
        else if (typeof row.config === 'string') await writeFile(join(at, 'config.json'), row.config);
        return ask(dockerCredentials({ env: { DOCKER_CONFIG: at } }), row);
      });
    case 'lookup-order':
      return inFolder(async (at) => {
        for (const [path, text] of Object.entries(row.files ?? {})) {
          await mkdir(dirname(join(at, path)), { recursive: true });
          await writeFile(join(at, path), text);
        }
        const env = Object.fromEntries(
          Object.entries(row.env ?? {}).map(([name, value]) => [name, join(at, value)]),
        );
        return ask(dockerCredentials({ env }), row);
      });
    case 'credential-helper':
      return inFolder(async (at) => {
        await helperIn(at, 'fixed', HELPER);
        await writeFile(join(at, 'config.json'), '{"credsStore":"fixed"}');
        const [host] = targetOf(row);
        const asked = row.helperAskedFor ?? host;
        const env = {
          DOCKER_CONFIG: at,
          PATH: at,
          HELPER: JSON.stringify({ asked, returns: row.helperReturns ?? { error: 'none' } }),
        };
        return ask(dockerCredentials({ env }), row);
      });
    case 'auth-entry-decode':
      return plain(decodeAuthEntry(JSON.parse(row.json ?? '') as JsonValue, 'the entry'));
    case 'keychain-order':
      return ask(firstOf(...(row.keychains ?? []).map(fixed)), row);
    case 'pull-secrets': {
      const secrets = (row.secrets ?? []).map(({ type, name, auths }) => {
        const old = type === 'kubernetes.io/dockercfg';
        const text = JSON.stringify(old ? auths : { auths });
        const data = { [old ? '.dockercfg' : '.dockerconfigjson']: Buffer.from(text).toString('base64') };
        return { type, name, data };
      });
      return ask(pullSecretCredentials(secrets), row);
    }
    default:
      throw new Error(`no such kind: ${row.kind}`);
  }
}

async function difference(row: Row): Promise<readonly string[]> {
  const differs = (found: unknown, want: unknown) =>
    JSON.stringify(found) === JSON.stringify(want)
      ? []
      : [`${row.id}: ${JSON.stringify(found)}, wanted ${JSON.stringify(want)}`];
  const fails = async (work: () => unknown): Promise<boolean> => {
    try {
      await work();
      return false;
    } catch (error) {
      if (error instanceof LandfallError || error instanceof SyntaxError) return true;
      throw error;
    }
  };
  const mustFail =
    (row.error !== undefined && row.error !== false) ||
    row.errorPrefix !== undefined ||
    row.errorContains !== undefined;
  switch (row.kind) {
    case 'ping-challenge':
    case 'challenge-parse': {
      const chosen = chooseChallenge(parseChallenges(row.wwwAuthenticate ?? []));
      if (row.scheme === undefined) return [];
      const count = Object.keys(chosen?.parameters ?? {}).length;
      return [
        ...differs(chosen?.scheme, row.scheme),
        ...(row.parameterCount === undefined ? [] : differs(count, row.parameterCount)),
        ...(row.parameters === undefined ? [] : differs(chosen?.parameters, row.parameters)),
      ];
    }
    case 'token-response':
      return differs(await fails(() => readToken(row.body ?? '', 0, 'https://auth.example.com')), mustFail);
    case 'realm-url':
      return differs(
        await fails(() => checkRealm(row.realm ?? '', row.registryHost ?? '', row.insecure ?? false)),
        mustFail,
      );
    case 'http-fallback':
      // Two requests mean that plain HTTP was tried after TLS.
      if (row.requestsSeenByServer === undefined || row.requestsSeenByServer === 0) return [];
      return differs(isLoopbackHost(row.registry ?? ''), row.requestsSeenByServer === 2);
    default:
      if (mustFail) return differs(await fails(() => answer(row)), true);
      return differs(await answer(row), wanted(row.expected));
  }
}

describe('credentials for registries', () => {
  const judged = rows.filter((row) => !(row.kind in NOT_HERE));

  it.skipIf(!there)(
    `are found and used as go-containerregistry does${there ? '' : ` (skipped: no ${file})`}`,
    async () => {
      expect(judged.length).toBeGreaterThan(40);
      const wrong: string[] = [];
      for (const row of judged) wrong.push(...(await difference(row)));
      expect(wrong).toEqual([]);
    },
  );

  it('of a helper are taken for the host it is set for, and the rest of the file for others', () =>
    inFolder(async (at) => {
      await helperIn(at, 'fixed', HELPER);
      await writeFile(
        join(at, 'config.json'),
        JSON.stringify({
          credHelpers: { 'one.corp.io': 'fixed' },
          auths: { 'two.corp.io': { auth: Buffer.from('two:2').toString('base64') } },
        }),
      );
      const returns = { username: '<token>', secret: 'refresh' };
      const env = { DOCKER_CONFIG: at, PATH: at, HELPER: JSON.stringify({ asked: 'one.corp.io', returns }) };
      const source = dockerCredentials({ env });
      expect(await source('one.corp.io', 'app', signal)).toEqual({
        type: 'identity-token',
        token: 'refresh',
      });
      expect(plain(await source('two.corp.io', 'app', signal))).toEqual({ username: 'two', password: '2' });
      expect(await source('three.corp.io', 'app', signal)).toBeUndefined();
    }));

  it('are an error, not anonymous, when the helper is missing or broken, and the error tells no secret', () =>
    inFolder(async (at) => {
      await helperIn(at, 'broken', `console.log('the secret is hunter2'); process.exit(3);`);
      const failure = async (name: string) => {
        await writeFile(join(at, 'config.json'), JSON.stringify({ credsStore: name }));
        const source = dockerCredentials({ env: { DOCKER_CONFIG: at, PATH: at } });
        return source('one.corp.io', 'app', signal).then(
          () => new Error('accepted'),
          (error: unknown) => error as LandfallError,
        );
      };
      expect(await failure('absent')).toMatchObject({ kind: 'not-found', code: 'credential-helper-failed' });
      const broken = await failure('broken');
      expect(broken).toMatchObject({ kind: 'unavailable', code: 'credential-helper-failed' });
      expect(JSON.stringify([broken.message, broken.cause])).not.toContain('hunter2');
      expect(await failure('../../bin/sh')).toMatchObject({ kind: 'invalid-input' });
    }));

  it('in a file that does not parse are an error that does not repeat the file', () =>
    inFolder(async (at) => {
      await writeFile(join(at, 'config.json'), '{"auths": {"a.io": {"auth": "hunter2"}');
      const source = dockerCredentials({ env: { DOCKER_CONFIG: at } });
      const error = await source('a.io', 'app', signal).then(
        () => new Error('accepted'),
        (thrown: unknown) => thrown as LandfallError,
      );
      expect(error).toMatchObject({ kind: 'invalid-input', code: 'docker-config-invalid' });
      expect(JSON.stringify([error.message, String(error.cause)])).not.toContain('hunter2');
      await writeFile(join(at, 'config.json'), '{"auths": {"a.io": {"auth": "hunter2!"}}}');
      await expect(source('a.io', 'app', signal)).rejects.toMatchObject({ code: 'docker-config-invalid' });
    }));

  it('of one repository are not shown for its neighbour', () =>
    inFolder(async (at) => {
      const auth = Buffer.from('own:1').toString('base64');
      await writeFile(join(at, 'config.json'), JSON.stringify({ auths: { 'a.io/team/app': { auth } } }));
      const source = dockerCredentials({ env: { DOCKER_CONFIG: at } });
      expect(await source('a.io', 'team/app', signal)).toBeDefined();
      expect(await source('a.io', 'team/app/sub', signal)).toBeDefined();
      expect(await source('a.io', 'team/application', signal)).toBeUndefined();
      expect(await source('a.io', 'team', signal)).toBeUndefined();
    }));
});

describe('challenges', () => {
  it('are read when several stand in one header, and a token is preferred', () => {
    const found = parseChallenges([
      'Basic realm="a, b", Bearer realm="https://auth.example.com/token",service="r",scope="repository:a:pull,push"',
    ]);
    expect(found.map(({ scheme }) => scheme)).toEqual(['basic', 'bearer']);
    expect(chooseChallenge(found)?.parameters['scope']).toBe('repository:a:pull,push');
  });

  it('that are broken or hostile end in nothing, quickly', () => {
    expect(parseChallenges(['', '=', '"', 'Bearer realm="unclosed'])).toBeDefined();
    expect(chooseChallenge(parseChallenges(['Negotiate abc=', 'Digest realm="x"']))).toBeUndefined();
    const started = performance.now();
    parseChallenges([
      `Bearer ${'a="\\'.repeat(50_000)}`,
      ' ,'.repeat(100_000),
      `Bearer ${'a='.repeat(100_000)}`,
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
