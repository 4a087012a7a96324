// Installs the locked dependencies when they are absent or older than the lock file, so that `npm start` and
// `npm test` work straight after `git clone`. Imports nothing that has to be installed first.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

export function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(root, 'node_modules', '.landfall-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  process.stderr.write('installing dependencies (npm ci)\n');
  const result = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (result.error || result.status !== 0) {
    process.stderr.write(
      `npm ci did not finish (${result.error?.message ?? `exit ${result.status}`}). Run it by hand in ${root} to see why.\n`,
    );
    process.exit(result.status || 1);
  }
  writeFileSync(stamp, lock);
}

/** Runs a program from node_modules/.bin or PATH with our stdio; ends this process when it fails. */
export function run(name, command, args, env = {}) {
  const bin = path.join(root, 'node_modules', '.bin', command);
  const started = Date.now();
  const result = spawnSync(existsSync(bin) ? bin : command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  if (result.error || result.status !== 0) {
    process.stderr.write(
      `✗ ${name} failed after ${seconds} s${result.error ? `: ${result.error.message}` : ''}\n`,
    );
    process.exit(result.status || 1);
  }
  process.stdout.write(`✓ ${name} (${seconds} s)\n`);
}
