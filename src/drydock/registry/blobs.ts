import type { Catalogue, Repository } from './catalogue.ts';
import type { Contents } from './contents.ts';
import { sendBytes, sendEmpty, type Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';

export interface Stores {
  readonly contents: Contents;
  readonly catalogue: Catalogue;
}

function unknownBlob(digest: string): OciFailure {
  return new OciFailure(404, 'BLOB_UNKNOWN', 'The blob is unknown to this repository.', {
    detail: { digest },
  });
}

/** The size of a blob that `repository` holds; a blob of another repository is unknown here. */
export function blobSize(
  { contents }: Stores,
  repository: Repository | undefined,
  digest: string,
): number | undefined {
  return repository?.blobs.has(digest) === true ? contents.size(digest) : undefined;
}

/** GET, HEAD and DELETE of /v2/NAME/blobs/DIGEST. */
export async function answerBlob(
  stores: Stores,
  exchange: Exchange,
  name: string,
  digest: string,
): Promise<void> {
  const repository = stores.catalogue.repository(name);
  const size = blobSize(stores, repository, digest);
  if (size === undefined) throw unknownBlob(digest);
  if (exchange.method === 'DELETE') {
    await stores.catalogue.change({ op: 'blob-deleted', repository: name, digest });
    sendEmpty(exchange, 202, { 'docker-content-digest': digest });
    return;
  }
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') {
    throw new OciFailure(405, 'UNSUPPORTED', `${exchange.method} of a blob is not supported.`);
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'docker-content-digest': digest,
    etag: `"${digest}"`,
    'cache-control': 'max-age=31536000',
    'accept-ranges': 'bytes',
  };
  const range = rangeOf(exchange.request.headers.range, size);
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const status = range === undefined ? 200 : 206;
  const shown =
    range === undefined ? headers : { ...headers, 'content-range': `bytes ${start}-${end}/${size}` };
  const length = end - start + 1;
  if (exchange.method === 'HEAD') {
    exchange.response.writeHead(status, { ...shown, 'content-length': length });
    exchange.response.end();
    return;
  }
  // Held while it is sent: a DELETE in the meantime must not take the file away.
  stores.contents.hold(digest);
  try {
    const body = stores.contents.stream(digest, start, end);
    if (Buffer.isBuffer(body)) {
      sendBytes(exchange, status, body, shown);
      return;
    }
    if (exchange.damage !== undefined) {
      sendBytes(exchange, status, (await stores.contents.read(digest)).subarray(start, end + 1), shown);
      return;
    }
    exchange.response.writeHead(status, { ...shown, 'content-length': length });
    await new Promise<void>((resolve) => {
      body.on('error', () => exchange.response.destroy());
      exchange.response.on('close', () => {
        body.destroy();
        resolve();
      });
      body.pipe(exchange.response);
    });
  } finally {
    await stores.contents.release(digest);
  }
}

/** One range of bytes; a header of another form is ignored, as HTTP allows. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, from, to] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined;
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (start > end || start >= size) {
    throw new OciFailure(416, 'SIZE_INVALID', `The range is outside of the ${size} bytes.`, {
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return { start, end };
}
