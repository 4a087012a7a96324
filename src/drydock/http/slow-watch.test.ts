import { request, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getString, isJsonObject, parseJson, type JsonObject } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from './served.fixture.ts';

const CONFIG_MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const TESTER = { fieldManager: 'test' };
/** More than may wait to be sent and than the network itself holds, so that what there is at first is told in several goes. */
const COUNT = 400;
const SIZE = 64 * 1024;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ keptChanges: 200 });
  for (let index = 0; index < COUNT; index++) await write(index, 'first');
});
afterAll(() => server.close());

async function write(index: number, value: string): Promise<void> {
  const name = `map-${index}`;
  const data = { value, filler: 'x'.repeat(SIZE) };
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
  const known = server.api.get(CONFIG_MAPS, 'default', name) !== undefined;
  if (known) await server.api.update(CONFIG_MAPS, object, TESTER);
  else await server.api.create(CONFIG_MAPS, object, TESTER);
}

/** A watch that nobody reads yet. */
function openWatch(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const url = `${server.served.url}/api/v1/namespaces/default/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    const headers = { authorization: 'Bearer a-token-for-tests' };
    const sent = request(url, { headers }, (response) => {
      response.pause();
      resolve(response);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** Reads events until one is the last that is wanted, or the watch ends. */
async function readUntil(
  response: IncomingMessage,
  last: (event: JsonObject) => boolean,
): Promise<JsonObject[]> {
  const events: JsonObject[] = [];
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const event = parseJson(line, 'event');
      if (!isJsonObject(event)) throw new Error(`not an event: ${line.slice(0, 100)}`);
      events.push(event);
      if (last(event)) {
        response.destroy();
        return events;
      }
    }
  }
  return events;
}

const valueOf = (event: JsonObject) => getString(event, 'object', 'data', 'value');

describe('a client that is slow to read what there is', () => {
  it('is told it all, and then what changed meanwhile', async () => {
    const response = await openWatch();
    for (let index = 0; index < 50; index++) await write(index, 'second');
    await server.api.delete(CONFIG_MAPS, 'default', 'map-399');
    const events = await readUntil(response, (event) => event.type === 'DELETED');
    const state = new Map<string, string>();
    for (const event of events) {
      const name = getString(event, 'object', 'metadata', 'name') ?? '';
      if (event.type === 'DELETED') state.delete(name);
      else if (event.type !== 'BOOKMARK') state.set(name, valueOf(event) ?? '');
    }
    const listed = server.api.list(CONFIG_MAPS, { namespace: 'default' }).items;
    for (const { metadata, data } of listed) {
      const value = (data as { value?: string } | undefined)?.value ?? '';
      expect(state.get(metadata.name), metadata.name).toBe(value);
    }
    expect(state.size).toBe(listed.length);
    // The end of what there was at first stands between it and every change.
    const end = events.findIndex(({ type }) => type === 'BOOKMARK');
    expect(events.slice(0, end).every(({ type }) => type === 'ADDED')).toBe(true);
    expect(end).toBeGreaterThanOrEqual(COUNT - 1);
  });

  it('is told to list again when more changed meanwhile than is kept', async () => {
    const response = await openWatch();
    for (let round = 0; round < 500; round++) await write(round % 10, `round ${round}`);
    const events = await readUntil(response, ({ type }) => type === 'ERROR');
    expect(events.at(-1)).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });
});
