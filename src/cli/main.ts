#!/usr/bin/env node
// Nothing is imported before it is known to be needed: `landfall --version` answers as fast as an empty program.
import module from 'node:module';
import path from 'node:path';
import { cacheFolder } from './folders.ts';
import { version } from './version.ts';

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  // From Node 22 on compiled code can be kept. In a folder of this user: whoever can write there runs as them.
  const { enableCompileCache } = module as { enableCompileCache?: (folder: string) => unknown };
  enableCompileCache?.(path.join(cacheFolder(process.env), 'code'));
  const { runProcess } = await import('./process.ts');
  process.exitCode = await runProcess(args);
}
