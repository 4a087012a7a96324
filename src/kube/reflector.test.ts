import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { getString, manualClock, systemClock } from '../kernel/index.ts';
import type { JsonValue, ManualClock } from '../kernel/index.ts';
import { staticSource } from './credentials.ts';
import { createKubeClient } from './http-client.ts';
import { startReflector } from './reflector.ts';
import { sendJson, sendStatus, startTestServer } from './testing-server.ts';
import type { TestServer } from './testing-server.ts';
import { createTransport } from './transport.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A collection of ConfigMaps behind an HTTP server that tests can break. */
class World {
  version = 1;
  readonly objects = new Map<string, JsonValue>();
  readonly watchers = new Set<ServerResponse>();
  lists = 0;
  refuseWatch: ((response: ServerResponse) => void) | undefined;
  server: TestServer | undefined;

  async start(port = 0): Promise<TestServer> {
    const server = await startTestServer((request, response) => {
      if (request.query.get('watch') !== 'true') {
        this.lists += 1;
        const metadata = { resourceVersion: String(this.version) };
        sendJson(response, 200, { metadata, items: [...this.objects.values()] });
      } else if (this.refuseWatch) {
        this.refuseWatch(response);
      } else {
        response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
        this.watchers.add(response);
      }
    }, port);
    this.server = server;
    return server;
  }

  put(name: string, value: string): void {
    this.version += 1;
    const metadata = { name, namespace: 'comms', resourceVersion: String(this.version) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value } };
    const type = this.objects.has(name) ? 'MODIFIED' : 'ADDED';
    this.objects.set(name, object);
    this.tell({ type, object });
  }

  remove(name: string): void {
    const object = this.objects.get(name);
    this.objects.delete(name);
    this.version += 1;
    if (object !== undefined) this.tell({ type: 'DELETED', object });
  }

  tell(event: JsonValue): void {
    for (const watcher of this.watchers) watcher.write(`${JSON.stringify(event)}\n`);
  }

  breakWatches(): void {
    for (const watcher of this.watchers) watcher.destroy();
    this.watchers.clear();
  }
}

async function follow(world: World) {
  const server = await world.start();
  const clock = manualClock();
  // The client's deadlines are real ones; only the back-off is moved by hand.
  const client = createKubeClient({
    transport: createTransport({
      server: new URL(server.url),
      tls: {},
      credentials: staticSource({}),
      clock: systemClock,
      userAgent: 'test',
    }),
    context: 'test',
    namespace: 'comms',
    registryMirrors: {},
    clock: systemClock,
  });
  const log: string[] = [];
  const reflector = startReflector(
    client,
    { apiVersion: 'v1', kind: 'ConfigMap' },
    {
      clock,
      namespace: 'comms',
      random: () => 1,
      onChange: ({ key, object, gone }) =>
        log.push(`${gone ? '-' : '+'}${key}=${getString(object, 'data', 'value')}`),
      onState: ({ state }) => log.push(state),
    },
  );
  cleanups.push(async () => {
    await reflector.close();
    client.close();
    await world.server?.stop();
  });
  return { world, clock, reflector, log };
}

/** Turns the event loop, and the clock by 100 ms, until something has come true. */
async function until(clock: ManualClock, done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 5000; turn += 1) {
    if (done()) return;
    await clock.advance(100);
  }
  throw new Error('it did not come true');
}

describe('the reflector', () => {
  it('holds what the server holds, and tells every change once', async () => {
    const world = new World();
    world.put('a', '1');
    const { reflector, log, clock } = await follow(world);
    await reflector.ready;
    await until(clock, () => world.watchers.size === 1);
    world.put('b', '2');
    world.put('a', '3');
    world.remove('b');
    await until(clock, () => log.includes('-comms/b=2'));
    expect(log).toEqual(['+comms/a=1', 'live', '+comms/b=2', '+comms/a=3', '-comms/b=2']);
    expect(reflector.list()).toHaveLength(1);
    expect(world.lists).toBe(1);
  });

  it('goes on where it was when the server ends a watch in order', async () => {
    const world = new World();
    const { reflector, log, clock } = await follow(world);
    await reflector.ready;
    await until(clock, () => world.watchers.size === 1);
    world.put('a', '1');
    await until(clock, () => log.includes('+comms/a=1'));
    for (const watcher of world.watchers) watcher.end();
    world.watchers.clear();
    await until(clock, () => world.watchers.size === 1);
    expect(world.server?.seen.at(-1)?.query.get('resourceVersion')).toBe(String(world.version));
    expect(world.lists).toBe(1);
    expect(log).not.toContain('stale');
  });

  it('finds what changed and what went away while the connection was broken', async () => {
    const world = new World();
    world.put('a', '1');
    world.put('b', '1');
    const { reflector, log, clock } = await follow(world);
    await reflector.ready;
    await until(clock, () => world.watchers.size === 1);
    const watchers = [...world.watchers];
    world.watchers.clear();
    world.remove('a');
    world.put('c', '1');
    for (const watcher of watchers) watcher.destroy();
    await until(clock, () => log.includes('+comms/c=1'));
    expect(log.slice(3)).toEqual(['stale', '-comms/a=1', '+comms/c=1', 'live']);
  });

  it('lists again when its place in the history is gone', async () => {
    const world = new World();
    world.put('a', '1');
    let refused = 0;
    world.refuseWatch = (response) => {
      refused += 1;
      world.refuseWatch = undefined;
      world.put('late', '1');
      const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      response.writeHead(200).end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    };
    const { log, clock } = await follow(world);
    await until(clock, () => log.includes('+comms/late=1'));
    expect(refused).toBe(1);
    expect(world.lists).toBe(2);
    expect(log).not.toContain('stale');
  });

  it('keeps what it knew while the server is away, says that it is old, and comes back by itself', async () => {
    const world = new World();
    world.put('a', '1');
    const { reflector, log, clock } = await follow(world);
    await reflector.ready;
    await until(clock, () => world.watchers.size === 1);
    const port = world.server?.port ?? 0;
    world.watchers.clear();
    await world.server?.stop();
    await until(clock, () => log.includes('stale'));
    await clock.advance(120_000);
    expect(reflector.list()).toHaveLength(1);
    expect(reflector.state()).toMatchObject({ state: 'stale', error: { kind: 'unavailable' } });
    world.put('b', '1');
    await world.start(port);
    await until(clock, () => log.includes('+comms/b=1'));
    expect(reflector.state().state).toBe('live');
  });

  it('does not ask in a tight loop when every watch fails', async () => {
    const world = new World();
    world.refuseWatch = (response) => sendStatus(response, 403, 'Forbidden', 'watch is forbidden');
    const { log, clock, reflector } = await follow(world);
    await until(clock, () => log.includes('stale'));
    const before = world.server?.seen.length ?? 0;
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const asked = (world.server?.seen.length ?? 0) - before;
    expect(asked).toBeGreaterThan(2);
    expect(asked).toBeLessThan(20);
    expect(reflector.state()).toMatchObject({ error: { kind: 'denied' } });
  });
});
