import { LandfallError } from '../../kernel/index.ts';
import { secretValue } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { HelmAccess } from './helm-program.ts';

/** Whatever a Secret may hold for reaching a repository, whichever system wrote it. */
export interface RepositoryCredentials {
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

/** Argo CD's Secrets for repositories, from wherever they are read. */
export interface RepositorySecrets {
  repositories(signal?: AbortSignal): Promise<readonly KubeObject[]>;
  /** Credential templates, by the start of their URL. */
  credentials(signal?: AbortSignal): Promise<readonly KubeObject[]>;
}

/** What helm is told of them. */
export function helmAccess(credentials: RepositoryCredentials | undefined): HelmAccess {
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
  secrets: RepositorySecrets,
  url: string,
  project: string,
  signal?: AbortSignal,
): Promise<RepositoryCredentials | undefined> {
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

function credentialsOf(secret: KubeObject): RepositoryCredentials {
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
