import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { makeServerCertificate } from '../drydock/http/certificate.ts';
import type { Credentials } from './credentials.ts';
import { StaleConnection, createWirePool } from './wire-pool.ts';
import type { WirePool } from './wire-pool.ts';

const NOBODY: Credentials = { headers: {}, secrets: [] };
const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const ASK = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
});

/** A server that lets the test do what it likes with each connection. */
async function serve(server: Server, secure = false): Promise<{ url: URL; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on(secure ? 'secureConnection' : 'connection', (socket: Socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  closing.push(
    () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return { url: new URL(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`), sockets };
}

/** Answers each piece that comes, which is a request here. */
function answering(answer: (socket: Socket, text: string) => void): Server {
  return createServer((socket) => {
    socket.on('data', (piece: Buffer) => answer(socket, piece.toString('utf8')));
  });
}

function poolOf(url: URL): WirePool {
  const pool = createWirePool(url, {});
  closing.push(() => Promise.resolve(pool.close()));
  return pool;
}

const ask = async (pool: WirePool) => {
  const { body } = await pool.call(NOBODY, ASK, 100, () => {});
  return body.toString('utf8');
};

describe('connections to a server', () => {
  it('are used again, and only as many are made as are needed at a time', async () => {
    const { url, sockets } = await serve(answering((socket) => socket.write(ANSWER)));
    const pool = poolOf(url);
    for (let turn = 0; turn < 5; turn += 1) expect(await ask(pool)).toBe('ok');
    expect(sockets.length).toBe(1);
    expect(await Promise.all([ask(pool), ask(pool), ask(pool)])).toEqual(['ok', 'ok', 'ok']);
    expect(sockets.length).toBe(3);
  });

  it('are not used again once they said something that nobody had asked for', async () => {
    const { url, sockets } = await serve(
      answering((socket) => {
        socket.write(ANSWER);
        setImmediate(() => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil'));
      }),
    );
    const pool = poolOf(url);
    expect(await ask(pool)).toBe('ok');
    const [first] = sockets;
    await new Promise((resolve) => first?.once('close', resolve));
    expect(await ask(pool)).toBe('ok');
    expect(sockets.length).toBe(2);
  });

  it('that the server closed meanwhile are told from one that breaks before it has ever answered', async () => {
    let turn = 0;
    const { url } = await serve(
      answering((socket) => {
        turn += 1;
        if (turn === 1) socket.write(ANSWER);
        else socket.destroy();
      }),
    );
    const pool = poolOf(url);
    expect(await ask(pool)).toBe('ok');
    await expect(ask(pool)).rejects.toBeInstanceOf(StaleConnection);
    const fresh = ask(pool);
    await expect(fresh).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(fresh).rejects.not.toBeInstanceOf(StaleConnection);
  });

  it('that break in the middle of an answer are no reason to ask again', async () => {
    let turn = 0;
    const { url } = await serve(
      answering((socket) => {
        turn += 1;
        if (turn === 1) socket.write(ANSWER);
        else socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\no');
      }),
    );
    const pool = poolOf(url);
    await ask(pool);
    const broken = ask(pool);
    await expect(broken).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(broken).rejects.not.toBeInstanceOf(StaleConnection);
  });

  it('end with the call that is stopped, while they are made and after', async () => {
    const { url, sockets } = await serve(createServer());
    const pool = poolOf(url);
    for (const least of [0, 1]) {
      let stop: (error: Error) => void = () => {};
      const call = pool.call(NOBODY, ASK, 100, (end) => {
        stop = end;
      });
      while (sockets.length < least) await new Promise((resolve) => setImmediate(resolve));
      stop(new Error('enough'));
      await expect(call).rejects.toThrow('enough');
    }
  });

  it('are told nothing before their certificate was found to be right', async () => {
    const { certificate: cert, privateKey: key } = makeServerCertificate(['127.0.0.1'], Date.now());
    const heard: string[] = [];
    const server = createTlsServer({ cert, key }, (socket) => {
      socket.on('data', (piece: Buffer) => {
        heard.push(piece.toString('utf8'));
        socket.write(ANSWER);
      });
    });
    const { url } = await serve(server, true);
    const stranger = poolOf(url);
    await expect(ask(stranger)).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO|SELF_SIGNED|DEPTH_ZERO/) as string,
    });
    expect(heard).toEqual([]);
    const friend = createWirePool(url, { ca: cert });
    closing.push(() => Promise.resolve(friend.close()));
    expect(await ask(friend)).toBe('ok');
    expect(heard).toEqual([ASK]);
  });
});
