import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';

const WORDS =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow authorization cache-control connection content-base content-encoding content-language content-length content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status';
const MORE_WORDS = ['200 OK', 'version', 'HTTP/1.1', 'url', 'public', 'set-cookie', 'keep-alive', 'origin'];
const TAIL =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.';

function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The text that both ends of SPDY/3 know before the first header. Source: draft-mbelshe-httpbis-spdy-00, 2.6.10.1. */
function dictionary(): Buffer {
  return Buffer.concat([...[...WORDS.split(' '), ...MORE_WORDS].map(sized), Buffer.from(TAIL)]);
}

const MAX_HEADERS = 64 * 1024;

/** The header blocks of one connection: each is compressed with what went before it. */
export class SpdyHeaders {
  readonly #inflate: Inflate;
  readonly #deflate: Deflate;

  constructor() {
    const words = dictionary();
    this.#inflate = createInflate({ dictionary: words, finishFlush: constants.Z_SYNC_FLUSH });
    this.#deflate = createDeflate({ dictionary: words });
  }

  async read(block: Buffer): Promise<ReadonlyMap<string, string>> {
    const bytes = await new Promise<Buffer>((resolve, reject) => {
      this.#inflate.once('error', reject);
      this.#inflate.write(block, () => {
        this.#inflate.off('error', reject);
        resolve((this.#inflate.read() as Buffer | null) ?? Buffer.alloc(4));
      });
    });
    return parseHeaders(bytes);
  }

  write(headers: ReadonlyMap<string, string>): Promise<Buffer> {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(headers.size);
    const block = Buffer.concat([
      count,
      ...[...headers].flatMap(([name, value]) => [sized(name), sized(value)]),
    ]);
    return new Promise((resolve) => {
      this.#deflate.write(block);
      this.#deflate.flush(constants.Z_SYNC_FLUSH, () => {
        const parts: Buffer[] = [];
        for (
          let part = this.#deflate.read() as Buffer | null;
          part !== null;
          part = this.#deflate.read() as Buffer | null
        ) {
          parts.push(part);
        }
        resolve(Buffer.concat(parts));
      });
    });
  }

  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

function parseHeaders(bytes: Buffer): ReadonlyMap<string, string> {
  if (bytes.length > MAX_HEADERS) throw new Error('the headers of a stream are too large');
  const headers = new Map<string, string>();
  let at = 4;
  const take = () => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.toString('utf8', at - length, at);
  };
  for (let left = bytes.readUInt32BE(0); left > 0; left--) {
    const name = take();
    headers.set(name.toLowerCase(), take());
  }
  return headers;
}
