import { getObject, isJsonObject, LandfallError, parseJson, type JsonObject } from '../kernel/index.ts';
import { decodeAuthEntry } from './auth-entry.ts';
import { nearestEntry, type AuthEntry } from './auth-map.ts';
import type { CredentialSource } from './credentials.ts';

/** A Kubernetes Secret as the API serves it: data in base64. */
export interface PullSecret {
  readonly type: string;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/**
 * Credentials of image pull secrets, matched as the kubelet does: the longest path first, globs in the host allowed.
 * Secrets of other types are left out. Throws `invalid-input` naming the secret whose data cannot be read.
 */
export function pullSecretCredentials(secrets: readonly PullSecret[]): CredentialSource {
  const entries = secrets.flatMap(entriesOf);
  return (host, repository) =>
    Promise.resolve(nearestEntry(entries, host, repository, 'kubernetes')?.credentials);
}

function entriesOf({ type, name, data }: PullSecret): readonly AuthEntry[] {
  const where = `the pull secret ${name}`;
  const key = type === 'kubernetes.io/dockerconfigjson' ? '.dockerconfigjson' : '.dockercfg';
  if (key === '.dockercfg' && type !== 'kubernetes.io/dockercfg') return [];
  const encoded = data[key];
  if (encoded === undefined || encoded === '') return [];
  const json = parseSecret(Buffer.from(encoded, 'base64').toString('utf8'), where);
  const auths = type === 'kubernetes.io/dockerconfigjson' ? (getObject(json, 'auths') ?? {}) : json;
  return Object.entries(auths).map(([host, entry]) => ({
    key: host,
    credentials: decodeAuthEntry(entry, `${where}, auths of ${host}`),
  }));
}

function parseSecret(text: string, where: string): JsonObject {
  try {
    const json = parseJson(text, where);
    if (isJsonObject(json)) return json;
  } catch {
    // Falls through: the parser's message may repeat a part of a secret.
  }
  throw new LandfallError(`${where} does not hold a Docker configuration in JSON.`, {
    kind: 'invalid-input',
    code: 'pull-secret-invalid',
    object: where,
    hint: "Create it again with 'kubectl create secret docker-registry'.",
  });
}
