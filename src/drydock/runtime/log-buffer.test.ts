import { describe, expect, it } from 'vitest';
import { logBuffer } from './index.ts';

describe('a log', () => {
  it('keeps the newest lines within its bound and splits what is too long', async () => {
    const log = logBuffer(() => 0, 1000);
    log.write(Buffer.from('x'.repeat(40_000)));
    for (let index = 0; index < 200; index++) log.write(Buffer.from(`line ${index}\n`));
    const text = log.text();
    expect(text.length).toBeLessThanOrEqual(1000);
    expect(text.endsWith('line 199\n')).toBe(true);
    const tail: string[] = [];
    for await (const line of log.read({ tailLines: 2 }, new AbortController().signal)) tail.push(line);
    expect(tail).toEqual(['line 198\n', 'line 199\n']);
  });

  it('is followed until it ends', async () => {
    const log = logBuffer(() => Date.UTC(2026, 0, 1));
    log.write(Buffer.from('one\ntw'));
    const lines: string[] = [];
    const reading = (async () => {
      const options = { follow: true, timestamps: true };
      for await (const line of log.read(options, new AbortController().signal)) lines.push(line);
    })();
    log.write(Buffer.from('o\nthree'));
    log.end();
    await reading;
    expect(lines).toEqual(['one', 'two', 'three'].map((line) => `2026-01-01T00:00:00.000000000Z ${line}\n`));
  });
});
