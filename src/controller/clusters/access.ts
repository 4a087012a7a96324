import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GitAccess } from '../../git/index.ts';
import type { RepositoryCredentials } from '../../boundaries/render/index.ts';

/** Files that git and helm need, readable by this user alone, gone when the controller closes. */
export interface AccessFiles {
  git(credentials: RepositoryCredentials): Promise<GitAccess>;
  close(): Promise<void>;
}

export function createAccessFiles(): AccessFiles {
  let folder: Promise<string> | undefined;

  async function keep(identity: string, name: string, content: string): Promise<string> {
    folder ??= mkdtemp(join(tmpdir(), 'landfall-access-'));
    const at = join(await folder, createHash('sha256').update(identity).digest('hex').slice(0, 24));
    await mkdir(at, { recursive: true, mode: 0o700 });
    const file = join(at, name);
    // ssh refuses a key without a line end, and keys that others could read.
    await writeFile(file, content.endsWith('\n') ? content : `${content}\n`, { mode: 0o600 });
    await chmod(file, 0o600);
    return file;
  }

  return {
    async git(credentials) {
      const { identity, username, password, bearer } = credentials;
      const environment: Record<string, string> = {};
      if (credentials.sshKey !== undefined) {
        const key = await keep(identity, 'identity', credentials.sshKey);
        const hosts =
          credentials.knownHosts === undefined
            ? undefined
            : await keep(identity, 'known_hosts', credentials.knownHosts);
        environment['GIT_SSH_COMMAND'] = [
          `ssh -i ${quoted(key)} -o IdentitiesOnly=yes -o BatchMode=yes`,
          ...(hosts === undefined
            ? []
            : [`-o UserKnownHostsFile=${quoted(hosts)} -o GlobalKnownHostsFile=/dev/null`]),
          `-o StrictHostKeyChecking=${credentials.ignoreHostKey === true ? 'no' : 'yes'}`,
        ].join(' ');
      }
      if (credentials.ca !== undefined)
        environment['GIT_SSL_CAINFO'] = await keep(identity, 'ca.pem', credentials.ca);
      if (credentials.cert !== undefined)
        environment['GIT_SSL_CERT'] = await keep(identity, 'client.pem', credentials.cert);
      if (credentials.key !== undefined)
        environment['GIT_SSL_KEY'] = await keep(identity, 'client.key', credentials.key);
      if (credentials.insecure === true) environment['GIT_SSL_NO_VERIFY'] = 'true';
      const authorization =
        bearer !== undefined
          ? `Bearer ${bearer}`
          : password === undefined && username === undefined
            ? undefined
            : `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}`;
      return { identity, environment, ...(authorization === undefined ? {} : { authorization }) };
    },
    async close() {
      if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
    },
  };
}

/** Our own paths hold no quote; ssh's command is read by a shell that git starts. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
