import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getIn, getString, isJsonObject, parseYaml } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
import { hurriedClock } from '../apply/hurried-clock.ts';
import { ASKING, DO_WITHOUT, everyLeaf } from './every-command.ts';
import { newPerson } from './terminal.ts';
import type { Person, Ran } from './terminal.ts';

// Each command, and each way in which what it needs can be away: one document, one message, an exit code, no secret.
let person: Person;
let manifests: string;
const closing: (() => Promise<void>)[] = [];

const TOKEN = 'tok-3fb1c2d4e5f60718293a';
const PASSWORD = 'hunter2-of-the-proxy';
const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;
const MINUTE = 60_000;

beforeAll(async () => {
  person = await newPerson();
  manifests = path.join(person.folder, 'manifests');
  await mkdir(manifests);
  await writeFile(
    path.join(manifests, 'settings.yaml'),
    'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\n',
  );
});

afterAll(async () => {
  await Promise.all(closing.map((close) => close()));
  await person.leave();
});

function listening(server: Server): Promise<number> {
  closing.push(() => new Promise((resolve) => void server.close(() => resolve())));
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

/** An API server that answers everything like this. */
async function answering(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer);
  closing.push(() => Promise.resolve(server.closeAllConnections()));
  return `http://127.0.0.1:${await listening(server)}`;
}

function statusAnswer(code: number, reason: string, message: string): Promise<string> {
  return answering((_request, response) => {
    const body = { apiVersion: 'v1', kind: 'Status', status: 'Failure', code, reason, message };
    response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
}

/** Takes connections, and never says anything. */
async function blackHole(): Promise<string> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    closing.push(() => Promise.resolve(socket.destroy()).then(() => {}));
  });
  return `http://127.0.0.1:${await listening(server)}`;
}

function kubeconfigOf(server: string, extra: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'prod', cluster: { server, ...extra } }],
    users: [{ name: 'ci', user: { token: TOKEN } }],
    contexts: [{ name: 'prod', context: { cluster: 'prod', user: 'ci' } }],
    'current-context': 'prod',
  });
}

let files = 0;
async function fileOf(content: string | Buffer): Promise<string> {
  files += 1;
  const file = path.join(person.home, `given-${files}`);
  await writeFile(file, content);
  return file;
}

/** What holds of every failure. */
function check(args: readonly string[], ran: Ran, exits: readonly number[]): JsonValue {
  const where = `${args.join(' ')}\n${ran.out}\n${ran.err}`;
  expect(exits, where).toContain(ran.code);
  const document = JSON.parse(ran.out) as JsonValue;
  expect(isJsonObject(document) && Object.keys(document), where).toEqual(['error']);
  expect(getIn(document, 'error', 'exit'), where).toBe(ran.code);
  expect(getString(document, 'error', 'kind'), where).not.toBe('bug');
  expect(getString(document, 'error', 'message'), where).toMatch(/\S/);
  expect(getString(document, 'error', 'next'), where).toMatch(/\S/);
  expect(ran.out + ran.err, where).not.toMatch(STACK);
  for (const secret of [TOKEN, PASSWORD]) expect(ran.out + ran.err, where).not.toContain(secret);
  // One message, and what belongs to it; never the same thing told twice.
  expect(ran.err.match(/^✗ /gm)?.length, where).toBe(1);
  return document;
}

function argsOf(words: string): readonly string[] {
  const call = ASKING[words] ?? [];
  return [
    ...words.split(' '),
    ...call.map((word) => (word === '{manifests}' ? manifests : word)),
    '-o',
    'json',
  ];
}

/** 2 where the verdict or the comparison is what the exit code tells, 1 where something was to be done. */
function exitsWhereUnread(words: string): readonly number[] {
  return ['prove', 'trace', 'explain', 'note', 'status', 'diff'].includes(words) ? [2] : [1];
}

describe('the table of commands', () => {
  it('knows every one that takes a kubeconfig', () => {
    const taking = everyLeaf().flatMap(({ words, options }) =>
      options.includes('--kubeconfig') ? [words] : [],
    );
    // A group with a command of its own: landfall promote APP.
    expect([...taking, 'promote'].toSorted()).toEqual([...Object.keys(ASKING), ...DO_WITHOUT].toSorted());
  });
});

