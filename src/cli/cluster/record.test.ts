import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { sleep, systemClock, processStart } from '../../kernel/index.ts';
import { isRunning } from './record.ts';

describe('a process that was recorded', () => {
  it('runs while it is the one that was recorded, and not when another has its number', () => {
    const born = processStart(process.pid) ?? '';
    expect(isRunning({ pid: process.pid, born })).toBe(true);
    expect(isRunning({ pid: process.pid, born: `${born}1` })).toBe(born === '');
  });

  it.skipIf(process.platform !== 'linux')(
    'does not run once it has ended, even if nobody has asked how',
    async () => {
      // The shell does not wait for its child, so that the child stays behind as a zombie.
      const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 30'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const pid = await new Promise<number>((resolve) =>
        shell.stdout.once('data', (text: Buffer) => resolve(Number(text.toString().trim()))),
      );
      for (let looked = 0; looked < 200 && isRunning({ pid, born: processStart(pid) ?? '' }); looked++)
        await sleep(systemClock, 20);
      expect(isRunning({ pid, born: processStart(pid) ?? '' })).toBe(false);
      shell.kill('SIGKILL');
    },
  );
});
