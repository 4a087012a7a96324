import { getIn, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { secretValue } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import type { Turn } from '../../queue.ts';
import { FINALIZER, intervalOf, writeStatus } from '../kinds.ts';
import { secretOf } from '../secrets.ts';
import { reconcileSource, sourceFailed } from '../source-status.ts';
import type { Found, SourceOptions } from '../source-status.ts';
import { fetchIndex, indexUrl } from './chart-index.ts';
import type { IndexAccess } from './chart-index.ts';

/** One look at a HelmRepository: its index, where it has one. Those of a registry have no status, as in Flux. */
export async function reconcileHelmRepository(
  options: SourceOptions,
  source: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  const isStatic = getString(source, 'spec', 'type') === 'oci';
  if (isStatic && source.metadata.deletionTimestamp === undefined) return makeStatic(options, source, turn);
  return reconcileSource(options, source, turn, {
    failed: 'Failed',
    find: () => find(options.client, source, turn),
  });
}

async function find(client: KubeClient, source: KubeObject, turn: Turn): Promise<Found> {
  const url = getString(source, 'spec', 'url') ?? '';
  const invalid = (why: string) =>
    sourceFailed({
      reason: 'URLInvalid',
      message: `invalid Helm repository URL: ${why}`,
      stalled: true,
    });
  if (url.startsWith('oci://')) {
    throw invalid("'oci' URL scheme cannot be used with 'default' HelmRepository type");
  }
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw invalid(`'${url.slice(0, 200)}' is no http or https URL`);
  const access = await accessOf(client, source, turn.signal);
  const index = await turn.outside(() => fetchIndex(url, access, turn.signal));
  const { digest, size } = index;
  const message = `stored artifact: revision '${digest}'`;
  return {
    revision: digest,
    digest,
    size,
    file: `index-${digest.slice('sha256:'.length)}.yaml`,
    url: index.url,
    reason: 'Succeeded',
    message,
    news: { reason: 'NewArtifact', message: `stored fetched index of size ${sizeText(size)} from '${url}'` },
    status: { url: indexUrl(url) },
  };
}

function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let at = 0;
  for (; value >= 1000 && at < units.length - 1; at += 1) value /= 1000;
  return `${Number(value.toPrecision(4))}${units[at] ?? ''}`;
}

async function accessOf(client: KubeClient, source: KubeObject, signal: AbortSignal): Promise<IndexAccess> {
  const secret = await secretOf(client, source, 'secretRef', signal);
  const certificates = (await secretOf(client, source, 'certSecretRef', signal)) ?? secret;
  const value = (holder: KubeObject | undefined, ...names: readonly string[]) =>
    holder === undefined
      ? undefined
      : names.map((name) => secretValue(holder, name)).find((text) => text !== undefined && text !== '');
  return {
    username: value(secret, 'username'),
    password: value(secret, 'password'),
    ca: value(certificates, 'ca.crt', 'caFile'),
    cert: value(certificates, 'tls.crt', 'certFile'),
    key: value(certificates, 'tls.key', 'keyFile'),
    passCredentials: getIn(source, 'spec', 'passCredentials') === true,
    timeoutMs: intervalOf(source, 'timeout', 60_000),
  };
}

/** What an earlier type or controller left: a status, a finalizer. */
async function makeStatic({ client }: SourceOptions, source: KubeObject, turn: Turn): Promise<undefined> {
  if (getIn(source, 'spec', 'suspend') === true) return undefined;
  const status: JsonObject = getObject(source, 'status') ?? {};
  if (Object.keys(status).some((key) => key !== 'observedGeneration')) {
    await writeStatus(client, source, {}, turn.signal);
  }
  const finalizers = source.metadata.finalizers ?? [];
  if (!finalizers.includes(FINALIZER)) return undefined;
  const { apiVersion, kind, metadata } = source;
  const { name, namespace = 'default' } = metadata;
  await client.patch(
    { apiVersion, kind, namespace, name },
    'merge',
    { metadata: { finalizers: finalizers.filter((each) => each !== FINALIZER) } },
    {},
    turn.signal,
  );
  return undefined;
}
