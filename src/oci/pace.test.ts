import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';

import { startRegistry } from '../drydock/registry/index.ts';
import { manualClock } from '../kernel/index.ts';
import { createRegistryClient } from './client.ts';
import { newPace } from './pace.ts';

const { signal } = new AbortController();
describe('the pace of requests', () => {
  it('spreads them evenly for one registry, and not across registries', async () => {
    const clock = manualClock();
    const pace = newPace({ clock, perSecond: 10 });
    const at: number[] = [];
    const began = clock.now();
    const all = Array.from({ length: 5 }, async () => {
      await pace.enter('https://a', 10_000, signal);
      at.push(clock.now() - began);
    });
    await pace.enter('https://b', 10_000, signal);
    await clock.advance(1000);
    await Promise.all(all);
    expect(at).toEqual([0, 100, 200, 300, 400]);
  });

  it('holds everybody back after one was told to stop, and refuses at once when that is long', async () => {
    const clock = manualClock();
    const pace = newPace({ clock });
    pace.rest('https://a', 5000);
    let entered = false;
    const waiting = pace.enter('https://a', 10_000, signal).then((may) => {
      entered = may;
    });
    await clock.advance(4999);
    expect(entered).toBe(false);
    await clock.advance(1);
    await waiting;
    expect(entered).toBe(true);
    pace.rest('https://a', 60_000);
    expect(await pace.enter('https://a', 10_000, signal)).toBe(false);
    expect(pace.restMs('https://a')).toBe(60_000);
    expect(await pace.enter('https://b', 10_000, signal)).toBe(true);
  });

  it('asks a registry that is out of patience once, not once for every image', async () => {
    let asked = 0;
    const server = createServer((_, response) => {
      asked += 1;
      response.writeHead(429, { 'retry-after': '120' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const client = createRegistryClient({ mirrors: { 'r.corp.io': { url, standIn: true } } });
    onTestFinished(() => client.close());
    await expect(client.tags('r.corp.io/first', signal)).rejects.toMatchObject({
      code: 'registry-rate-limited',
    });
    for (const name of ['b', 'c', 'd']) {
      await expect(client.tags(`r.corp.io/${name}`, signal)).rejects.toMatchObject({
        code: 'registry-rate-limited',
        hint: expect.stringContaining('120 s') as string,
      });
    }
    expect(asked).toBe(1);
  });
});

describe('lists of tags', () => {
  it('are asked for only if they changed, page by page', async () => {
    const of = await startRegistry();
    onTestFinished(() => of.close());
    const client = createRegistryClient({ mirrors: { 'r.corp.io': { url: of.url, standIn: true } } });
    onTestFinished(() => client.close());
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.index.v1+json',
        manifests: [],
      }),
    );
    const manifest = { mediaType: 'application/vnd.oci.image.index.v1+json', bytes };
    const names = Array.from({ length: 1001 }, (_, index) => `t${String(index).padStart(4, '0')}`);
    for (const name of names) await client.putManifest(`r.corp.io/app:${name}`, manifest, signal);
    const list = async () => {
      const tags = await client.tags('r.corp.io/app', signal);
      // Only the latest thousand requests are kept.
      return {
        tags,
        statuses: of
          .requests()
          .slice(-2)
          .map(({ status }) => status),
      };
    };
    expect((await list()).tags).toEqual(names);
    const again = await list();
    expect(again.tags).toEqual(names);
    expect(again.statuses).toEqual([304, 304]);
    await client.putManifest('r.corp.io/app:t1001', manifest, signal);
    const changed = await list();
    expect(changed.tags).toEqual([...names, 't1001']);
    expect(changed.statuses).toEqual([304, 200]);
  });
});
