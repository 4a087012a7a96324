import { LandfallError, getIn, getObject, getString } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { KubeClient } from './client.ts';
import { connectKubeClient } from './connect.ts';
import type { KubeObject } from './object.ts';
import { secretJson, secretValue } from './secret.ts';

/** The address that Applications use for the cluster that they are in. */
export const IN_CLUSTER = 'https://kubernetes.default.svc';

/** The address in a Secret of Argo CD that describes a cluster; empty where it has none. */
export function clusterServer(secret: KubeObject): string {
  return (secretValue(secret, 'server') ?? '').trim().replace(/\/+$/, '');
}

/**
 * A client for the cluster that a Secret of Argo CD describes. Throws `invalid-input` where it asks for a way in that is
 * not known here. Source: Argo CD docs/operator-manual/declarative-setup.md, Clusters.
 */
export function connectClusterSecret(
  secret: KubeObject,
  options: { readonly clock: Clock; readonly userAgent?: string },
): KubeClient {
  const config = secretJson(secret, 'config');
  const name = secretValue(secret, 'name') || secret.metadata.name;
  const unsupported = ['awsAuthConfig', 'execProviderConfig', 'proxyUrl'].find(
    (field) =>
      getIn(config, field) !== undefined && getIn(config, field) !== null && getIn(config, field) !== '',
  );
  if (unsupported !== undefined) {
    throw new LandfallError(
      `The cluster Secret ${secret.metadata.name} asks for ${unsupported}, which is not done here.`,
      {
        kind: 'invalid-input',
        code: 'cluster-access',
        object: secret.metadata.name,
        hint: 'Use bearerToken, username and password, or a client certificate.',
      },
    );
  }
  const tls = getObject(config, 'tlsClientConfig');
  const pem = (field: string) => {
    const text = getString(tls, field);
    return text === undefined || text === '' ? undefined : Buffer.from(text, 'base64').toString('utf8');
  };
  const plain = (field: string) => getString(config, field) || undefined;
  const [ca, cert, key] = [pem('caData'), pem('certData'), pem('keyData')];
  const [token, username, password] = [plain('bearerToken'), plain('username'), plain('password')];
  const serverName = getString(tls, 'serverName') || undefined;
  return connectKubeClient(
    {
      server: clusterServer(secret),
      name,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(token === undefined ? {} : { token }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(getIn(tls, 'insecure') === true ? { insecure: true } : {}),
    },
    options,
  );
}
