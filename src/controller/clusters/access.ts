import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LandfallError } from '../../kernel/index.ts';
import type { GitAccess } from '../../git/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { HelmAccess } from '../../boundaries/render/index.ts';
import { secretValue } from '../followed.ts';
import type { ArgoSecrets } from './secrets.ts';

/** Whatever a Secret may hold for reaching a repository, whichever system wrote it. */
export interface Credentials {
  /** Names the Secret, never its content. */
  readonly identity: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly bearer?: string | undefined;
  readonly sshKey?: string | undefined;
  /** A `known_hosts` file. Left out: that of this machine. */
  readonly knownHosts?: string | undefined;
  readonly ignoreHostKey?: boolean | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly passCredentials?: boolean | undefined;
}

/** Files that git and helm need, readable by this user alone, gone when the controller closes. */
export interface AccessFiles {
  git(credentials: Credentials): Promise<GitAccess>;
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

export function helmAccess(credentials: Credentials | undefined): HelmAccess {
  if (credentials === undefined) return {};
  const { username, password, ca, insecure, passCredentials } = credentials;
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(ca === undefined ? {} : { ca }),
    ...(insecure === undefined ? {} : { insecure }),
    ...(passCredentials === undefined ? {} : { passCredentials }),
  };
}

/**
 * The credentials that Argo CD would use for a repository: its own Secret (of the project first), completed by the
 * template whose URL it starts with. Undefined: none are configured.
 */
export async function argoCredentials(
  secrets: ArgoSecrets,
  url: string,
  project: string,
  signal?: AbortSignal,
): Promise<Credentials | undefined> {
  const wanted = normalizedUrl(url);
  const same = (await secrets.repositories(signal)).filter(
    (secret) => normalizedUrl(secretValue(secret, 'url') ?? '') === wanted,
  );
  const projectOf = (secret: KubeObject) => secretValue(secret, 'project') ?? '';
  const own =
    same.find((secret) => projectOf(secret) === project) ?? same.find((secret) => projectOf(secret) === '');
  if (own !== undefined && hasCredentials(own)) return credentialsOf(own);
  const templates = (await secrets.credentials(signal))
    .map((secret) => ({ secret, prefix: normalizedUrl(secretValue(secret, 'url') ?? '') }))
    .filter(({ prefix }) => prefix !== '' && wanted.startsWith(prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length);
  const template = templates[0]?.secret;
  if (template === undefined) return own === undefined ? undefined : credentialsOf(own);
  const merged = credentialsOf(template);
  return own === undefined ? merged : { ...merged, insecure: isTrue(own, 'insecure') || merged.insecure };
}

/** One writing for a repository, by Argo CD's rules. */
export function normalizedUrl(url: string): string {
  let text = url.trim().toLowerCase();
  if (
    /^(?:ssh:\/\/)?[^@/\s]+@[^:/\s]+[:/]/.test(text) &&
    !text.startsWith('ssh://') &&
    !/^https?:/.test(text)
  ) {
    text = `ssh://${text.replace(':', '/')}`;
  }
  return text.replace(/\.git$/, '').replace(/^ssh:\/\//, '');
}

const FIELDS = [
  'username',
  'password',
  'bearerToken',
  'sshPrivateKey',
  'tlsClientCertData',
  'githubAppPrivateKey',
];

function hasCredentials(secret: KubeObject): boolean {
  return FIELDS.some((field) => (secretValue(secret, field) ?? '') !== '');
}

function isTrue(secret: KubeObject, field: string): boolean {
  return secretValue(secret, field) === 'true';
}

function credentialsOf(secret: KubeObject): Credentials {
  const { name, namespace = '' } = secret.metadata;
  const text = (field: string) => secretValue(secret, field) || undefined;
  const unsupported = [
    'githubAppPrivateKey',
    'gcpServiceAccountKey',
    'azureServicePrincipalClientSecret',
    'proxy',
  ].find((field) => text(field) !== undefined);
  if (unsupported !== undefined) {
    throw new LandfallError(
      `The repository Secret ${namespace}/${name} uses ${unsupported}, which this controller does not do.`,
      {
        kind: 'invalid-input',
        code: 'repository-access',
        object: `${namespace}/${name}`,
        hint: 'Use username and password (or a token), or sshPrivateKey.',
      },
    );
  }
  return {
    identity: `argocd ${namespace}/${name}`,
    username: text('username'),
    password: text('password'),
    bearer: text('bearerToken'),
    sshKey: text('sshPrivateKey'),
    ignoreHostKey: isTrue(secret, 'insecureIgnoreHostKey') || isTrue(secret, 'insecure'),
    cert: text('tlsClientCertData'),
    key: text('tlsClientCertKey'),
    insecure: isTrue(secret, 'insecure'),
  };
}
