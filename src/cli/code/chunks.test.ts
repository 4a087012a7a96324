import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChunks } from './chunks.ts';
import { readCode, writeCode } from './kept-code.ts';
import type { KeptCode } from './kept-code.ts';

const requireModule = createRequire(import.meta.url);
const HEAD = '(function(exports,require,module,__filename,__dirname,__meta){\n';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'landfall-code-'));
  writeChunk('main.js', 'exports.answer=()=>require("./other.js").twice(21)+require("node:os").EOL;');
  writeChunk('other.js', 'exports.twice=(n)=>2*n;exports.fail=()=>{\nthrow new Error("no")};');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function writeChunk(name: string, text: string): void {
  writeFileSync(path.join(folder, name), `${HEAD}${text}\n})`);
}

function run(kept: KeptCode = new Map()) {
  const chunks = openChunks(folder, kept, requireModule);
  const { answer } = chunks.load('main.js') as { answer: () => string };
  return { answer: answer(), compiled: chunks.compiled() };
}

describe('chunks', () => {
  it('need each other and modules, and are compiled once', () => {
    const first = run();
    expect(first.answer).toBe('42\n');
    expect([...(first.compiled ?? [])].map(([name]) => name)).toEqual(['main.js', 'other.js']);
    const second = run(first.compiled);
    expect(second).toEqual({ answer: '42\n', compiled: undefined });
  });

  it('are compiled anew where what was kept is of another text, and the rest stays', () => {
    const { compiled: kept = new Map() } = run();
    writeChunk('other.js', 'exports.twice=(n)=>3*n;/* longer */');
    const { answer, compiled } = run(kept);
    expect(answer).toBe('63\n');
    expect(compiled?.get('main.js')).toBe(kept.get('main.js'));
    expect(compiled?.get('other.js')).not.toEqual(kept.get('other.js'));
  });

  it('say in a stack where they are, with kept code as without', () => {
    const fail = (kept?: KeptCode): string => {
      const chunks = openChunks(folder, kept ?? new Map(), requireModule);
      const exports = chunks.load('other.js') as { fail: () => void };
      try {
        exports.fail();
      } catch (error) {
        return (error as Error).stack ?? '';
      }
      return '';
    };
    expect(fail()).toContain(`${path.join(folder, 'other.js')}:3:7`);
    expect(fail(run().compiled)).toContain(`${path.join(folder, 'other.js')}:3:7`);
  });
});

describe('kept code', () => {
  const file = () => path.join(folder, 'kept', 'build', 'x.bin');
  const code: KeptCode = new Map([
    ['a.js', Buffer.from('first')],
    ['b.js', Buffer.from('second one')],
  ]);

  it('comes back as it was, in a file that only its owner reads', () => {
    writeCode(file(), code);
    expect([...readCode(file())].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
      ['a.js', 'first'],
      ['b.js', 'second one'],
    ]);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(file()))).toEqual(['x.bin']);
  });

  it('is nothing where there is none, it is cut off, a bit of it is wrong, or others could have written it', () => {
    expect(readCode(file()).size).toBe(0);
    writeCode(file(), code);
    const whole = readFileSync(file());
    for (const length of [0, 5, 30, whole.length - 1]) {
      writeFileSync(file(), whole.subarray(0, length));
      expect(readCode(file()).size).toBe(0);
    }
    for (let at = 0; at < whole.length; at += 1) {
      const wrong = Buffer.from(whole);
      wrong[at] = (wrong[at] ?? 0) ^ 4;
      writeFileSync(file(), wrong);
      expect(readCode(file()).size).toBe(0);
    }
    writeFileSync(file(), whole);
    expect(readCode(file()).size).toBe(2);
    chmodSync(file(), 0o620);
    expect(readCode(file()).size).toBe(0);
  });

  it('is not written where that cannot be, and says nothing', () => {
    writeFileSync(path.join(folder, 'kept'), 'a file in its place');
    writeCode(file(), code);
    expect(readCode(file()).size).toBe(0);
  });

  it('of old builds goes when that of a new one comes', () => {
    for (let build = 0; build < 8; build += 1) {
      writeCode(path.join(folder, 'kept', `build-${build}`, 'x.bin'), code);
    }
    expect(readdirSync(path.join(folder, 'kept')).length).toBe(4);
    expect(readCode(path.join(folder, 'kept', 'build-7', 'x.bin')).size).toBe(2);
  });
});
