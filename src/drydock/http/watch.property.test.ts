import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonValue } from '../../kernel/index.ts';
import { getArray, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from './served.fixture.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const MERGE = { 'content-type': 'application/merge-patch+json' };

function byName(items: readonly JsonValue[]): Map<string, JsonValue> {
  return new Map(
    items.filter(isJsonObject).map((item) => {
      const { kind: _kind, apiVersion: _version, ...rest } = item;
      return [getString(item, 'metadata', 'name') ?? '', rest];
    }),
  );
}

/** What a list shows, and the revision that it is of. */
async function listed(path: string) {
  const { body } = await server.call('GET', path);
  return {
    version: getString(body, 'metadata', 'resourceVersion') ?? '',
    items: byName(getArray(body, 'items')),
  };
}

/** Plays the events of a watch from `version` on into a list, up to the event of `until`. */
async function follow(
  path: string,
  version: string,
  start: ReadonlyMap<string, JsonValue>,
  until: string,
): Promise<Map<string, JsonValue>> {
  const state = new Map(start);
  if (version === until) return state;
  const response = await fetch(`${server.served.url}${path}?watch=true&resourceVersion=${version}`, {
    headers: { authorization: 'Bearer a-token-for-tests' },
  });
  const reader = response.body?.getReader();
  if (reader === undefined) throw new Error('the watch has no body');
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += Buffer.from(value).toString('utf8');
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const event = JSON.parse(text.slice(0, end)) as JsonValue;
      text = text.slice(end + 1);
      const object = getObject(event, 'object') ?? {};
      const name = getString(object, 'metadata', 'name') ?? '';
      if (getString(event, 'type') === 'DELETED') state.delete(name);
      else state.set(name, byName([object]).get(name) ?? null);
      if (getString(object, 'metadata', 'resourceVersion') === until) {
        await reader.cancel();
        return state;
      }
    }
  }
  throw new Error('the watch ended early');
}

describe('a watch over HTTP', () => {
  it('from the revision of any list leads to the last list', async () => {
    const write = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 12 }), fc.nat(), async (writes, from) => {
        const namespace = `run-${++count}`;
        await server.call('POST', '/api/v1/namespaces', { metadata: { name: namespace } });
        // A kind that nothing else writes.
        const path = `/api/v1/namespaces/${namespace}/secrets`;
        const lists = [await listed(path)];
        for (const [index, { name, remove }] of writes.entries()) {
          const there = lists.at(-1)?.items.has(name) === true;
          const data = { stringData: { index: String(index) } };
          if (!there) await server.call('POST', path, { metadata: { name }, ...data });
          else if (remove) await server.call('DELETE', `${path}/${name}`);
          else await server.call('PATCH', `${path}/${name}`, data, MERGE);
          lists.push(await listed(path));
        }
        // Something to wait for.
        const last = await server.call('POST', path, { metadata: { name: 'last' } });
        const until = getString(last.body, 'metadata', 'resourceVersion') ?? '';
        const chosen = lists[from % lists.length];
        if (chosen === undefined) throw new Error('no list');
        const state = await follow(path, chosen.version, chosen.items, until);
        expect(state).toEqual((await listed(path)).items);
      }),
      { numRuns: 15, seed: 20_261_121 },
    );
  });
});
