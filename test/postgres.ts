import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const INSTALLED = '/usr/lib/postgresql';
const READY_TRIES = 300;

/** Where Debian keeps the newest PostgreSQL; undefined where none is installed. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  const [newest] = readdirSync(INSTALLED).toSorted((a, b) => Number(b) - Number(a));
  const folder = path.join(INSTALLED, newest ?? '', 'bin');
  return existsSync(path.join(folder, 'initdb')) ? folder : undefined;
}

export interface PostgresServer {
  readonly url: string;
  close(): Promise<void>;
}

/** PostgreSQL refuses to run as root. */
function otherUser(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/**
 * A server of its own in a temporary folder, reached by a socket in it. Tests do not wait for its disk; what is measured
 * does.
 */
export async function startPostgres(programs: string, durable = false): Promise<PostgresServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'landfall-postgres-'));
  const user = otherUser();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = path.join(folder, 'data');
  const run = { cwd: folder, ...user };
  execFileSync(
    path.join(programs, 'initdb'),
    ['-D', data, '-U', 'landfall', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C.UTF-8'],
    { ...run, stdio: 'ignore' },
  );
  const child = spawn(
    path.join(programs, 'postgres'),
    [
      '-D',
      data,
      '-k',
      folder,
      '-c',
      'listen_addresses=',
      '-c',
      `fsync=${durable ? 'on' : 'off'}`,
      '-c',
      'max_connections=40',
    ],
    { ...run, stdio: 'ignore' },
  );
  const exited = once(child, 'exit');
  const close = async () => {
    child.kill('SIGINT');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  };
  const { default: pg } = await import('pg');
  const url = `postgres://landfall@localhost/postgres?host=${encodeURIComponent(folder)}`;
  for (let left = READY_TRIES; ; left -= 1) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return { url, close };
    } catch (thrown) {
      if (left <= 1 || child.exitCode !== null) {
        await close();
        throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
