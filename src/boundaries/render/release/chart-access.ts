import { getIn, getObject, getString } from '../../../kernel/index.ts';
import { secretValue } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { pullSecretCredentials } from '../../../oci/index.ts';
import type { HelmAccess } from '../helm-program.ts';
import { fluxFailure } from './failure.ts';

/** How helm gets into a HelmRepository: the login and the certificates of its Secrets. `image`: in a registry. */
export async function accessOf(
  client: KubeClient,
  repository: KubeObject,
  image: string | undefined,
  signal: AbortSignal,
): Promise<HelmAccess> {
  const read = async (field: 'secretRef' | 'certSecretRef') => {
    const name = getString(repository, 'spec', field, 'name') ?? '';
    if (name === '') return undefined;
    const { namespace = 'default' } = repository.metadata;
    const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    if (secret !== undefined) return secret;
    throw fluxFailure({
      reason: 'ArtifactFailed',
      message: `failed to get secret '${namespace}/${name}': not found`,
    });
  };
  const secret = await read('secretRef');
  const certificates = await read('certSecretRef');
  const ca = certificates === undefined ? undefined : secretValue(certificates, 'ca.crt');
  const login = secret === undefined ? {} : await loginOf(secret, image, signal);
  return {
    ...login,
    ...(ca === undefined ? {} : { ca }),
    ...(getIn(repository, 'spec', 'insecure') === true ? { insecure: true } : {}),
    ...(getIn(repository, 'spec', 'passCredentials') === true ? { passCredentials: true } : {}),
  };
}

async function loginOf(
  secret: KubeObject,
  image: string | undefined,
  signal: AbortSignal,
): Promise<Pick<HelmAccess, 'username' | 'password'>> {
  const [username, password] = [secretValue(secret, 'username'), secretValue(secret, 'password')];
  if (username !== undefined || password !== undefined) {
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
  }
  if (image === undefined) return {};
  const data = Object.entries(getObject(secret, 'data') ?? {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );
  const credentials = pullSecretCredentials([
    { type: getString(secret, 'type') ?? '', name: secret.metadata.name, data: Object.fromEntries(data) },
  ]);
  const slash = image.indexOf('/');
  const found = await credentials(image.slice(0, slash), image.slice(slash + 1), signal);
  return found?.type === 'basic' ? { username: found.username, password: found.password } : {};
}
