import { getObject, getString, LandfallError } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import {
  createRegistryClient,
  firstOf,
  newPace,
  pullSecretCredentials,
  type CredentialSource,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../../oci/index.ts';
import type { PullSecretReference } from '../configuration/index.ts';

/** Clients of registries, one for each pull secret, that share their pace. */
export interface RegistryClients {
  of(secret: PullSecretReference | undefined, signal: AbortSignal): Promise<RegistryClient>;
  close(): void;
}

/** As Argo CD Image Updater: more than that is not asked of one registry in a second. */
const PER_SECOND = 20;
const KEPT = 200;
/** Ms for which a Secret is not read again. */
const FRESH = 30_000;

export function createRegistryClients(
  kube: KubeClient,
  options: RegistryClientOptions & { readonly perSecond?: number },
): RegistryClients {
  const { perSecond = PER_SECOND, clock } = options;
  if (clock === undefined) {
    throw new LandfallError('Registry clients were to be made without a clock.', {
      kind: 'bug',
      code: 'no-clock',
    });
  }
  const pace = newPace({ clock, perSecond });
  const base = createRegistryClient({ ...options, pace });
  const known = new Map<
    string,
    { readonly version: string; readonly at: number; readonly client: RegistryClient }
  >();

  async function read(reference: PullSecretReference, signal: AbortSignal): Promise<KubeObject> {
    const { namespace, name } = reference;
    const secret = await kube.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }, signal);
    if (secret !== undefined) return secret;
    throw new LandfallError(`The pull secret ${namespace}/${name} does not exist.`, {
      kind: 'invalid-input',
      code: 'pull-secret-missing',
      object: `Secret/${namespace}/${name}`,
      hint: "Create it with 'kubectl create secret docker-registry', or mend its name.",
    });
  }

  return {
    async of(reference, signal) {
      if (reference === undefined) return base;
      const key = JSON.stringify(reference);
      const before = known.get(key);
      const now = clock.now();
      if (before !== undefined && now - before.at < FRESH) return before.client;
      const secret = await read(reference, signal);
      const version = `${secret.metadata.uid ?? ''} ${secret.metadata.resourceVersion ?? ''}`;
      const same = before?.version === version ? before.client : undefined;
      if (same === undefined) before?.client.close();
      if (before === undefined && known.size >= KEPT) {
        for (const { client } of known.values()) client.close();
        known.clear();
      }
      const own = credentialsOf(secret, reference);
      const client =
        same ??
        createRegistryClient({
          ...options,
          pace,
          credentials: options.credentials === undefined ? own : firstOf(own, options.credentials),
        });
      known.set(key, { version, at: now, client });
      return client;
    },
    close() {
      for (const { client } of known.values()) client.close();
      known.clear();
      base.close();
    },
  };
}

/** Never shown: neither what the Secret holds nor what is wrong with its text. */
function credentialsOf(
  secret: KubeObject,
  { namespace, name, field }: PullSecretReference,
): CredentialSource {
  const data = Object.fromEntries(
    Object.entries(getObject(secret, 'data') ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  );
  const where = `${namespace}/${name}`;
  if (field === undefined)
    return pullSecretCredentials([{ type: getString(secret, 'type') ?? '', name: where, data }]);
  const text = Buffer.from(data[field] ?? '', 'base64')
    .toString('utf8')
    .trim();
  const colon = text.indexOf(':');
  if (colon > 0) {
    const credentials = {
      type: 'basic',
      username: text.slice(0, colon),
      password: text.slice(colon + 1),
    } as const;
    return () => Promise.resolve(credentials);
  }
  throw new LandfallError(`The field ${field} of the Secret ${where} does not hold USER:PASSWORD.`, {
    kind: 'invalid-input',
    code: 'pull-secret-invalid',
    object: `Secret/${where}`,
    hint: 'Write user and password with a colon between them, or use a Docker configuration.',
  });
}
