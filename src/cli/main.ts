#!/usr/bin/env node
// Nothing is imported before it is known to be needed: `landfall --version` answers as fast as an empty program.
import { version } from './version.ts';

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  const { runProcess } = await import('./process.ts');
  process.exitCode = await runProcess(args);
}
