#!/usr/bin/env node
// Nothing is loaded before it is known to be needed: `landfall --version` answers as fast as an empty program. The
// rest lies beside this file as chunks, whose compiled code is kept from one start to the next.
import { createRequire } from 'node:module';
import path from 'node:path';
import { openChunks } from './code/chunks.ts';
import { readCode, writeCode } from './code/kept-code.ts';
import { expectShortLife } from './code/short-life.ts';
import { EXIT } from './exit.ts';
import { cacheFolder } from './folders.ts';
import type * as program from './process.ts';
import { version } from './version.ts';

/** Of everything that the chunks are; set by the bundler. */
declare const LANDFALL_BUILD: string;

async function start(args: readonly string[]): Promise<void> {
  // One file for each command holds what that command needs, and no more.
  const [command = 'help'] = args;
  const name = /^[a-z]{1,20}$/.test(command) ? command : 'help';
  const build = `${LANDFALL_BUILD}-${process.version}-${process.arch}`;
  const file = path.join(cacheFolder(process.env), 'code', build, `${name}.bin`);
  const requireModule = createRequire(import.meta.filename);
  expectShortLife(name, requireModule);
  const chunks = openChunks(path.join(import.meta.dirname, 'code'), readCode(file), requireModule);
  const { runProcess } = chunks.load('process.js') as typeof program;
  const code = await runProcess(args);
  process.exitCode = code;
  // A word that is no command gets no file.
  const compiled = code === EXIT.usage ? undefined : chunks.compiled();
  if (compiled !== undefined) writeCode(file, compiled);
  // Everything has ended. What Node does besides, it does to give back memory that goes with the process.
  if (process.stdout.writableLength === 0 && process.stderr.writableLength === 0) process.exit(code);
}

const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  process.stdout.write(`${version()}\n`);
} else {
  void start(args);
}
