import { LandfallError } from '../kernel/index.ts';
import { pullScope, pushScope, type Session } from './session.ts';
import { checkContent, digestOf, isDigest } from './digest.ts';
import type { Endpoint } from './endpoints.ts';
import type { HttpResponse } from './http-exchange.ts';
import type { ImageReference } from './reference.ts';

/** How a blob came to be in the repository, and its digest. */
export interface BlobPush {
  readonly digest: string;
  readonly outcome: 'present' | 'mounted' | 'uploaded';
}

function pathOf(repository: string, digest: string): string {
  if (isDigest(digest)) return `/v2/${repository}/blobs/${digest}`;
  throw new LandfallError(`'${digest.slice(0, 100)}' is not a sha256 digest.`, {
    kind: 'invalid-input',
    code: 'digest-invalid',
    hint: 'Write it as sha256: and 64 lower-case hexadecimal digits.',
  });
}

function nameOf({ registry, repository }: ImageReference, digest: string): string {
  return `${registry}/${repository}@${digest}`;
}

export function blobExists(
  session: Session,
  reference: ImageReference,
  digest: string,
  signal: AbortSignal,
): Promise<boolean> {
  return session.read(reference.registry, signal, (endpoint) =>
    existsAt(session, endpoint, reference, digest, 'pull', signal),
  );
}

async function existsAt(
  session: Session,
  endpoint: Endpoint,
  reference: ImageReference,
  digest: string,
  purpose: 'pull' | 'push',
  signal: AbortSignal,
): Promise<boolean> {
  const { repository } = reference;
  const { status } = await session.send(
    endpoint,
    {
      method: 'HEAD',
      target: pathOf(repository, digest),
      scopes: purpose === 'pull' ? pullScope(repository) : pushScope(repository),
      expect: [200, 404],
      action: 'Looking up the blob',
      object: nameOf(reference, digest),
    },
    signal,
  );
  return status === 200;
}

export function readBlob(
  session: Session,
  reference: ImageReference,
  digest: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Buffer> {
  return session.read(reference.registry, signal, async (endpoint) => {
    const object = nameOf(reference, digest);
    const { body } = await session.send(
      endpoint,
      {
        method: 'GET',
        target: pathOf(reference.repository, digest),
        maxBytes,
        scopes: pullScope(reference.repository),
        expect: [200],
        action: 'Reading the blob',
        object,
      },
      signal,
    );
    checkContent(body, digest, `${endpoint.base.origin} for ${object}`);
    return body;
  });
}

export async function pushBlob(
  session: Session,
  reference: ImageReference,
  bytes: Uint8Array,
  mountFrom: string | undefined,
  signal: AbortSignal,
): Promise<BlobPush> {
  const { repository } = reference;
  const digest = digestOf(bytes);
  const endpoint = await session.authority(reference.registry, signal);
  if (await existsAt(session, endpoint, reference, digest, 'push', signal)) {
    return { digest, outcome: 'present' };
  }
  const common = {
    scopes: pushScope(repository),
    action: 'Uploading the blob',
    object: nameOf(reference, digest),
  };
  let opened: HttpResponse | undefined;
  if (mountFrom !== undefined && mountFrom !== repository) {
    const query = new URLSearchParams({ mount: digest, from: mountFrom });
    // Who may not read the other repository gets no mount, and uploads instead.
    opened = await session.send(
      endpoint,
      {
        ...common,
        method: 'POST',
        target: `/v2/${repository}/blobs/uploads/?${query.toString()}`,
        headers: { 'content-length': '0' },
        scopes: [...common.scopes, ...pullScope(mountFrom)],
        expect: [201, 202, 401, 403, 404],
      },
      signal,
    );
    if (opened.status === 201) return { digest, outcome: 'mounted' };
    if (opened.status !== 202) opened = undefined;
  }
  opened ??= await session.send(
    endpoint,
    {
      ...common,
      method: 'POST',
      target: `/v2/${repository}/blobs/uploads/`,
      headers: { 'content-length': '0' },
      expect: [202],
    },
    signal,
  );
  await session.send(
    endpoint,
    {
      ...common,
      method: 'PUT',
      target: uploadUrl(opened, endpoint, common.object, digest),
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes,
      expect: [201],
    },
    signal,
  );
  return { digest, outcome: 'uploaded' };
}

/** Where the bytes go: the Location of the opened upload, which may be relative and may have a query already. */
function uploadUrl(opened: HttpResponse, endpoint: Endpoint, object: string, digest: string): URL {
  const refuse = (why: string) =>
    new LandfallError(`Uploading the blob ${object}: ${endpoint.base.origin} ${why}.`, {
      kind: 'unavailable',
      code: 'registry-upload-location',
      object,
      hint: 'Tell who runs the registry; its answer to the start of an upload is wrong.',
    });
  const { location } = opened.headers;
  if (location === undefined) throw refuse('opened an upload without saying where');
  let url: URL;
  try {
    url = new URL(location, opened.url);
  } catch {
    throw refuse('opened an upload at something that is not a URL');
  }
  if (url.protocol !== 'https:' && url.protocol !== endpoint.base.protocol) {
    throw refuse(`opened an upload at ${url.protocol}//, without TLS`);
  }
  url.searchParams.set('digest', digest);
  return url;
}
