import { createHash } from 'node:crypto';
import type { Catalogue, StoredManifest } from './catalogue.ts';
import { page, sendBytes, sendJson, type Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';

const NAMES_A_PAGE = 1000;
const REFERRERS_A_PAGE = 500;

function onlyReads(exchange: Exchange): void {
  if (exchange.method === 'GET' || exchange.method === 'HEAD') return;
  throw new OciFailure(405, 'UNSUPPORTED', `${exchange.method} is not supported here.`);
}

/** GET /v2/_catalog: repositories that hold something, in order. */
export function answerCatalog(catalogue: Catalogue, exchange: Exchange): void {
  onlyReads(exchange);
  const names = catalogue.names().filter((name) => {
    const repository = catalogue.repository(name);
    return repository !== undefined && (repository.manifests.size > 0 || repository.blobs.size > 0);
  });
  const { items, headers } = page(names, exchange.query, '/v2/_catalog', NAMES_A_PAGE);
  sendJson(exchange, { repositories: items }, headers);
}

/** GET /v2/NAME/tags/list: in lexical order, as the specification says. */
export function answerTags(catalogue: Catalogue, exchange: Exchange, name: string): void {
  onlyReads(exchange);
  const repository = catalogue.repository(name);
  if (repository === undefined) {
    throw new OciFailure(404, 'NAME_UNKNOWN', 'The repository is unknown to this registry.');
  }
  const tags = [...repository.tags.keys()].sort();
  const { items, headers } = page(tags, exchange.query, `/v2/${name}/tags/list`, NAMES_A_PAGE);
  // Newer registries mark lists with an ETag; the link to the next page is a part of what it stands for.
  const marked = createHash('sha256').update(JSON.stringify([items, headers]));
  const etag = `"${marked.digest('hex')}"`;
  if (exchange.request.headers['if-none-match'] === etag) {
    sendBytes(exchange, 304, Buffer.alloc(0), { etag });
    return;
  }
  sendJson(exchange, { name, tags: items }, { ...headers, etag });
}

/** GET /v2/NAME/referrers/DIGEST: an index of what refers to it; an unknown digest has none. */
export function answerReferrers(
  catalogue: Catalogue,
  exchange: Exchange,
  name: string,
  subject: string,
): void {
  onlyReads(exchange);
  const repository = catalogue.repository(name);
  const wanted = exchange.query.get('artifactType');
  const all = [...(repository?.referrers.get(subject) ?? [])]
    .map((digest) => repository?.manifests.get(digest))
    .filter((manifest) => manifest !== undefined)
    .filter((manifest) => wanted === null || manifest.artifactType === wanted);
  const byDigest = new Map(all.map((manifest) => [manifest.digest, manifest]));
  const path = `/v2/${name}/referrers/${subject}`;
  const shown = page([...byDigest.keys()].sort(), exchange.query, path, REFERRERS_A_PAGE);
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: shown.items
      .map((digest) => byDigest.get(digest))
      .filter((manifest) => manifest !== undefined)
      .map(descriptor),
  };
  sendBytes(exchange, 200, Buffer.from(JSON.stringify(index)), {
    'content-type': index.mediaType,
    ...withFilter(shown.headers, wanted),
  });
}

function withFilter(
  headers: Readonly<Record<string, string | number>>,
  wanted: string | null,
): Record<string, string | number> {
  if (wanted === null) return { ...headers };
  const { link } = headers;
  const filter = new URLSearchParams({ artifactType: wanted }).toString();
  return {
    'oci-filters-applied': 'artifactType',
    ...(typeof link === 'string' ? { link: link.replace('?', `?${filter}&`) } : {}),
  };
}

function descriptor(manifest: StoredManifest): Record<string, unknown> {
  const { mediaType, digest, size, artifactType, annotations } = manifest;
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}
