import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { systemClock } from '../../kernel/index.ts';

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface Forwarder {
  /** Where it listens; another port than asked for where only root may open that one. */
  readonly port: number;
  close(): void;
}

const CONNECT_MS = 2000;
const MAX_CONNECTIONS = 4096;

/**
 * Listens on a Service's address and passes each connection to the next ready endpoint. An endpoint that refuses is
 * skipped: nothing was sent yet, so that a pod that just stopped listening costs no request.
 */
export async function startForwarder(
  at: Target,
  targets: () => readonly Target[],
): Promise<Forwarder | undefined> {
  const open = new Set<Socket>();
  let turn = 0;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    open.add(client);
    client.once('close', () => open.delete(client));
    client.on('error', () => client.destroy());
    const list = targets();
    const start = turn++;
    const order = list
      .map((_, index) => list[(start + index) % list.length])
      .filter((item) => item !== undefined);
    attempt(client, order);
  });
  server.maxConnections = MAX_CONNECTIONS;

  function attempt(client: Socket, order: readonly Target[]): void {
    const [next, ...others] = order;
    if (next === undefined || client.destroyed) {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect({ host: next.host, port: next.port, allowHalfOpen: true });
    open.add(upstream);
    upstream.once('close', () => open.delete(upstream));
    const timer = systemClock.after(CONNECT_MS, () => upstream.destroy(new Error('connect timeout')));
    const refused = () => {
      timer.cancel();
      attempt(client, others);
    };
    upstream.once('error', refused);
    upstream.once('connect', () => {
      timer.cancel();
      upstream.off('error', refused);
      upstream.on('error', () => client.resetAndDestroy());
      client.once('close', () => upstream.destroy());
      upstream.once('close', () => client.destroy());
      client.setNoDelay(true);
      upstream.setNoDelay(true);
      client.pipe(upstream);
      upstream.pipe(client);
      client.resume();
    });
  }

  const port = (await listen(server, at)) ?? (await listen(server, { host: at.host, port: 0 }));
  if (port === undefined) return undefined;
  server.unref();
  return {
    port,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** The port; undefined when the address is in use or may not be opened by this user. */
function listen(server: Server, at: Target): Promise<number | undefined> {
  return new Promise((resolve) => {
    const failed = () => resolve(undefined);
    server.once('error', failed);
    server.listen({ host: at.host, port: at.port, exclusive: true }, () => {
      server.off('error', failed);
      server.on('error', () => {});
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : undefined);
    });
  });
}
