import { LandfallError } from '../kernel/index.ts';
import { pullScope, pushScope, type Session } from './session.ts';
import { checkContent, digestOf, isDigest } from './digest.ts';
import type { Endpoint } from './endpoints.ts';
import { parseManifestJson, type Manifest } from './manifest.ts';
import { MANIFEST_ACCEPT } from './media-types.ts';
import { formatReference, pulledReference, type ImageReference } from './reference.ts';

/** What a registry says of a manifest without sending it. */
export interface ManifestHead {
  readonly digest: string;
  readonly mediaType: string;
  readonly lastModified?: string;
  readonly answeredBy: string;
}

export interface WrittenManifest {
  /** From the registry's answer to the PUT. */
  readonly digest: string;
  /** Whether the registry keeps referrers by itself (it answered with OCI-Subject). */
  readonly subjectKnown: boolean;
}

/** Registries must take manifests up to 4 MiB (distribution specification); none larger is read. */
const MANIFEST_LIMIT = 4 * 1024 * 1024;

function pathOf(reference: ImageReference): string {
  const { repository, tag, digest } = pulledReference(reference);
  return `/v2/${repository}/manifests/${digest ?? tag ?? 'latest'}`;
}

export function readManifest(
  session: Session,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<Manifest> {
  return session.read(reference.registry, signal, (endpoint) =>
    manifestOf(session, endpoint, reference, signal),
  );
}

/** Past the mirrors: what is going to be changed must be what is there now. */
export async function readManifestAtAuthority(
  session: Session,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<Manifest> {
  const endpoint = await session.authority(reference.registry, signal);
  return manifestOf(session, endpoint, reference, signal);
}

async function manifestOf(
  session: Session,
  endpoint: Endpoint,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<Manifest> {
  const object = formatReference(pulledReference(reference));
  const { headers, body } = await session.send(
    endpoint,
    {
      method: 'GET',
      target: pathOf(reference),
      headers: { accept: MANIFEST_ACCEPT },
      maxBytes: MANIFEST_LIMIT,
      scopes: pullScope(reference.repository),
      expect: [200],
      action: 'Reading the manifest of',
      object,
    },
    signal,
  );
  const where = `${endpoint.base.origin} for ${object}`;
  // The bytes decide; what the header says and what was asked for must agree with them.
  const claimed = headers['docker-content-digest'];
  if (claimed !== undefined && isDigest(claimed)) checkContent(body, claimed, where);
  if (reference.digest !== undefined) checkContent(body, reference.digest, where);
  const { json, mediaType } = parseManifestJson(body, headers['content-type'], object);
  return {
    digest: digestOf(body),
    mediaType,
    bytes: body,
    json,
    ...lastModified(headers['last-modified']),
    answeredBy: endpoint.base.origin,
  };
}

function lastModified(header: string | undefined): { lastModified?: string } {
  const time = Date.parse(header ?? '');
  return Number.isNaN(time) ? {} : { lastModified: new Date(time).toISOString() };
}

export function headManifest(
  session: Session,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<ManifestHead> {
  return session.read(reference.registry, signal, async (endpoint) => {
    const object = formatReference(pulledReference(reference));
    const { headers } = await session.send(
      endpoint,
      {
        method: 'HEAD',
        target: pathOf(reference),
        headers: { accept: MANIFEST_ACCEPT },
        scopes: pullScope(reference.repository),
        expect: [200],
        action: 'Looking up',
        object,
      },
      signal,
    );
    const digest = headers['docker-content-digest'];
    if (digest === undefined || !isDigest(digest)) {
      // Old registries leave it out; then only the bytes tell.
      const manifest = await manifestOf(session, endpoint, reference, signal);
      const { mediaType, answeredBy } = manifest;
      return {
        digest: manifest.digest,
        mediaType,
        answeredBy,
        ...(manifest.lastModified === undefined ? {} : { lastModified: manifest.lastModified }),
      };
    }
    if (reference.digest !== undefined && digest !== reference.digest) {
      throw new LandfallError(`${endpoint.base.origin} answered ${digest} when asked for ${object}.`, {
        kind: 'unavailable',
        code: 'registry-digest-mismatch',
        object,
        hint: 'Something between the registry and here answers for another manifest.',
      });
    }
    return {
      digest,
      mediaType: headers['content-type']?.split(';')[0]?.trim() ?? '',
      ...lastModified(headers['last-modified']),
      answeredBy: endpoint.base.origin,
    };
  });
}

export async function writeManifest(
  session: Session,
  reference: ImageReference,
  { mediaType, bytes }: { readonly mediaType: string; readonly bytes: Uint8Array },
  signal: AbortSignal,
): Promise<WrittenManifest> {
  const object = formatReference(pulledReference(reference));
  if (bytes.length > MANIFEST_LIMIT) {
    throw new LandfallError(
      `The manifest of ${object} has ${bytes.length} bytes, at most ${MANIFEST_LIMIT}.`,
      {
        kind: 'invalid-input',
        code: 'manifest-too-large',
        object,
        hint: 'Use fewer layers, platforms or annotations.',
      },
    );
  }
  const endpoint = await session.authority(reference.registry, signal);
  const { headers } = await session.send(
    endpoint,
    {
      method: 'PUT',
      target: pathOf(reference),
      headers: { 'content-type': mediaType },
      body: bytes,
      scopes: pushScope(reference.repository),
      expect: [201, 202],
      action: 'Pushing the manifest of',
      object,
    },
    signal,
  );
  const wanted = digestOf(bytes);
  const answered = headers['docker-content-digest'];
  const digest = answered ?? (await headByDigest(session, endpoint, reference, wanted, signal));
  if (digest !== wanted) {
    throw new LandfallError(
      `${endpoint.base.origin} stored ${object} as ${digest}, the bytes sent have the digest ${wanted}.`,
      {
        kind: 'unavailable',
        code: 'registry-digest-mismatch',
        object,
        hint: 'The registry or something before it rewrites manifests; push without it.',
      },
    );
  }
  return { digest, subjectKnown: headers['oci-subject'] !== undefined };
}

/** A registry that does not answer with the digest is asked whether it has it. */
async function headByDigest(
  session: Session,
  endpoint: Endpoint,
  { registry, repository }: ImageReference,
  digest: string,
  signal: AbortSignal,
): Promise<string> {
  const reference = { registry, repository, digest };
  return (await manifestOf(session, endpoint, reference, signal)).digest;
}

export async function deleteManifest(
  session: Session,
  reference: ImageReference,
  signal: AbortSignal,
): Promise<void> {
  const endpoint = await session.authority(reference.registry, signal);
  await session.send(
    endpoint,
    {
      method: 'DELETE',
      target: pathOf(reference),
      scopes: [{ repository: reference.repository, actions: 'delete' }],
      expect: [200, 202],
      action: 'Deleting',
      object: formatReference(pulledReference(reference)),
    },
    signal,
  );
}
