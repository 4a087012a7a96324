import { getObject, isJsonObject, LandfallError, parseJson } from '../kernel/index.ts';

import { digestOf } from './digest.ts';
import type { Endpoint } from './endpoints.ts';
import { allDescriptors, parseManifestJson, stringMap, type Descriptor } from './manifest.ts';
import { readManifestAtAuthority, writeManifest } from './manifest-client.ts';
import { isIndexType, OCI_INDEX } from './media-types.ts';
import { collectPages, nextPage } from './pages.ts';
import { formatReference, type PinnedReference } from './reference.ts';
import { pullScope, type Session } from './session.ts';

const REFERRERS = 10_000;
const PAGE_LIMIT = 4 * 1024 * 1024;
const RACES = 5;

/** The tag under which referrers are kept where the registry has no API for them: `sha256-<hex>`. */
function fallbackTag(digest: string): string {
  return digest.replace(':', '-');
}

export async function listReferrers(
  session: Session,
  reference: PinnedReference,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const endpoint = await session.authority(reference.registry, signal);
  const answered = await askReferrers(session, endpoint, reference, artifactType, signal);
  const all = answered ?? (await readFallback(session, reference, signal));
  // A registry may ignore the filter.
  return all.filter((descriptor) => artifactType === undefined || descriptor.artifactType === artifactType);
}

async function askReferrers(
  session: Session,
  endpoint: Endpoint,
  { registry, repository, digest }: PinnedReference,
  artifactType: string | undefined,
  signal: AbortSignal,
): Promise<readonly Descriptor[] | undefined> {
  const filter = artifactType === undefined ? '' : `?${new URLSearchParams({ artifactType }).toString()}`;
  const object = `${registry}/${repository}@${digest}`;
  let missing = false;
  const found = await collectPages(
    `/v2/${repository}/referrers/${digest}${filter}`,
    `what refers to ${object}`,
    REFERRERS,
    async (target) => {
      const { status, headers, body, url } = await session.send(
        endpoint,
        {
          method: 'GET',
          target,
          headers: { accept: OCI_INDEX },
          maxBytes: PAGE_LIMIT,
          scopes: pullScope(repository),
          // Registries without the API answer 404; some answer 400 or 405 to the path.
          expect: [200, 400, 404, 405],
          action: 'Listing what refers to',
          object,
        },
        signal,
      );
      if (status !== 200 || headers['content-type']?.split(';')[0]?.trim() !== OCI_INDEX) {
        missing = true;
        return { items: [], next: undefined };
      }
      const where = `${endpoint.base.origin} for what refers to ${object}`;
      const json = parseJson(body.toString('utf8'), where);
      return {
        items: isJsonObject(json) ? allDescriptors(json, where) : [],
        next: nextPage(headers['link'], url, endpoint.base),
      };
    },
  );
  return missing ? undefined : found;
}

async function readFallback(
  session: Session,
  { registry, repository, digest }: PinnedReference,
  signal: AbortSignal,
): Promise<readonly Descriptor[]> {
  const reference = { registry, repository, tag: fallbackTag(digest) };
  try {
    const { json, mediaType } = await readManifestAtAuthority(session, reference, signal);
    return isIndexType(mediaType) ? allDescriptors(json, formatReference(reference)) : [];
  } catch (error) {
    if (error instanceof LandfallError && error.kind === 'not-found') return [];
    throw error;
  }
}

/** Pushes a manifest with a subject; where the registry does not note the subject, it is noted under the tag. */
export async function attachReferrer(
  session: Session,
  subject: PinnedReference,
  {
    mediaType,
    bytes,
    artifactType,
  }: { readonly mediaType: string; readonly bytes: Uint8Array; readonly artifactType: string },
  signal: AbortSignal,
): Promise<string> {
  const { registry, repository } = subject;
  const reference = { registry, repository, digest: digestOf(bytes) };
  const { digest, subjectKnown } = await writeManifest(session, reference, { mediaType, bytes }, signal);
  if (!subjectKnown) {
    const { json } = parseManifestJson(Buffer.from(bytes), mediaType, formatReference(reference));
    const annotations = stringMap(getObject(json, 'annotations'));
    const descriptor = { mediaType, digest, size: bytes.length, artifactType, annotations };
    await addToFallback(session, subject, descriptor, signal);
  }
  return digest;
}

/**
 * Adds a referrer to the index under the fallback tag. Two writers may overwrite each other there: it is read again
 * after each write until the own entry is in it.
 */
async function addToFallback(
  session: Session,
  subject: PinnedReference,
  added: Descriptor,
  signal: AbortSignal,
): Promise<void> {
  const { registry, repository, digest } = subject;
  const reference = { registry, repository, tag: fallbackTag(digest) };
  for (let round = 0; round <= RACES; round += 1) {
    const present = await readFallback(session, subject, signal);
    if (present.some((descriptor) => descriptor.digest === added.digest)) return;
    if (round === RACES) break;
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...present, added] };
    const bytes = Buffer.from(JSON.stringify(index));
    await writeManifest(session, reference, { mediaType: OCI_INDEX, bytes }, signal);
  }
  throw new LandfallError(
    `The list of what refers to ${formatReference(subject)} lost an entry ${RACES} times to other writers.`,
    {
      kind: 'conflict',
      code: 'referrers-contended',
      object: formatReference(subject),
      hint: 'Try again, or use a registry that keeps referrers by itself (distribution 1.1).',
    },
  );
}
