import type { Clock } from '../../kernel/index.ts';
import { blobSize, type Stores } from './blobs.ts';
import type { Repository, StoredManifest } from './catalogue.ts';
import { readBody, sendBytes, sendEmpty, type Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';
import { INDEX_TYPES, parseManifest, type ParsedManifest } from './manifest.ts';
import { checkDigest, checkTag, isDigest, sha256 } from './names.ts';

/** The specification asks for at least this much. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

function unknownManifest(
  reference: string,
  message = 'The manifest is unknown to this repository.',
): OciFailure {
  return new OciFailure(404, 'MANIFEST_UNKNOWN', message, { detail: { reference } });
}

/** GET, HEAD, PUT and DELETE of /v2/NAME/manifests/REFERENCE. */
export async function answerManifest(
  stores: Stores,
  exchange: Exchange,
  name: string,
  reference: string,
  options: { readonly clock: Clock; readonly referrers: boolean },
): Promise<void> {
  switch (exchange.method) {
    case 'GET':
    case 'HEAD':
      await send(stores, exchange, name, reference);
      return;
    case 'PUT':
      await put(stores, exchange, name, reference, options);
      return;
    case 'DELETE':
      await remove(stores, exchange, name, reference);
      return;
    default:
      throw new OciFailure(405, 'UNSUPPORTED', `${exchange.method} of a manifest is not supported.`);
  }
}

function find(
  repository: Repository | undefined,
  reference: string,
): { readonly manifest: StoredManifest; readonly at: number } {
  if (repository === undefined) {
    throw new OciFailure(404, 'NAME_UNKNOWN', 'The repository is unknown to this registry.');
  }
  const tag = isDigest(reference) ? undefined : repository.tags.get(reference);
  const manifest = repository.manifests.get(tag?.digest ?? reference);
  if (manifest === undefined) throw unknownManifest(reference);
  return { manifest, at: tag?.at ?? manifest.pushedAt };
}

async function send(stores: Stores, exchange: Exchange, name: string, reference: string): Promise<void> {
  const { manifest, at } = find(stores.catalogue.repository(name), reference);
  if (!accepts(exchange.request.headers.accept, manifest.mediaType)) {
    throw unknownManifest(
      reference,
      `The manifest is of the type ${manifest.mediaType}, which the Accept header does not name.`,
    );
  }
  const headers = {
    'content-type': manifest.mediaType,
    'docker-content-digest': manifest.digest,
    etag: `"${manifest.digest}"`,
    // For a tag: when it moved to this digest. For a digest: when it was pushed first.
    'last-modified': new Date(at).toUTCString(),
  };
  const known = exchange.request.headers['if-none-match'];
  if (known?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === headers.etag) === true) {
    exchange.response.writeHead(304, headers);
    exchange.response.end();
    return;
  }
  if (exchange.method === 'HEAD') {
    exchange.response.writeHead(200, { ...headers, 'content-length': manifest.size });
    exchange.response.end();
    return;
  }
  sendBytes(exchange, 200, await stores.contents.read(manifest.digest), headers);
}

/** No Accept header, and wildcards, accept everything. */
function accepts(header: string | undefined, mediaType: string): boolean {
  if (header === undefined) return true;
  return header.split(',').some((entry) => {
    const [type = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    if (parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))) return false;
    return type === '*/*' || type === 'application/*' || type === mediaType;
  });
}

async function put(
  stores: Stores,
  exchange: Exchange,
  name: string,
  reference: string,
  { clock, referrers }: { readonly clock: Clock; readonly referrers: boolean },
): Promise<void> {
  if (reference.includes(':')) checkDigest(reference);
  else checkTag(reference);
  const bytes = await readBody(exchange.request, MANIFEST_LIMIT, 'The manifest');
  const digest = sha256(bytes);
  const byDigest = isDigest(reference);
  if (byDigest && digest !== reference) {
    throw new OciFailure(400, 'DIGEST_INVALID', `The manifest has the digest ${digest}, not ${reference}.`, {
      detail: { digest: reference, found: digest },
    });
  }
  const parsed = parseManifest(bytes, exchange.request.headers['content-type']);
  const tags = [...(byDigest ? [] : [reference]), ...exchange.query.getAll('tag').map(checkTag)];
  if (tags.length > 100) throw new OciFailure(400, 'TAG_INVALID', 'More than 100 tags in one request.');
  checkReferences(stores, stores.catalogue.repository(name), parsed);

  const now = clock.now();
  const manifest: StoredManifest = {
    digest,
    mediaType: parsed.mediaType,
    size: bytes.length,
    pushedAt: now,
    ...(parsed.artifactType === undefined ? {} : { artifactType: parsed.artifactType }),
    ...(parsed.annotations === undefined ? {} : { annotations: parsed.annotations }),
    ...(parsed.subject === undefined ? {} : { subject: parsed.subject }),
  };
  const spool = stores.contents.spool();
  await spool.write(bytes);
  await stores.contents.add(spool);
  try {
    await stores.catalogue.change({ op: 'manifest', repository: name, manifest, tags, at: now });
  } finally {
    await stores.contents.release(digest);
  }
  sendEmpty(exchange, 201, {
    location: `/v2/${name}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(parsed.subject !== undefined && referrers ? { 'oci-subject': parsed.subject } : {}),
  });
}

/** A manifest whose parts are missing could be pulled by nobody. A subject may come later. */
function checkReferences(stores: Stores, repository: Repository | undefined, parsed: ParsedManifest): void {
  const missing = [
    ...parsed.blobs.filter((digest) => blobSize(stores, repository, digest) === undefined),
    ...parsed.manifests.filter((digest) => repository?.manifests.has(digest) !== true),
  ];
  if (missing.length === 0) return;
  const what = INDEX_TYPES.has(parsed.mediaType) ? 'manifests' : 'blobs';
  // 400, as distribution answers; the specification names the code only.
  throw new OciFailure(
    400,
    'MANIFEST_BLOB_UNKNOWN',
    `${missing.length} of its ${what} are not in the repository.`,
    {
      detail: missing.slice(0, 20).map((digest) => ({ digest })),
    },
  );
}

async function remove(stores: Stores, exchange: Exchange, name: string, reference: string): Promise<void> {
  find(stores.catalogue.repository(name), reference);
  await stores.catalogue.change(
    isDigest(reference)
      ? { op: 'manifest-deleted', repository: name, digest: reference }
      : { op: 'tag-deleted', repository: name, tag: reference },
  );
  sendEmpty(exchange, 202);
}
