import { SpdyHeaders } from './spdy-headers.ts';

const SYN_STREAM = 1;
const SYN_REPLY = 2;
const RST_STREAM = 3;
const PING = 6;
const FIN = 1;
const MAX_FRAME = 1024 * 1024;
const MAX_STREAMS = 1_000;

export interface SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  onData: (bytes: Buffer) => void;
  /** The other end will send no more. */
  onEnd: () => void;
  send(bytes: Buffer): void;
  end(): void;
}

function control(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  return Buffer.concat([head, body]);
}

function data(id: number, flags: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head.writeUInt32BE(flags * 0x100_0000 + bytes.length, 4);
  return Buffer.concat([head, bytes]);
}

/**
 * The accepting end of a SPDY/3.1 connection, as far as Kubernetes' streams use it: streams that the client opens, data,
 * half-closing, resets and pings. Frames are handled one after another, since headers depend on those before.
 */
export class SpdyConnection {
  readonly #headers = new SpdyHeaders();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #write: (bytes: Buffer) => void;
  readonly #onStream: (stream: SpdyStream) => void;
  readonly #onError: (error: unknown) => void;
  #rest: Buffer = Buffer.alloc(0);
  #working: Promise<void> = Promise.resolve();

  constructor(
    write: (bytes: Buffer) => void,
    onStream: (stream: SpdyStream) => void,
    onError: (error: unknown) => void,
  ) {
    this.#write = write;
    this.#onStream = onStream;
    this.#onError = onError;
  }

  receive(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 8) {
      const word = this.#rest.readUInt32BE(4);
      const length = word & 0xff_ffff;
      if (length > MAX_FRAME) {
        this.#onError(new Error('a SPDY frame is too large'));
        return;
      }
      if (this.#rest.length < 8 + length) return;
      const frame = Buffer.from(this.#rest.subarray(0, 8 + length));
      this.#rest = this.#rest.subarray(8 + length);
      this.#working = this.#working
        .then(() => this.#handle(frame))
        .catch((error: unknown) => this.#onError(error));
    }
  }

  close(): void {
    this.#headers.close();
    for (const stream of this.#streams.values()) stream.onEnd();
    this.#streams.clear();
  }

  async #handle(frame: Buffer): Promise<void> {
    const first = frame.readUInt32BE(0);
    const flags = frame.readUInt8(4);
    const body = frame.subarray(8);
    if (first < 0x8000_0000) {
      const stream = this.#streams.get(first);
      if (body.length > 0) stream?.onData(body);
      if ((flags & FIN) !== 0) stream?.onEnd();
      return;
    }
    const type = first & 0xffff;
    if (type === SYN_STREAM) await this.#open(body, flags);
    else if (type === PING) this.#write(control(PING, body));
    else if (type === RST_STREAM) {
      const id = body.readUInt32BE(0);
      this.#streams.get(id)?.onEnd();
      this.#streams.delete(id);
    }
  }

  async #open(body: Buffer, flags: number): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fff_ffff;
    const headers = await this.#headers.read(body.subarray(10));
    if (this.#streams.size >= MAX_STREAMS) throw new Error('too many streams on one connection');
    const stream: SpdyStream = {
      id,
      headers,
      onData: () => {},
      onEnd: () => {},
      send: (bytes) => this.#write(data(id, 0, bytes)),
      end: () => this.#write(data(id, FIN, Buffer.alloc(0))),
    };
    this.#streams.set(id, stream);
    const reply = Buffer.alloc(4);
    reply.writeUInt32BE(id);
    this.#write(control(SYN_REPLY, Buffer.concat([reply, await this.#headers.write(new Map())])));
    this.#onStream(stream);
    if ((flags & FIN) !== 0) stream.onEnd();
  }
}
