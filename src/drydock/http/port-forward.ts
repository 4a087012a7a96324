import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiStatusError, type PodBackend } from '../api/contract.ts';
import type { Engine } from '../machinery/engine.ts';
import { badRequest, notFound } from '../machinery/status-errors.ts';
import type { ResourcePath } from './request-info.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';
import { upgradeToSpdy, wantsSpdy } from './spdy-upgrade.ts';
import { chooseProtocol, WebSocket } from './web-socket.ts';

const SPDY_PROTOCOL = 'portforward.k8s.io';
const PROTOCOL = `SPDY/3.1+${SPDY_PROTOCOL}`;
const CHUNK = 64 * 1024;

/** The two streams of one forwarded connection: its bytes, and what went wrong with it. */
interface Pair {
  error?: SpdyStream;
  data?: SpdyStream;
}

/** `kubectl port-forward`: SPDY, through a WebSocket or by itself, each connection to the pod's own address. Throws ApiStatusError. */
export function servePortForward(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  engine: Engine,
  path: ResourcePath,
  backend: PodBackend | undefined,
): void {
  const name = path.name ?? '';
  const namespace = path.namespace ?? '';
  if (engine.store.get('/pods', namespace, name) === undefined)
    throw notFound({ group: '', resource: 'pods' }, name);
  if (backend === undefined) {
    throw new ApiStatusError(503, 'ServiceUnavailable', 'no node is attached to this API server');
  }
  const pairs = new Map<string, Pair>();
  const targets = new Set<Socket>();
  const wire = openWire(request, socket, head, () => {
    for (const target of targets) target.destroy();
    connection.close();
  });
  const connection = new SpdyConnection(
    wire.send,
    (stream) => {
      const key = stream.headers.get('requestid') ?? '';
      const pair = pairs.get(key) ?? {};
      pairs.set(key, pair);
      if (stream.headers.get('streamtype') === 'error') pair.error = stream;
      else pair.data = stream;
      if (pair.data === undefined || pair.error === undefined) return;
      pairs.delete(key);
      const port = Number(pair.data.headers.get('port'));
      forward(pair.data, pair.error, backend.podAddress(namespace, name, port), port, targets, socket);
    },
    wire.close,
  );
  wire.receive((bytes) => connection.receive(bytes));
}

/** What carries the frames of SPDY. */
interface Wire {
  readonly send: (bytes: Buffer) => void;
  readonly close: () => void;
  readonly receive: (onBytes: (bytes: Buffer) => void) => void;
}

function openWire(request: IncomingMessage, socket: Duplex, head: Buffer, onClose: () => void): Wire {
  if (wantsSpdy(request)) {
    upgradeToSpdy(request, socket, SPDY_PROTOCOL);
    socket.once('close', onClose);
    return {
      send: (bytes) => socket.write(bytes),
      close: () => socket.destroy(),
      receive(onBytes) {
        if (head.length > 0) onBytes(head);
        socket.on('data', onBytes);
      },
    };
  }
  if (chooseProtocol(request, [PROTOCOL]) === undefined) {
    throw badRequest(`unable to upgrade: only SPDY/3.1 and WebSockets with ${PROTOCOL} are served`);
  }
  const channel = new WebSocket(request, socket, head, PROTOCOL, onClose);
  return {
    send: (bytes) => channel.send(bytes),
    close: () => channel.close(),
    receive(onBytes) {
      channel.onMessage = onBytes;
      channel.drain();
    },
  };
}

function forward(
  data: SpdyStream,
  error: SpdyStream,
  address: { readonly host: string; readonly port: number } | undefined,
  port: number,
  targets: Set<Socket>,
  client: Duplex,
): void {
  let ended = false;
  const end = (problem?: string) => {
    if (ended) return;
    ended = true;
    if (problem !== undefined)
      error.send(Buffer.from(`an error occurred forwarding ${port} -> ${port}: ${problem}`));
    error.end();
    data.end();
  };
  if (address === undefined) {
    end('the pod does not listen there');
    return;
  }
  const target = connect(address);
  targets.add(target);
  const resume = () => target.resume();
  target.on('data', (bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += CHUNK) data.send(bytes.subarray(at, at + CHUNK));
    // A client that reads slowly slows the pod down instead of filling memory.
    if (!client.writableNeedDrain) return;
    target.pause();
    client.once('drain', resume);
  });
  target.on('end', () => end());
  target.on('error', (failure) => end(failure.message));
  target.on('close', () => {
    targets.delete(target);
    client.off('drain', resume);
    end();
  });
  data.onData = (bytes) => target.write(bytes);
  data.onEnd = () => target.end();
}
