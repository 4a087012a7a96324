import { LandfallError, getString } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';

/** The Secret that a field of the spec names; undefined: it names none. Throws `not-found`, code `secret-missing`. */
export async function secretOf(
  client: KubeClient,
  object: KubeObject,
  field: 'secretRef' | 'certSecretRef' | 'proxySecretRef',
  signal: AbortSignal,
): Promise<KubeObject | undefined> {
  const name = getString(object, 'spec', field, 'name') ?? '';
  return name === '' ? undefined : namedSecret(client, object, name, `spec.${field}`, signal);
}

/** A Secret beside the object. */
export async function namedSecret(
  client: KubeClient,
  object: KubeObject,
  name: string,
  field: string,
  signal: AbortSignal,
): Promise<KubeObject> {
  const { namespace = 'default' } = object.metadata;
  const secret = await client.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
  if (secret !== undefined) return secret;
  throw new LandfallError(`failed to get secret '${namespace}/${name}': secrets "${name}" not found`, {
    kind: 'not-found',
    code: 'secret-missing',
    object: `${namespace}/${name}`,
    hint: `Create the Secret, or mend ${field}.`,
  });
}
