import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiStatusError } from '../api/contract.ts';
import { badRequest } from '../machinery/status-errors.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';
import { chooseProtocol, WebSocket } from './web-socket.ts';

/** What both ends of an exec or attach say to each other, whatever carries it. */
export interface RemoteStreams {
  send(stream: 'stdout' | 'stderr', bytes: Buffer): void;
  /** The outcome, and the end of everything. */
  finish(status: string): void;
}

export interface RemoteEvents {
  /** All streams are there. */
  readonly onReady: (streams: RemoteStreams) => void;
  readonly onInput: (bytes: Buffer) => void;
  readonly onInputEnd: () => void;
  readonly onResize: (columns: number, rows: number) => void;
  /** The client has gone. */
  readonly onGone: () => void;
}

export interface RemoteWants {
  readonly input: boolean;
  readonly output: boolean;
  readonly errors: boolean;
  readonly terminal: boolean;
}

const CHUNK = 32 * 1024;
const WEB_SOCKET = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const SPDY = 'SPDY/3.1';
const SPDY_PROTOCOL = 'v4.channel.k8s.io';

/** Which way the client wants it. Throws 400 for one that is not served. */
export function acceptRemote(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wants: RemoteWants,
  events: RemoteEvents,
): void {
  if ((request.headers.upgrade ?? '').toLowerCase() === SPDY.toLowerCase()) {
    overSpdy(request, socket, head, wants, events);
    return;
  }
  const protocol = chooseProtocol(request, WEB_SOCKET);
  if (protocol === undefined) {
    throw badRequest(`unable to upgrade: only ${SPDY} and WebSockets with ${WEB_SOCKET.join(' or ')} are served`);
  }
  overWebSocket(request, socket, head, protocol, events);
}

const STDIN = 0;
const CHANNELS = { stdout: 1, stderr: 2 } as const;
const ERROR = 3;
const RESIZE = 4;
const CLOSE = 255;

function overWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
  events: RemoteEvents,
): void {
  const channel = new WebSocket(request, socket, head, protocol, events.onGone);
  let current = -1;
  channel.onMessage = (bytes, first) => {
    if (first) current = bytes[0] ?? -1;
    const data = first ? bytes.subarray(1) : bytes;
    if (current === STDIN && data.length > 0) events.onInput(data);
    else if (current === RESIZE) resized(data, events);
    else if (current === CLOSE && data[0] === STDIN) events.onInputEnd();
  };
  const send = (to: number, bytes: Buffer) => {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      channel.send(Buffer.concat([Buffer.from([to]), bytes.subarray(at, at + CHUNK)]));
    }
  };
  events.onReady({
    send: (stream, bytes) => send(CHANNELS[stream], bytes),
    finish(status) {
      send(ERROR, Buffer.from(status));
      channel.close();
    },
  });
  // What came with the request was said before anybody listened.
  if (head.length > 0) channel.drain();
}

function overSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wants: RemoteWants,
  events: RemoteEvents,
): void {
  const offered = [request.headers['x-stream-protocol-version'] ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((name) => name.trim());
  if (!offered.includes(SPDY_PROTOCOL)) {
    throw new ApiStatusError(
      403,
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${SPDY_PROTOCOL}]`,
    );
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SPDY}\r\nX-Stream-Protocol-Version: ${SPDY_PROTOCOL}\r\n\r\n`,
  );
  const streams = new Map<string, SpdyStream>();
  const needed = [
    'error',
    ...(wants.input ? ['stdin'] : []),
    ...(wants.output ? ['stdout'] : []),
    ...(wants.errors && !wants.terminal ? ['stderr'] : []),
    ...(wants.terminal ? ['resize'] : []),
  ];
  let ready = false;
  const connection = new SpdyConnection(
    (bytes) => socket.write(bytes),
    (stream) => {
      const type = stream.headers.get('streamtype') ?? '';
      streams.set(type, stream);
      if (type === 'stdin') {
        stream.onData = events.onInput;
        stream.onEnd = events.onInputEnd;
      }
      if (type === 'resize') stream.onData = (bytes) => resized(bytes, events);
      if (ready || !needed.every((name) => streams.has(name))) return;
      ready = true;
      events.onReady({
        send: (name, bytes) => streams.get(name)?.send(bytes),
        finish(status) {
          streams.get('error')?.send(Buffer.from(status));
          for (const open of streams.values()) open.end();
          socket.end();
        },
      });
    },
    () => socket.destroy(),
  );
  socket.on('data', (chunk: Buffer) => connection.receive(chunk));
  socket.once('close', () => {
    connection.close();
    events.onGone();
  });
  if (head.length > 0) connection.receive(head);
}

/** `{"Width":80,"Height":24}`, as kubectl sends it. What is no size changes nothing. */
function resized(bytes: Buffer, events: RemoteEvents): void {
  for (const line of bytes.toString('utf8').split('\n')) {
    try {
      const { Width, Height } = JSON.parse(line) as { Width?: unknown; Height?: unknown };
      if (isSize(Width) && isSize(Height)) events.onResize(Width, Height);
    } catch {
      // Not the whole of one: the next one counts.
    }
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536;
}