describe('wrong words', () => {
  const printing = everyLeaf().filter(({ options }) => options.includes('--output'));

  it.each(printing.map(({ words }) => words))(
    '%s answers an unknown option with a document',
    async (words) => {
      const args = [...words.split(' '), '--no-such-thing', '-o', 'json'];
      const document = check(args, await person.run(args), [3]);
      expect(getString(document, 'error', 'code')).toMatch(/^usage-(?:unknown-option|missing-mandatory)/);
    },
  );

  it.each(['-o json', '-ojson', '-o=json', '--output json', '--output=json'])(
    'are answered so with %s',
    async (flags) => {
      const args = ['prov', ...flags.split(' ')];
      const document = check(args, await person.run(args), [3]);
      expect(getString(document, 'error', 'message')).toBe("unknown command 'prov' (Did you mean prove?)");
    },
  );

  it('are told as text where text is asked for, and as YAML where that is', async () => {
    expect((await person.run(['prov'])).out).toBe('');
    expect((await person.run(['prov', '-o', 'json', '-o', 'text'])).out).toBe('');
    const { out } = await person.run(['prov', '-o', 'yaml']);
    expect(getString(parseYaml(out, 'out')[0] ?? null, 'error', 'code')).toBe('usage-unknown-command');
  });

  it('give a document that its schema describes', async () => {
    const file = path.resolve(import.meta.dirname, '../../docs/failure.schema.json');
    const schema = JSON.parse(await readFile(file, 'utf8')) as JsonValue;
    const { out } = await person.run(['prov', '-o', 'json']);
    const error = getIn(JSON.parse(out) as JsonValue, 'error');
    const described = getIn(schema, 'properties', 'error', 'properties');
    expect(isJsonObject(error) && Object.keys(error)).toEqual(
      isJsonObject(described) && Object.keys(described),
    );
    expect(getIn(schema, 'properties', 'error', 'required')).toEqual(
      isJsonObject(described) && Object.keys(described),
    );
    expect(getIn(described, 'kind', 'enum')).toContain(getString(error, 'kind'));
  });
});

describe('a cluster that', () => {
  const CASES: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
    [
      'refuses connections',
      () => Promise.resolve(kubeconfigOf('https://127.0.0.1:1')),
      /connection was refused/,
    ],
    [
      'has a name that does not resolve',
      () => Promise.resolve(kubeconfigOf('https://cluster.invalid:6443')),
      /does not resolve|connection failed/,
    ],
    [
      'has let the token expire',
      async () => kubeconfigOf(await statusAnswer(401, 'Unauthorized', `token ${TOKEN} has expired`)),
      /Unauthorized|refused|expired/,
    ],
    [
      'permits nothing',
      async () => kubeconfigOf(await statusAnswer(403, 'Forbidden', 'User "ci" cannot do this')),
      /cannot do this/,
    ],
    [
      'is a proxy that wants to be logged in to',
      async () =>
        kubeconfigOf(
          await answering((_request, response) => {
            response.writeHead(407, { 'content-type': 'text/html' }).end('<html>who are you?</html>');
          }),
        ),
      /407|who are you/,
    ],
    [
      'is a page of a load balancer',
      async () =>
        kubeconfigOf(
          await answering((_request, response) => {
            response.writeHead(502, { 'content-type': 'text/html' }).end('<html>Bad Gateway</html>');
          }),
        ),
      /502|Bad Gateway/,
    ],
    [
      'speaks HTTP where TLS is expected',
      async () =>
        kubeconfigOf(
          (await answering((_request, response) => void response.end())).replace('http:', 'https:'),
        ),
      /protocol|connection/,
    ],
    [
      'is reached through a proxy',
      () =>
        Promise.resolve(
          kubeconfigOf('https://127.0.0.1:1', { 'proxy-url': `http://me:${PASSWORD}@proxy.corp.io:3128` }),
        ),
      /proxy/,
    ],
    [
      'has a server with a password in it',
      () => Promise.resolve(kubeconfigOf(`https://me:${PASSWORD}@127.0.0.1:1`)),
      /connection was refused/,
    ],
    [
      'has a server that is no URL',
      () => Promise.resolve(kubeconfigOf(`https://me:${PASSWORD}@[half`)),
      /a URL is wanted/,
    ],
  ];

  it.each(CASES)('%s is told by every command', { timeout: MINUTE }, async (_title, config, wanted) => {
    const kubeconfig = await fileOf(await config());
    for (const words of Object.keys(ASKING)) {
      const args = argsOf(words);
      const ran = await person.run(args, { env: { KUBECONFIG: kubeconfig } });
      const document = check(args, ran, [...exitsWhereUnread(words), 3]);
      expect(getString(document, 'error', 'message'), args.join(' ')).toMatch(wanted);
    }
  });

  it('never answers holds no command up for good', { timeout: 2 * MINUTE }, async () => {
    const kubeconfig = await fileOf(kubeconfigOf(await blackHole()));
    for (const words of Object.keys(ASKING)) {
      const args = argsOf(words);
      // Every wait passes sixty times as fast: 30 s are half a second.
      const clock = hurriedClock(60);
      const before = clock.now();
      const ran = await person.run(args, { env: { KUBECONFIG: kubeconfig }, clock });
      const document = check(args, ran, exitsWhereUnread(words));
      expect(getString(document, 'error', 'code'), args.join(' ')).toBe('kube-timeout');
      // By that clock, and with what a loaded machine adds to it.
      expect(clock.now() - before, args.join(' ')).toBeLessThan(20 * MINUTE);
    }
  });
});

