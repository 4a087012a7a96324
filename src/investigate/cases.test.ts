import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactOf, investigate } from './index.ts';
import type { Investigation } from './index.ts';

/**
 * Folders as people paste them, one after the other in a text. `#### NAME: WANTED` begins one, `=== FILE` a file in
 * it; what stands before the first file is pasted without one. WANTED is the ids of which one has to be the first
 * cause (`+`: other causes may follow it; `risk`: it is told, and breaks nothing), or `ok` or `moving`.
 */
interface Pasted {
  readonly name: string;
  readonly wanted: readonly string[];
  readonly more: boolean;
  readonly risk: boolean;
  readonly files: readonly (readonly [name: string, text: string])[];
}

const FOLDER = path.join(import.meta.dirname, 'cases');

function casesIn(file: string): readonly Pasted[] {
  const text = readFileSync(path.join(FOLDER, file), 'utf8');
  return text
    .split(/^#### /m)
    .slice(1)
    .map((part) => {
      const [head = '', ...lines] = part.split('\n');
      const [name = '', wanted = ''] = head.split(': ');
      const [loose = '', ...files] = lines.join('\n').split(/^=== /m);
      const words = wanted.trim().split(' ');
      return {
        name,
        wanted: (words[0] ?? '').split(','),
        more: words.includes('+'),
        risk: words.includes('risk'),
        files: [
          ...(loose.trim() === '' ? [] : [['-', loose] as const]),
          ...files.map((one) => {
            const end = one.indexOf('\n');
            return [one.slice(0, end).trim(), one.slice(end + 1)] as const;
          }),
        ],
      };
    });
}

function answerOf({ files }: Pasted): Investigation {
  const opened = files.map(([name, text]) => artifactOf(name, text));
  return investigate(
    opened.flatMap(({ artifacts }) => artifacts),
    opened.flatMap(({ unread }) => unread),
  );
}

/** Sure enough to decide a verdict. */
const DECIDES = 0.45;

describe.each(readdirSync(FOLDER))('%s', (file) => {
  it.each(casesIn(file).map((one) => [one.name, one] as const))('%s', (_name, one) => {
    const answer = answerOf(one);
    const causes = answer.findings.filter(({ kind }) => kind === 'cause');
    const decisive = causes.filter(({ confidence }) => confidence >= DECIDES).map(({ id }) => id);
    const [wanted = ''] = one.wanted;
    if (wanted === 'ok' || wanted === 'moving') {
      expect({ state: answer.verdict.state === 'broken', decisive }).toEqual({ state: false, decisive: [] });
      if (wanted === 'moving') expect(answer.verdict.state).toBe('moving');
      return;
    }
    const [first] = one.risk ? answer.findings : causes;
    expect(one.wanted).toContain(first?.id);
    expect(answer.verdict.state).not.toBe('landed');
    if (one.risk) expect(answer.verdict.state).not.toBe('broken');
    else if (!one.more) expect(decisive.filter((id) => !one.wanted.includes(id))).toEqual([]);
  });
});

/** As text comes out of a page or a mail: one blank for any number of them, none in front of a line. */
function flattened({ files, ...one }: Pasted): Pasted {
  return {
    ...one,
    files: files.map(([name, text]) => [name, text.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ /gm, '')]),
  };
}

describe('without alignment and indentation', () => {
  const all = readdirSync(FOLDER).flatMap(casesIn);

  it('calls nothing broken that is well', () => {
    const well = all.filter(({ wanted: [first] }) => first === 'ok');
    expect(
      well.filter((one) => answerOf(flattened(one)).verdict.state === 'broken').map(({ name }) => name),
    ).toEqual([]);
  });

  it('still names nine causes of ten among the first three', () => {
    const ill = all.filter(({ wanted: [first] }) => first !== 'ok' && first !== 'moving');
    const named = ill.filter((one) =>
      answerOf(flattened(one))
        .findings.slice(0, 3)
        .some(({ id }) => one.wanted.includes(id)),
    );
    expect(named.length / ill.length).toBeGreaterThan(0.9);
  });
});
