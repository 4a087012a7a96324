import { LandfallError, getArray, getObject, getString, parseYaml } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { KubeClient } from './client.ts';
import { connectKubeClient } from './connect.ts';
import type { KubeObject } from './object.ts';
import { secretValue } from './secret.ts';

/**
 * The cluster that the kubeconfig of a Secret names (`spec.kubeConfig` of Flux; key `value` where none is given). Plugins
 * that run programs are refused, as Flux refuses them. Throws `invalid-input`, code `kubeconfig-secret`.
 */
export function connectKubeconfigSecret(
  secret: KubeObject,
  key: string | undefined,
  options: { readonly clock: Clock; readonly userAgent?: string },
): KubeClient {
  const where = `Secret ${secret.metadata.namespace ?? ''}/${secret.metadata.name}`;
  const text =
    key === undefined || key === ''
      ? (secretValue(secret, 'value') ?? secretValue(secret, 'value.yaml'))
      : secretValue(secret, key);
  const refuse = (what: string) =>
    new LandfallError(`${where} ${what}.`, {
      kind: 'invalid-input',
      code: 'kubeconfig-secret',
      object: where,
      hint: 'Put a kubeconfig with a token or a client certificate into the key value.',
    });
  if (text === undefined) throw refuse('holds no kubeconfig');
  let config;
  try {
    [config] = parseYaml(text, where);
  } catch {
    throw refuse('holds a kubeconfig that is no YAML');
  }
  const named = (list: string, name: string) =>
    getArray(config, list).find((item) => getString(item, 'name') === name);
  const context = getObject(named('contexts', getString(config, 'current-context') ?? ''), 'context');
  const cluster = getObject(named('clusters', getString(context, 'cluster') ?? ''), 'cluster');
  const user = getObject(named('users', getString(context, 'user') ?? ''), 'user');
  if (cluster === undefined) throw refuse('holds a kubeconfig without its current context');
  if (getObject(user, 'exec') !== undefined || getObject(user, 'auth-provider') !== undefined) {
    throw refuse('holds a kubeconfig that runs a program for its credentials, which is refused');
  }
  const data = (holder: typeof cluster | undefined, field: string) => {
    const value = getString(holder, `${field}-data`);
    return value === undefined || value === '' ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  const [ca, cert, privateKey] = [
    data(cluster, 'certificate-authority'),
    data(user, 'client-certificate'),
    data(user, 'client-key'),
  ];
  const token = getString(user, 'token') || undefined;
  const username = getString(user, 'username') || undefined;
  const password = getString(user, 'password') || undefined;
  return connectKubeClient(
    {
      server: getString(cluster, 'server') ?? '',
      name: where,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(privateKey === undefined ? {} : { key: privateKey }),
      ...(token === undefined ? {} : { token }),
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(cluster['insecure-skip-tls-verify'] === true ? { insecure: true } : {}),
    },
    options,
  );
}