describe('Ctrl-C', () => {
  it(
    'ends every command that waits for a cluster, with 130 and a document',
    { timeout: 2 * MINUTE },
    async () => {
      for (const words of Object.keys(ASKING)) {
        const stop = new AbortController();
        const kubeconfig = await fileOf(kubeconfigOf(await answering(() => stop.abort())));
        const args = argsOf(words);
        const ran = await person.run(args, { env: { KUBECONFIG: kubeconfig }, signal: stop.signal });
        expect([words, ran.code, ran.err]).toEqual([words, 130, 'stopped\n']);
        expect([words, JSON.parse(ran.out)]).toMatchObject([
          words,
          { error: { kind: 'cancelled', code: 'interrupted', exit: 130 } },
        ]);
      }
    },
  );
});

describe('Git and registries that', () => {
  const refusing = (status: number) =>
    answering((_request, response) => {
      response
        .writeHead(status, { 'www-authenticate': `Basic realm="${PASSWORD}"` })
        .end(`no entry for ${PASSWORD}`);
    });

  it.each<[string, (place: string) => readonly string[], number, RegExp]>([
    [
      'refuse credentials in a URL',
      (place) => ['builds', 'run', 'web', '--declared-in', `${place}/deploy.git`],
      401,
      /refused the credentials/,
    ],
    [
      'forbid a repository',
      (place) => ['builds', 'run', 'web', '--declared-in', `${place}/deploy.git`],
      403,
      /refused the credentials/,
    ],
  ])('%s are told without them', { timeout: MINUTE }, async (_title, words, status, wanted) => {
    const place = (await refusing(status)).replace('//', `//me:${PASSWORD}@`);
    const args = [...words(place), '-o', 'json'];
    const document = check(args, await person.run(args), [1]);
    expect(getString(document, 'error', 'message')).toMatch(wanted);
  });

  it('refuse a connection are told without the credentials of the URL', { timeout: MINUTE }, async () => {
    const args = [
      'builds',
      'run',
      'web',
      '--declared-in',
      `https://me:${PASSWORD}@127.0.0.1:1/deploy.git`,
      '-o',
      'json',
    ];
    expect(getString(check(args, await person.run(args), [1]), 'error', 'kind')).toBe('unavailable');
  });

  it.each([401, 403])('answer a report of a build with %i are told', { timeout: MINUTE }, async (status) => {
    const mirror = await refusing(status);
    const commit = 'a'.repeat(40);
    const words = `builds report registry.corp.io/web:1 --repository https://git.corp.io/web.git --commit ${commit} --ref refs/heads/main --registry-mirror registry.corp.io=${mirror} -o json`;
    const args = words.split(' ');
    const document = check(args, await person.run(args, { env: { CI: 'true' } }), [1]);
    expect(getString(document, 'error', 'kind')).toBe('denied');
    expect(getString(document, 'error', 'message')).toContain('registry.corp.io');
  });
});

