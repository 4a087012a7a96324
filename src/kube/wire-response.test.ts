import { describe, expect, it } from 'vitest';
import { TooLarge, createResponseReader } from './wire-response.ts';
import type { WireResponse } from './wire-response.ts';

const OK = 'HTTP/1.1 200 OK\r\n';

/** Reads an answer that comes in pieces of these lengths, the last one for ever; `end` ends the connection. */
function read(text: string, lengths: readonly number[], end = false, most = 1000): WireResponse | undefined {
  const reader = createResponseReader(most);
  const bytes = Buffer.from(text, 'latin1');
  let found: WireResponse | undefined;
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[Math.min(turn, lengths.length - 1)] ?? 1;
    const response = reader.push(bytes.subarray(at, at + length));
    if (found !== undefined) throw new Error('an answer came twice');
    found = response;
    at += length;
  }
  return found ?? (end ? reader.end() : undefined);
}

const said = (response: WireResponse | undefined) =>
  response && [response.status, response.body.toString('latin1'), response.reusable];

describe('the answer to a request', () => {
  it.each<[string, string, readonly unknown[]]>([
    ['with a length', `${OK}Content-Length: 5\r\n\r\nhello`, [200, 'hello', true]],
    ['with a length of nothing', `${OK}content-length: 0\r\n\r\n`, [200, '', true]],
    ['without a body', 'HTTP/1.1 204 No Content\r\n\r\n', [204, '', true]],
    ['without a reason', 'HTTP/1.1 404\r\ncontent-length: 2\r\n\r\nno', [404, 'no', true]],
    [
      'in chunks',
      `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n, \r\nworld!\r\n0\r\n\r\n`,
      [200, 'hello, \r\nworld!', true],
    ],
    [
      'in chunks with a trailer',
      `${OK}transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDate: now\r\n\r\n`,
      [200, 'x', true],
    ],
    [
      'behind early hints',
      `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${OK}content-length: 1\r\n\r\nx`,
      [200, 'x', true],
    ],
    [
      'of a server that closes then',
      `${OK}Connection: Close\r\ncontent-length: 1\r\n\r\nx`,
      [200, 'x', false],
    ],
    ['of an old server', 'HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx', [200, 'x', false]],
    ['with the same length twice', `${OK}content-length: 1\r\ncontent-length: 1\r\n\r\nx`, [200, 'x', true]],
    [
      'with both, where the coding counts',
      `${OK}content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`,
      [200, 'x', true],
    ],
  ])('%s is the same in whatever pieces it comes', (_name, text, wanted) => {
    expect(said(read(text, [text.length]))).toEqual(wanted);
    expect(said(read(text, [1]))).toEqual(wanted);
    for (let at = 1; at < text.length; at += 1) expect(said(read(text, [at, text.length]))).toEqual(wanted);
    // A piece of it is no answer.
    for (let length = 1; length < text.length; length += 1) {
      expect(read(text.slice(0, length), [length])).toBeUndefined();
    }
  });

  it('ends with the connection where nothing else says how long it is', () => {
    const text = `${OK}\r\nhello`;
    expect(read(text, [3])).toBeUndefined();
    expect(said(read(text, [3], true))).toEqual([200, 'hello', false]);
    expect(read(`${OK}content-length: 5\r\n\r\nhell`, [50], true)).toBeUndefined();
  });

  it('leaves a connection alone on which more came than was asked for', () => {
    expect(said(read(`${OK}content-length: 1\r\n\r\nxHTTP/1.1 200 OK`, [99]))).toEqual([200, 'x', false]);
    expect(said(read(`HTTP/1.1 204 No Content\r\n\r\nx`, [99]))).toEqual([204, '', false]);
    const chunked = `${OK}transfer-encoding: chunked\r\n\r\n0\r\n\r\nmore`;
    expect(said(read(chunked, [99]))).toEqual([200, '', false]);
  });

  it('has its headers by lower-case names, those of one name together', () => {
    const response = read(`${OK}Warning: a\r\nWARNING:b \r\n__proto__: x\r\ncontent-length: 0\r\n\r\n`, [7]);
    expect(response?.headers['warning']).toBe('a, b');
    expect(response?.headers['constructor']).toBeUndefined();
  });

  it.each([
    ['is another protocol', '\u0015\u0003\u0001\u0000\u0002\u0002'],
    ['is another version', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['has no status', 'HTTP/1.1 OK\r\n\r\n'],
    ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
    ['has a header without a name', `${OK}: x\r\n\r\n`],
    ['has a header with a space', `${OK}content-length : 1\r\n\r\nx`],
    ['has two lengths', `${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxx`],
    ['has a length that is none', `${OK}content-length: -1\r\n\r\n`],
    ['has a coding that is not known', `${OK}transfer-encoding: gzip\r\n\r\n`],
    ['has a chunk without a size', `${OK}transfer-encoding: chunked\r\n\r\nx\r\n`],
    ['has a chunk that is too long', `${OK}transfer-encoding: chunked\r\n\r\n1\r\nxy\r\n`],
    ['has no end of its headers', `${OK}x: ${'y'.repeat(70_000)}`],
    ['has no end of a line', `${OK}transfer-encoding: chunked\r\n\r\n1;${'y'.repeat(70_000)}`],
  ])('that %s is refused', (_name, text) => {
    expect(() => read(text, [4096])).toThrow(expect.objectContaining({ code: 'HPE_INVALID_CONSTANT' }));
  });

  it('is no longer than wanted', () => {
    const long = 'x'.repeat(11);
    const bodies = [
      `content-length: 11\r\n\r\n${long}`,
      `transfer-encoding: chunked\r\n\r\nb\r\n${long}\r\n0\r\n\r\n`,
      `\r\n${long}`,
    ];
    for (const body of bodies) {
      expect(() => read(`${OK}${body}`, [3], true, 10)).toThrow(TooLarge);
      expect(said(read(`${OK}${body}`, [3], true, 11))?.[1]).toBe(long);
    }
  });
});
