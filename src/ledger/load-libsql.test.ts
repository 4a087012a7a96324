import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { runProgram } from '../kernel/index.ts';
import { loadLibsql } from './load-libsql.ts';

const here = createRequire(import.meta.url);

it('opens a database, and leaves what others load as it is installed', () => {
  const Database = loadLibsql();
  const database = new Database(':memory:');
  expect(database.prepare('select 1 + 1 as two').all()).toEqual([{ two: 2 }]);
  database.close();
  expect(here('libsql')).toBe(Database);
  const inside = createRequire(here.resolve('libsql'));
  expect(inside('@neon-rs/load')).toHaveProperty('load.name', 'load');
});

it('takes no report of the process, which libsql by itself does', async () => {
  const reports = async (loading: string) => {
    const program = `
      let reports = 0;
      const { getReport } = process.report;
      process.report.getReport = () => { reports += 1; return getReport.call(process.report); };
      ${loading}
      process.stdout.write(String(reports));`;
    const file = JSON.stringify(new URL('load-libsql.ts', import.meta.url).href);
    const args = ['--import', 'tsx', '--input-type=module', '-e', program.replace('FILE', file)];
    const { stdout, stderr } = await runProgram(process.execPath, args, { timeoutMs: 60_000 });
    expect(stderr).toBe('');
    return Number(stdout);
  };
  expect(await reports('(await import(FILE)).loadLibsql();')).toBe(process.platform === 'linux' ? 0 : 1);
  if (process.platform === 'linux') expect(await reports("await import('libsql');")).toBeGreaterThan(0);
}, 120_000);
