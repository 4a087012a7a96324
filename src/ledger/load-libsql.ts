import { closeSync, openSync, readSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import type Sqlite from 'libsql';

/** The loader that a program names stands behind the table of its segments. */
const LOADER_WITHIN = 4096;

/** True where the C library of this Node is musl, as its own file says; false where that cannot be read. */
function isMusl(): boolean {
  try {
    const file = openSync(process.execPath, 'r');
    try {
      const head = Buffer.alloc(LOADER_WITHIN);
      return head.toString('latin1', 0, readSync(file, head)).includes('/ld-musl-');
    } finally {
      closeSync(file);
    }
  } catch {
    return false;
  }
}

/** What `libsql` asks to find out which of its native libraries is the one for this machine. */
function answers(): Readonly<Record<string, object>> {
  const musl = isMusl();
  const target = `linux-${process.arch}-${musl ? 'musl' : 'gnu'}`;
  return {
    '@neon-rs/load': { currentTarget: () => target, load: () => null },
    'detect-libc': { GLIBC: 'glibc', MUSL: 'musl', familySync: () => (musl ? 'musl' : 'glibc') },
  };
}

/**
 * The class of `libsql`. On Linux its own way of telling C libraries apart is a diagnostic report of the whole process,
 * which takes longer than everything else that a ledger does: it is answered here instead, where it is asked as we
 * know it, and left to itself where not.
 */
export function loadLibsql(): typeof Sqlite {
  const here = createRequire(import.meta.url);
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    return here('libsql') as typeof Sqlite;
  }
  const main = here.resolve('libsql');
  const inside = createRequire(main);
  const placed: string[] = [];
  try {
    for (const [name, exports] of Object.entries(answers())) {
      const file = resolved(inside, name);
      if (file === undefined || inside.cache[file] !== undefined) continue;
      inside.cache[file] = Object.assign(new module.Module(file), { exports, loaded: true });
      placed.push(file);
    }
    return here(main) as typeof Sqlite;
  } finally {
    // Others get what is installed.
    for (const file of placed) delete inside.cache[file];
  }
}

function resolved(inside: NodeJS.Require, name: string): string | undefined {
  try {
    return inside.resolve(name);
  } catch {
    return undefined;
  }
}
