import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getString } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from './served.fixture.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';
const HEAD = 'Host: x\r\nAuthorization: Bearer a-token-for-tests\r\n';

let server: TestServer;
const sockets: Socket[] = [];
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});

/** A connection on which that was sent, and all that came back so far. */
async function raw(text: string): Promise<{ readonly socket: Socket; readonly got: () => string }> {
  const socket = connect({ port: server.served.port, host: '127.0.0.1', allowHalfOpen: true });
  sockets.push(socket);
  let got = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    got += chunk.toString('utf8');
  });
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(text);
  return { socket, got: () => got };
}

async function until(what: string, probe: () => boolean): Promise<void> {
  for (let tried = 0; tried < 1000; tried++) {
    if (probe()) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  throw new Error(`waited in vain for: ${what}`);
}

async function alive(): Promise<void> {
  expect((await server.call('GET', '/api/v1/namespaces/default')).status).toBe(200);
}

describe('what clients do wrong', () => {
  it('two thousand idle watches are told of a change, and cost little', async () => {
    const before = process.memoryUsage().rss;
    const watch = `GET ${MAPS}?watch=true&resourceVersion=0 HTTP/1.1\r\n${HEAD}\r\n`;
    const open = await Promise.all(Array.from({ length: 2000 }, () => raw(watch)));
    await until('all watches to be open', () => open.every(({ got }) => got().includes('kube-root-ca.crt')));
    await server.call('POST', MAPS, { metadata: { name: 'news' } });
    await until('all to be told', () => open.every(({ got }) => got().includes('"name":"news"')));
    // Both ends of every connection live in this process.
    expect((process.memoryUsage().rss - before) / 2 ** 20).toBeLessThan(400);
    await alive();
  }, 30_000);

  it('a watcher that never reads is cut off, and holds up nobody', async () => {
    const { socket } = await raw(`GET ${MAPS}?watch=true&resourceVersion=0 HTTP/1.1\r\n${HEAD}\r\n`);
    socket.pause();
    let gone = false;
    for (const event of ['end', 'close', 'error']) {
      socket.on(event, () => {
        gone = true;
      });
    }
    const data = { blob: 'x'.repeat(500_000) };
    await server.call('POST', MAPS, { metadata: { name: 'big' }, data });
    for (let index = 0; index < 80; index++) {
      const patch = { metadata: { annotations: { index: String(index) } } };
      const headers = { 'content-type': 'application/merge-patch+json' };
      expect((await server.call('PATCH', `${MAPS}/big`, patch, headers)).status).toBe(200);
    }
    socket.resume();
    await until('the watcher to be cut off', () => gone);
    await alive();
  });

  it('a client that closes its half of the connection still gets its answer', async () => {
    const { socket, got } = await raw(`GET /version HTTP/1.1\r\n${HEAD}\r\n`);
    socket.end();
    await until('the answer', () => got().includes('gitVersion'));
    await alive();
  });

  it('half a request, and no HTTP at all, harm nobody', async () => {
    await raw(`POST ${MAPS} HTTP/1.1\r\n${HEAD}Content-Length: 1000\r\n\r\n{"metadata":`);
    const { got } = await raw('\x16\x03\x01\x02\x00 what is this\r\n\r\n');
    await until('a refusal', () => got().startsWith('HTTP/1.1 400'));
    await alive();
  });

  it.each([
    ['labelSelector', 'a b c', 400],
    ['labelSelector', '(((((', 400],
    ['labelSelector', 'a in (', 400],
    ['labelSelector', `a in (${Array.from({ length: 5000 }, (_, index) => `v${index}`).join(',')})`, 200],
    ['labelSelector', Array.from({ length: 3000 }, (_, index) => `k${index}`).join(','), 200],
    ['labelSelector', `${'a'.repeat(5000)}=b`, 400],
    ['labelSelector', '__proto__=x', 400],
    ['fieldSelector', 'metadata.name==a==b', 400],
    ['fieldSelector', 'spec.nodeName=x', 400],
    ['fieldSelector', '__proto__.x=y', 400],
    ['limit', '-1', 200],
    ['limit', 'many', 400],
    ['continue', 'bm90IGEgdG9rZW4', 400],
    ['resourceVersion', 'yesterday', 400],
  ])('a hostile %s is answered at once: %s', async (name, value, status) => {
    const started = performance.now();
    const answer = await server.call('GET', `${MAPS}?${name}=${encodeURIComponent(value)}`);
    expect([answer.status, getString(answer.body, 'kind')]).toEqual([
      status,
      status === 200 ? 'ConfigMapList' : 'Status',
    ]);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each([
    [
      'an alias bomb',
      'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g]\n',
    ],
    ['an unclosed bracket', 'metadata: {name: [\n'],
    ['a tag that makes objects', 'metadata: !!js/function "return 1"\n'],
  ])('%s in YAML is refused', async (_what, text) => {
    const started = performance.now();
    const answer = await server.call('POST', MAPS, text, { 'content-type': 'application/yaml' });
    expect([answer.status, getString(answer.body, 'kind')]).toEqual([400, 'Status']);
    expect(performance.now() - started).toBeLessThan(2000);
    await alive();
  });

  it.each([
    ['%00', 404],
    ['..%2f..%2fsecrets', 404],
    ['a'.repeat(300), 404],
    ['%ff%fe', 404],
  ])('a name that breaks the rules is not found: %s', async (name, status) => {
    const answer = await server.call('GET', `${MAPS}/${name}`);
    expect([answer.status, getString(answer.body, 'kind')]).toEqual([status, 'Status']);
  });

  it('a patch of too many operations, and one that copies itself ever larger, are refused', async () => {
    await server.call('POST', MAPS, { metadata: { name: 'p' }, data: { a: 'x'.repeat(1000) } });
    const type = { 'content-type': 'application/json-patch+json' };
    const many = Array.from({ length: 20_000 }, () => ({ op: 'test', path: '/kind', value: 'ConfigMap' }));
    expect((await server.call('PATCH', `${MAPS}/p`, many, type)).status).toBeGreaterThanOrEqual(400);
    const growing = Array.from({ length: 60 }, (_, index) => ({
      op: 'copy',
      from: '/metadata',
      path: `/metadata/x${index}`,
    }));
    const started = performance.now();
    expect((await server.call('PATCH', `${MAPS}/p`, growing, type)).status).toBeGreaterThanOrEqual(400);
    expect(performance.now() - started).toBeLessThan(2000);
    await alive();
  });

  it.each<[string, number, string]>([
    [
      'resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    [
      'resourceVersion=0&resourceVersionMatch=Exact',
      422,
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    ],
    ['resourceVersion=1&resourceVersionMatch=Any', 422, 'supported values: "Exact", "NotOlderThan", ""'],
    ['sendInitialEvents=true', 422, 'sendInitialEvents is forbidden for list'],
    [
      'watch=true&sendInitialEvents=true',
      422,
      'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
    ],
    [
      'watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan',
      422,
      'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
    ],
    ['timeoutSeconds=soon', 400, 'strconv.ParseInt: parsing "soon": invalid syntax'],
  ])('a list with %s is refused', async (query, status, message) => {
    const answer = await server.call('GET', `${MAPS}?${query}`);
    expect(answer.status).toBe(status);
    expect(getString(answer.body, 'message')).toContain(message);
  });

  it('a JSON patch of too many steps is too large', async () => {
    const steps = Array.from({ length: 10_001 }, () => ({ op: 'add', path: '/data', value: {} }));
    const type = { 'content-type': 'application/json-patch+json' };
    const answer = await server.call('PATCH', `${MAPS}/kube-root-ca.crt`, steps, type);
    expect(answer.status).toBe(413);
    expect(getString(answer.body, 'message')).toBe(
      'Request entity is too large: The allowed maximum operations in a JSON patch is 10000, got 10001',
    );
  });

  it.each<[string, unknown, string]>([
    [
      'json-patch',
      {},
      'error decoding patch: json: cannot unmarshal object into Go value of type []interface {}',
    ],
    [
      'merge-patch',
      [],
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    ],
    [
      'strategic-merge-patch',
      'text',
      'json: cannot unmarshal string into Go value of type map[string]interface {}',
    ],
  ])('a %s of %j is told what a patch is', async (type, patch, message) => {
    const headers = { 'content-type': `application/${type}+json` };
    const answer = await server.call('PATCH', `${MAPS}/kube-root-ca.crt`, JSON.stringify(patch), headers);
    expect(answer.status).toBe(400);
    expect(getString(answer.body, 'message')).toBe(message);
  });
});
