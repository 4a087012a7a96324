import { spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { childProgram, type ChildProgram } from '../../test/child-program.ts';
import { systemClock } from '../kernel/index.ts';
import { createGitMirrors } from './index.ts';
import { change, remoteStage } from './remote.fixture.ts';
import { git } from './test-support.ts';

const stage = remoteStage();
const request = { ...change('two\n'), once: { key: 'Landfall-Update', value: 'update-42' } };

/** Commits once to the repository of the URL that it is given. */
const PROGRAM = `
import { createGitMirrors } from './src/git/index.ts';
import { systemClock } from './src/kernel/index.ts';
const [folder = '', url = ''] = process.argv.slice(-2);
const mirrors = createGitMirrors({ folder, clock: systemClock });
await mirrors.open(url).commit(${JSON.stringify(request)});
mirrors.close();
`;

let program: ChildProgram;
beforeAll(async () => {
  program = await childProgram(PROGRAM);
});
afterAll(() => program.remove());

/** Runs the program with a git that kills whoever called it, right after its call number `at`. Gives the calls made. */
async function killedAfter(folder: string, at: number): Promise<number> {
  const bin = await mkdtemp(path.join(stage.temporary, 'bin-'));
  const counter = path.join(bin, 'count');
  const real = path.join((await git(stage.folder, '--exec-path')).trim(), 'git');
  await writeFile(counter, '');
  // One letter for each call.
  await writeFile(
    path.join(bin, 'git'),
    `#!/bin/sh\nprintf x >> '${counter}'\nn=$(wc -c < '${counter}')\n'${real}' "$@"\ncode=$?\nif [ "$n" -eq ${at} ]; then kill -9 $PPID; fi\nexit $code\n`,
  );
  await chmod(path.join(bin, 'git'), 0o755);
  const child = spawn(process.execPath, [program.file, folder, stage.url], {
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await new Promise((resolve) => child.once('close', resolve));
  return (await readFile(counter, 'utf8')).length;
}

describe('a commit whose process is killed', () => {
  test('after any call of git is made once, and whole, when it is made again', async () => {
    const calls = await killedAfter(await mkdtemp(path.join(stage.temporary, 'whole-')), 0);
    expect(calls).toBeGreaterThan(8);
    const wanted = (await git(stage.bare, 'rev-parse', 'main^{tree}')).trim();
    let made = 0;
    for (let at = 1; at <= calls; at += 1) {
      await git(stage.bare, 'update-ref', 'refs/heads/main', stage.first);
      const folder = await mkdtemp(path.join(stage.temporary, 'killed-'));
      await killedAfter(folder, at);
      // The remote has all of the commit, or nothing of it.
      const left = await stage.subjects();
      expect([['First'], ['Pin the image', 'First']]).toContainEqual(left);
      const mirrors = createGitMirrors({ folder, clock: systemClock });
      const again = await mirrors.open(stage.url).commit(request);
      mirrors.close();
      expect(again.found === true).toBe(left.length === 2);
      if (left.length === 2) made += 1;
      expect(await stage.subjects()).toEqual(['Pin the image', 'First']);
      expect((await git(stage.bare, 'rev-parse', 'main^{tree}')).trim()).toBe(wanted);
    }
    // Some died before their push, and some after it.
    expect(made).toBeGreaterThan(0);
    expect(made).toBeLessThan(calls);
  }, 600_000);
});
