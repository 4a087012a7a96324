import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../kernel/index.ts';
import { blobSize, type Stores } from './blobs.ts';
import type { Spool } from './contents.ts';
import { sendEmpty, type Exchange } from './exchange.ts';
import { OciFailure } from './failure.ts';
import { checkDigest, checkName } from './names.ts';

const UPLOADS_AT_ONCE = 1000;
const IDLE_MS = 60 * 60 * 1000;

interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly spool: Spool;
  busy: boolean;
  idle: Timer;
}

/** Blobs on their way in: /v2/NAME/blobs/uploads/ and what it leads to. */
export interface Uploads {
  /** POST: opens an upload, takes a blob in one request (`digest`), or mounts one (`mount`, `from`). */
  start(exchange: Exchange, repository: string): Promise<void>;
  /** PATCH, PUT, GET and DELETE of an open upload. */
  answer(exchange: Exchange, repository: string, id: string): Promise<void>;
  close(): Promise<void>;
}

export function newUploads(stores: Stores, clock: Clock, maxBlobBytes: number): Uploads {
  const open = new Map<string, Upload>();

  const drop = async (upload: Upload): Promise<void> => {
    upload.idle.cancel();
    open.delete(upload.id);
    await upload.spool.discard();
  };
  const expire = (upload: Upload): Timer =>
    clock.after(IDLE_MS, () => {
      if (upload.busy) upload.idle = expire(upload);
      else void drop(upload).catch(() => {});
    });
  const begin = (repository: string): Upload => {
    if (open.size >= UPLOADS_AT_ONCE) {
      throw new OciFailure(429, 'TOOMANYREQUESTS', `${UPLOADS_AT_ONCE} uploads are open already.`, {
        headers: { 'retry-after': '10' },
      });
    }
    const upload: Upload = {
      id: randomUUID(),
      repository,
      spool: stores.contents.spool(),
      busy: false,
      idle: { cancel() {} },
    };
    upload.idle = expire(upload);
    open.set(upload.id, upload);
    return upload;
  };
  const location = (upload: Upload) => ({
    location: `/v2/${upload.repository}/blobs/uploads/${upload.id}`,
    'docker-upload-uuid': upload.id,
    range: `0-${Math.max(0, upload.spool.size - 1)}`,
  });
  const receive = async (exchange: Exchange, upload: Upload): Promise<void> => {
    for await (const chunk of exchange.request as AsyncIterable<Buffer>) {
      if (upload.spool.size + chunk.length > maxBlobBytes) {
        throw new OciFailure(413, 'SIZE_INVALID', `The blob is larger than ${maxBlobBytes} bytes.`);
      }
      await upload.spool.write(chunk);
    }
  };
  const complete = async (exchange: Exchange, upload: Upload, digest: string): Promise<void> => {
    const found = stores.contents.digestOf(upload.spool);
    if (found !== digest) {
      await drop(upload);
      throw new OciFailure(400, 'DIGEST_INVALID', `The bytes have the digest ${found}, not ${digest}.`, {
        detail: { digest, found },
      });
    }
    upload.idle.cancel();
    open.delete(upload.id);
    await stores.contents.add(upload.spool);
    try {
      await stores.catalogue.change({ op: 'blob', repository: upload.repository, digest });
    } finally {
      await stores.contents.release(digest);
    }
    created(exchange, upload.repository, digest);
  };
  /** One request at a time changes an upload; a broken or oversized body ends it. */
  const exclusively = async (upload: Upload, work: () => Promise<void>): Promise<void> => {
    if (upload.busy) {
      throw new OciFailure(409, 'BLOB_UPLOAD_INVALID', 'Another request is writing to this upload.');
    }
    upload.busy = true;
    upload.idle.cancel();
    upload.idle = expire(upload);
    try {
      await work();
    } catch (error) {
      const kept = error instanceof OciFailure && error.status === 416;
      if (!kept && open.has(upload.id)) await drop(upload);
      throw error;
    } finally {
      upload.busy = false;
    }
  };
  const mounted = async (exchange: Exchange, repository: string): Promise<boolean> => {
    const mount = exchange.query.get('mount');
    if (mount === null) return false;
    const digest = checkDigest(mount);
    const from = exchange.query.get('from');
    const sources = from === null ? stores.catalogue.names() : [checkName(from)];
    const has = sources.some(
      (name) => blobSize(stores, stores.catalogue.repository(name), digest) !== undefined,
    );
    if (!has) return false;
    await stores.catalogue.change({ op: 'blob', repository, digest });
    created(exchange, repository, digest);
    return true;
  };

  return {
    async start(exchange, repository) {
      if (exchange.method !== 'POST') {
        throw new OciFailure(405, 'UNSUPPORTED', 'Uploads are opened with POST.');
      }
      if (await mounted(exchange, repository)) return;
      const digest = exchange.query.get('digest');
      const upload = begin(repository);
      if (digest === null) {
        sendEmpty(exchange, 202, location(upload));
        return;
      }
      await exclusively(upload, async () => {
        const wanted = checkDigest(digest);
        await receive(exchange, upload);
        await complete(exchange, upload, wanted);
      });
    },

    async answer(exchange, repository, id) {
      const upload = open.get(id);
      if (upload === undefined || upload.repository !== repository) {
        throw new OciFailure(404, 'BLOB_UPLOAD_UNKNOWN', 'No such upload is open; it may have expired.');
      }
      switch (exchange.method) {
        case 'GET':
        case 'HEAD':
          sendEmpty(exchange, 204, location(upload));
          return;
        case 'DELETE':
          await exclusively(upload, () => drop(upload));
          sendEmpty(exchange, 204);
          return;
        case 'PATCH':
          await exclusively(upload, async () => {
            checkOrder(exchange.request.headers['content-range'], upload, location(upload));
            await receive(exchange, upload);
          });
          sendEmpty(exchange, 202, location(upload));
          return;
        case 'PUT':
          await exclusively(upload, async () => {
            checkOrder(exchange.request.headers['content-range'], upload, location(upload));
            const digest = checkDigest(exchange.query.get('digest') ?? '');
            await receive(exchange, upload);
            await complete(exchange, upload, digest);
          });
          return;
        default:
          throw new OciFailure(405, 'UNSUPPORTED', `${exchange.method} of an upload is not supported.`);
      }
    },

    async close() {
      for (const upload of open.values()) await drop(upload);
    },
  };
}

function created(exchange: Exchange, repository: string, digest: string): void {
  sendEmpty(exchange, 201, {
    location: `/v2/${repository}/blobs/${digest}`,
    'docker-content-digest': digest,
  });
}

/** Chunks come in order: the first byte of each is the next one that is missing. */
function checkOrder(
  header: string | undefined,
  upload: Upload,
  headers: Readonly<Record<string, string>>,
): void {
  if (header === undefined) return;
  const [, start] = /^(?:bytes[ =])?(\d{1,15})-\d{1,15}(?:\/(?:\d+|\*))?$/.exec(header) ?? [];
  if (start !== undefined && Number(start) === upload.spool.size) return;
  throw new OciFailure(416, 'BLOB_UPLOAD_INVALID', `The next byte of this upload is ${upload.spool.size}.`, {
    headers,
  });
}
