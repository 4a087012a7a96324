import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOutput, lastLines, outputFrom } from './output.ts';

const SECRET = { name: 'TOKEN', value: 'p@ss word/9+x"y' };

function written(
  chunks: readonly (string | Buffer)[],
  secrets = [SECRET],
  limits?: { head: number; tail: number },
) {
  const output = createOutput(secrets, limits);
  for (const chunk of chunks) output.write(Buffer.from(chunk));
  output.end();
  return output;
}

describe('the output of a step', () => {
  it('never holds a secret, however it is cut into pieces and written', () => {
    const base64 = Buffer.from(SECRET.value).toString('base64');
    const text = [
      SECRET.value,
      base64,
      encodeURIComponent(SECRET.value),
      JSON.stringify(SECRET.value),
      SECRET.value.replace('@', '\u001B[31m@\u001B[0m'),
    ].join(' and ');
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length];
        const { head } = written(at.slice(1).map((end, index) => text.slice(at[index], end)));
        expect(head).not.toContain(SECRET.value);
        expect(head).not.toContain(base64.replace(/=+$/, ''));
        expect(head.match(/\[secret TOKEN\]/g)).toHaveLength(5);
        expect(head).toContain(' and ');
      }),
    );
  });

  it('leaves out the longest of secrets that begin alike, and the lines of a key', () => {
    const key = '-----BEGIN KEY-----\nabcdefghijklmnop\nqrstuvwxyz012345\n-----END KEY-----';
    const secrets = [
      { name: 'SHORT', value: 'hunter' },
      { name: 'LONG', value: 'hunter2-long' },
      { name: 'KEY', value: key },
    ];
    const { head } = written(['a hun', 'ter2-', 'long b hunter c\nqrstuvwxyz012345\n'], secrets);
    expect(head).toBe('a [secret LONG] b [secret SHORT] c\n[secret KEY]\n');
  });

  it('is bounded: the first and the last of it, and how much is missing', () => {
    const limits = { head: 10, tail: 10 };
    const flood = written(['0123456789', 'x'.repeat(1_000_000), 'the-end-ok'], [], limits);
    expect([flood.head, flood.tail, flood.written]).toEqual(['0123456789', 'the-end-ok', 1_000_020]);
    expect(outputFrom(flood, 0)).toBe('0123456789\n… 1000000 characters are left out …\nthe-end-ok');
    expect(outputFrom(flood, 1_000_013)).toBe('-end-ok');
    expect(outputFrom(flood, 1_000_020)).toBe('');
    const small = written(['0123456789abc'], [], limits);
    expect([0, 5, 12, 13].map((from) => outputFrom(small, from))).toEqual([
      '0123456789abc',
      '56789abc',
      'c',
      '',
    ]);
    expect(lastLines(written(['a\n\nb\nc\n'], []), 2)).toEqual(['b', 'c']);
  });

  it('brings nothing that moves a cursor, and cuts no letter into halves', () => {
    const bytes = Buffer.from('größe\r\n\u001B[2J\u001B]0;title\u0007ok\u0000\b\rdone\n');
    const chunks = [...bytes].map((byte) => Buffer.from([byte]));
    expect(written(chunks, []).head).toBe('größe\nok\ndone\n');
  });
});
