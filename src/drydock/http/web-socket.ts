import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const HANDSHAKE = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MAX_FRAME = 1024 * 1024;
const CONTINUATION = 0;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** The protocol of `offered` that comes first in `known`. */
export function chooseProtocol(request: IncomingMessage, known: readonly string[]): string | undefined {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  return known.find((name) => offered.includes(name));
}

/**
 * The server's side of a WebSocket (RFC 6455), for streams of bytes: messages out are binary, and of those that come in
 * only the beginning matters.
 */
export class WebSocket {
  /** One frame; `first` is false for those that go on with the message of the frame before. */
  onMessage: (bytes: Buffer, first: boolean) => void = () => {};
  readonly #socket: Duplex;
  readonly #onClose: () => void;
  #rest: Buffer;
  #closed = false;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer, protocol: string, onClose: () => void) {
    this.#socket = socket;
    this.#onClose = onClose;
    this.#rest = head;
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(`${key}${HANDSHAKE}`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
    );
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => this.#end());
    socket.on('error', () => this.#end());
  }

  send(bytes: Buffer): void {
    if (!this.#closed) this.#frame(BINARY, bytes);
  }

  close(): void {
    if (this.#closed) return;
    this.#frame(CLOSE, Buffer.from([0x03, 0xe8]));
    this.#socket.end();
    this.#end();
  }

  /** Reads what came before anybody listened. */
  drain(): void {
    this.#receive(Buffer.alloc(0));
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  #frame(opcode: number, bytes: Buffer): void {
    const { length } = bytes;
    let head: Buffer;
    if (length < 126) head = Buffer.from([0x80 | opcode, length]);
    else if (length < 65_536) {
      head = Buffer.alloc(4);
      head.set([0x80 | opcode, 126]);
      head.writeUInt16BE(length, 2);
    } else {
      head = Buffer.alloc(10);
      head.set([0x80 | opcode, 127]);
      head.writeBigUInt64BE(BigInt(length), 2);
    }
    this.#socket.write(Buffer.concat([head, bytes]));
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const [first, second] = this.#rest;
      if (first === undefined || second === undefined) return;
      let length = second & 0x7f;
      let at = 2;
      if (length === 126) {
        if (this.#rest.length < 4) return;
        length = this.#rest.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        // Nothing that is read here is that long.
        this.#socket.destroy();
        return;
      }
      const masked = (second & 0x80) !== 0;
      const start = at + (masked ? 4 : 0);
      if (length > MAX_FRAME) {
        this.#socket.destroy();
        return;
      }
      if (this.#rest.length < start + length) return;
      const mask = this.#rest.subarray(at, start);
      const payload = Buffer.from(this.#rest.subarray(start, start + length));
      if (masked)
        for (let index = 0; index < length; index++)
          payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
      this.#rest = this.#rest.subarray(start + length);
      const opcode = first & 0x0f;
      if (opcode <= BINARY && length > 0) this.onMessage(payload, opcode !== CONTINUATION);
      if (opcode === PING && !this.#closed) this.#frame(PONG, payload);
      if (opcode === CLOSE) {
        this.close();
        return;
      }
    }
  }
}
