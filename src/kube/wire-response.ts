/** The answer to one HTTP/1.1 request, whole. */
export interface WireResponse {
  readonly status: number;
  /** By lower-case name; several of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether its connection may be used again. */
  readonly reusable: boolean;
}

/** Puts one answer together from the pieces in which it comes. */
export interface ResponseReader {
  /** True once anything of an answer has come. */
  started(): boolean;
  /** Takes a piece; gives the answer once it is whole. Throws for what is no answer, or is longer than wanted. */
  push(piece: Buffer): WireResponse | undefined;
  /** The other side has ended the connection: gives the answer where that is how it ends. */
  end(): WireResponse | undefined;
}

/** The answer is longer than was wanted. */
export class TooLarge extends Error {}

const MAX_HEAD = 64 * 1024;
const MAX_LINE = 1024;
const CRLF = '\r\n';
const NOTHING: Buffer = Buffer.alloc(0);

/** What is no HTTP/1.1, in the words that Node's own parser has for it. */
function invalid(what: string): Error {
  return Object.assign(new Error(`${what} in an HTTP answer`), { code: 'HPE_INVALID_CONSTANT' });
}

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly keepAlive: boolean;
}

/** Source: RFC 9112, sections 2 to 5. */
function parseHead(text: string): Head {
  const [first = '', ...lines] = text.split(CRLF);
  const start = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first);
  if (start === null) throw invalid('a wrong status line');
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon < 1 || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw invalid('a wrong header');
    const key = name.toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[key];
    headers[key] = before === undefined ? value : `${before}, ${value}`;
  }
  const connection = headers['connection']?.toLowerCase() ?? '';
  const keepAlive = start[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  return { status: Number(start[2]), headers, keepAlive };
}

/** How the end of a body is found. Source: RFC 9112, section 6.3. */
function bodyOf({ status, headers }: Head): 'none' | 'chunked' | 'until-end' | number {
  if (status === 204 || status === 304) return 'none';
  const coding = headers['transfer-encoding'];
  if (coding !== undefined) {
    if (!/(?:^|[ ,])chunked$/i.test(coding)) throw invalid(`the transfer coding ${coding.slice(0, 40)}`);
    return 'chunked';
  }
  const given = headers['content-length'];
  if (given === undefined) return 'until-end';
  const lengths = new Set(given.split(',').map((part) => part.trim()));
  const [length = ''] = lengths;
  if (lengths.size !== 1 || !/^\d{1,15}$/.test(length)) throw invalid('a wrong length');
  return Number(length);
}

/** Takes a chunked body out of what comes. Source: RFC 9112, section 7.1. */
function chunkReader(take: (part: Buffer) => void): (piece: Buffer) => Buffer | undefined {
  let line: Buffer = NOTHING;
  let at: 'size' | 'data' | 'end-of-data' | 'trailer' = 'size';
  let left = 0;

  /** What follows is the next line, if it has come whole; kept until then. */
  function nextLine(rest: Buffer): { readonly text: string; readonly rest: Buffer } | undefined {
    const whole = line.length === 0 ? rest : Buffer.concat([line, rest]);
    const end = whole.indexOf(CRLF);
    if (end < 0 ? whole.length > MAX_HEAD : end > MAX_HEAD) throw invalid('a line that does not end');
    line = end < 0 ? whole : NOTHING;
    return end < 0
      ? undefined
      : { text: whole.toString('latin1', 0, end), rest: whole.subarray(end + CRLF.length) };
  }

  /** Gives what came behind the body, once it is whole. */
  return (piece) => {
    let rest = piece;
    for (;;) {
      if (at === 'data') {
        const part = rest.subarray(0, left);
        if (part.length > 0) take(part);
        left -= part.length;
        rest = rest.subarray(part.length);
        if (left > 0) return undefined;
        at = 'end-of-data';
      }
      const next = nextLine(rest);
      if (next === undefined) return undefined;
      const { text } = next;
      rest = next.rest;
      if (at === 'size') {
        const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(text)?.[1];
        if (size === undefined || text.length > MAX_LINE) throw invalid('a wrong size of a chunk');
        left = Number.parseInt(size, 16);
        at = left === 0 ? 'trailer' : 'data';
      } else if (at === 'end-of-data') {
        if (text !== '') throw invalid('a chunk that is longer than it says');
        at = 'size';
      } else if (text === '') {
        return rest;
      }
    }
  };
}

/** Reads the answer to one request, with a body of at most so many bytes. */
export function createResponseReader(maxBytes: number): ResponseReader {
  let started = false;
  let headBytes: Buffer = NOTHING;
  let head: Head | undefined;
  let kind: ReturnType<typeof bodyOf> = 'none';
  let size = 0;
  const parts: Buffer[] = [];
  const take = (part: Buffer): void => {
    size += part.length;
    if (size > maxBytes) throw new TooLarge();
    parts.push(part);
  };
  const chunks = chunkReader(take);

  function whole({ status, headers, keepAlive }: Head, reusable: boolean): WireResponse {
    const [only = NOTHING] = parts;
    const body = parts.length <= 1 ? only : Buffer.concat(parts, size);
    return { status, headers, body, reusable: reusable && keepAlive };
  }

  function body(found: Head, piece: Buffer): WireResponse | undefined {
    if (kind === 'none') return whole(found, piece.length === 0);
    if (kind === 'chunked') {
      const behind = chunks(piece);
      return behind && whole(found, behind.length === 0);
    }
    if (kind === 'until-end') {
      if (piece.length > 0) take(piece);
      return undefined;
    }
    const missing = kind - size;
    if (kind > maxBytes) throw new TooLarge();
    if (piece.length > 0) take(piece.length > missing ? piece.subarray(0, missing) : piece);
    return size === kind ? whole(found, piece.length <= missing) : undefined;
  }

  return {
    started: () => started,
    push(piece) {
      started = true;
      if (head !== undefined) return body(head, piece);
      let bytes = headBytes.length === 0 ? piece : Buffer.concat([headBytes, piece]);
      for (;;) {
        const end = bytes.indexOf('\r\n\r\n');
        if (end < 0 ? bytes.length > MAX_HEAD : end > MAX_HEAD) throw invalid('headers that do not end');
        if (end < 0) {
          if (bytes.length >= 5 && bytes.toString('latin1', 0, 5) !== 'HTTP/') {
            throw invalid('a wrong beginning');
          }
          headBytes = bytes;
          return undefined;
        }
        const found = parseHead(bytes.toString('latin1', 0, end));
        bytes = bytes.subarray(end + 4);
        // What comes before the answer (103 Early Hints) is none; nobody asked for another protocol.
        if (found.status === 101) throw invalid('another protocol');
        if (found.status < 200) continue;
        head = found;
        kind = bodyOf(found);
        return body(found, bytes);
      }
    },
    end: () => (head !== undefined && kind === 'until-end' ? whole(head, false) : undefined),
  };
}
