import { isJsonObject } from '../../kernel/index.ts';
import { SECRETS, SERVICE_ACCOUNTS } from '../controllers/index.ts';
import type { Pod } from '../controllers/index.ts';
import type { NodeContext } from './context.ts';
import type { Credentials } from './registry-client.ts';

/** The credentials that the pull secrets of a pod (and of its service account) hold, by registry. */
export function pullCredentials(
  { api }: Pick<NodeContext, 'api'>,
  pod: Pod,
): (registry: string) => Credentials | undefined {
  const namespace = pod.metadata.namespace ?? '';
  return (registry) => {
    const account = api.get(SERVICE_ACCOUNTS, namespace, pod.spec.serviceAccountName ?? 'default');
    const inherited = (account?.['imagePullSecrets'] ?? []) as { name?: string }[];
    for (const { name } of [...(pod.spec.imagePullSecrets ?? []), ...inherited]) {
      if (name === undefined) continue;
      const data = (api.get(SECRETS, namespace, name)?.['data'] ?? {}) as Record<string, string>;
      const found = credentialsIn(data['.dockerconfigjson'], registry);
      if (found !== undefined) return found;
    }
    return undefined;
  };
}

function credentialsIn(encoded: string | undefined, registry: string): Credentials | undefined {
  if (encoded === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
  const auths = isJsonObject(parsed) ? parsed['auths'] : undefined;
  if (!isJsonObject(auths)) return undefined;
  for (const [server, entry] of Object.entries(auths)) {
    const host = server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
    if (host !== registry || !isJsonObject(entry)) continue;
    const { username, password, auth } = entry;
    if (typeof username === 'string' && typeof password === 'string') return { username, password };
    if (typeof auth !== 'string') continue;
    const decoded = Buffer.from(auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon > 0) return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  return undefined;
}