describe('a ledger that', () => {
  /** Commands that ask nothing but the ledger. */
  const OF_LEDGER = [
    'history shop',
    'note shop 01m',
    'holds list',
    'holds lift 01m',
    'builds list',
    'builds show 01m',
  ];
  const CASES: readonly (readonly [
    string,
    () => Promise<Readonly<Record<string, string>>>,
    RegExp,
    number,
  ])[] = [
    [
      'has a file in the place of its folder',
      async () => ({ XDG_STATE_HOME: await fileOf('') }),
      /cannot be opened for writing/,
      1,
    ],
    [
      'is no database',
      async () => {
        const state = path.join(person.home, 'damaged');
        await mkdir(path.join(state, 'landfall'), { recursive: true });
        await writeFile(path.join(state, 'landfall', 'ledger.db'), 'this is no database, '.repeat(500));
        return { XDG_STATE_HOME: state };
      },
      /is damaged/,
      1,
    ],
    [
      'is a folder',
      async () => {
        const state = path.join(person.home, 'folder');
        await mkdir(path.join(state, 'landfall', 'ledger.db'), { recursive: true });
        return { XDG_STATE_HOME: state };
      },
      /cannot be opened for writing/,
      1,
    ],
    [
      'cannot be reached',
      () => Promise.resolve({ LANDFALL_LEDGER: `postgres://me:${PASSWORD}@127.0.0.1:1/landfall` }),
      /cannot be used: .*ECONNREFUSED/,
      1,
    ],
    [
      'has an address of something else',
      () => Promise.resolve({ LANDFALL_LEDGER: `mysql://me:${PASSWORD}@127.0.0.1:1/landfall` }),
      /The address of a ledger is postgres:/,
      3,
    ],
  ];

  it.each(CASES)('%s is told by every command', { timeout: MINUTE }, async (_title, place, wanted, exit) => {
    const env = await place();
    for (const words of OF_LEDGER) {
      const args = [...words.split(' '), '-o', 'json'];
      const judging = words.startsWith('note') && exit === 1;
      const document = check(args, await person.run(args, { env }), judging ? [2] : [exit]);
      expect(getString(document, 'error', 'message'), words).toMatch(wanted);
    }
  });
});

describe('a kubeconfig that', () => {
  const CASES: readonly (readonly [string, () => Promise<string>, RegExp])[] = [
    ['is a folder', () => Promise.resolve(person.folder), /folder/],
    ['is empty', () => fileOf(''), /No cluster is configured/],
    ['is no text', () => fileOf(Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 0x80])), /given-\d+/],
    ['is no UTF-8', () => fileOf(Buffer.from([0x61, 0x3a, 0x20, 0xc3, 0x28, 10])), /given-\d+/],
    [
      'has 100 MB',
      () => {
        const file = path.join(person.home, 'large');
        writeFileSync(file, 'apiVersion: v1\n');
        truncateSync(file, 100 * 1024 * 1024);
        return Promise.resolve(file);
      },
      /larger than/,
    ],
    ['never ends', () => Promise.resolve('/dev/zero'), /larger than/],
    ['is JSON cut in the middle', () => fileOf('{"clusters": ['), /given-\d+:1:\d+/],
  ];

  it.each(CASES)('%s is told by every command', { timeout: MINUTE }, async (_title, config, wanted) => {
    const kubeconfig = await config();
    for (const words of Object.keys(ASKING)) {
      const args = argsOf(words);
      const ran = await person.run(args, { env: { KUBECONFIG: kubeconfig } });
      const document = check(args, ran, words === 'diff' ? [2] : [3]);
      expect(getString(document, 'error', 'message'), args.join(' ')).toMatch(wanted);
    }
  });

  it('is one of several gives what the others do not name', async () => {
    const users = await fileOf(
      JSON.stringify({ apiVersion: 'v1', kind: 'Config', users: [{ name: 'ci', user: { token: TOKEN } }] }),
    );
    const { users: _left, ...rest } = JSON.parse(kubeconfigOf('https://127.0.0.1:1')) as Record<
      string,
      unknown
    >;
    const clusters = await fileOf(JSON.stringify(rest));
    const KUBECONFIG = ['/nowhere/config', users, clusters].join(path.delimiter);
    const ran = await person.run(['prove', 'shop', '-o', 'json'], { env: { KUBECONFIG } });
    expect(getString(check(['prove'], ran, [2]), 'error', 'code')).toBe('kube-unreachable');
  });
});
