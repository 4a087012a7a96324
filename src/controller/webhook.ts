import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  parseJson,
} from '../kernel/index.ts';
import type { Clock, JsonValue, Logger } from '../kernel/index.ts';

export interface WebhookOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Shared with the sender. Left out only on loopback: then anybody on this machine may say that something was pushed. */
  readonly secret: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Repositories that a push names, each by {@link repositoryKey}. Gives how many things look at Git now. */
  readonly onPush: (keys: ReadonlySet<string>) => number;
  /** Another CI tells of a build, at `/builds`. Throws `invalid-input` for what is no report. */
  readonly onReport?: (report: JsonValue) => Promise<string>;
  /** Somebody decides about a build, at `/builds/ID/approve`, `reject` and `cancel`, with a token of the cluster. */
  readonly onDecision?: (decision: BuildDecision) => Promise<string>;
}

export interface BuildDecision {
  readonly build: string;
  readonly kind: 'approve' | 'reject' | 'cancel';
  /** A secret. */
  readonly token: string;
  readonly body: JsonValue;
}

export interface Webhook {
  /** `http://HOST:PORT`. */
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY = 5 * 1024 * 1024;
const READ_TIMEOUT = 10_000;
const PER_MINUTE = 120;
const REMEMBERED = 1000;
const REPLAY_WINDOW = 300_000;

type Answer = { readonly status: number; readonly text: string };

const MAX_REPORT = 64 * 1024;
const DECISION = /^\/builds\/([0-9a-z]{1,14})\/(approve|reject|cancel)$/;
const STATUSES: Readonly<Record<string, number>> = {
  'invalid-input': 400,
  denied: 403,
  'not-found': 404,
  conflict: 409,
};

/**
 * Listens for pushes of GitHub, GitLab, Gitea (Forgejo, Gogs), Bitbucket, Azure DevOps and anything that signs with an HMAC. A message only
 * says which repository to look at: what is delivered is read from Git. Throws where the address cannot be had, or is
 * not loopback and has no secret.
 */
export async function startWebhook(options: WebhookOptions): Promise<Webhook> {
  const { host, port, secret, clock, logger } = options;
  if (secret === undefined && !isLoopback(host)) {
    throw new LandfallError(
      `The webhook would listen on ${host}, where others can reach it, without a secret.`,
      {
        kind: 'invalid-input',
        code: 'webhook-secret',
        object: host,
        hint: 'Set LANDFALL_WEBHOOK_SECRET or --webhook-secret-file, or listen on 127.0.0.1.',
      },
    );
  }
  const seen = new Map<string, number>();
  let minute = 0;
  let taken = 0;

  function tooMany(): boolean {
    const now = Math.floor(clock.now() / 60_000);
    if (now !== minute) taken = 0;
    minute = now;
    taken += 1;
    return taken > PER_MINUTE;
  }

  /** The same delivery again says nothing new. */
  function isReplay(id: string): boolean {
    const now = clock.now();
    for (const [known, at] of seen) {
      if (seen.size < REMEMBERED && now - at < REPLAY_WINDOW) break;
      seen.delete(known);
    }
    if (seen.has(id)) return true;
    seen.set(id, now);
    return false;
  }

  /** Signed with the time, so that it cannot be said again later; and never by a token that travels with it. */
  async function reported(request: IncomingMessage): Promise<Answer> {
    if (options.onReport === undefined) return { status: 404, text: 'builds are not taken here' };
    const body = await bodyOf(request, MAX_REPORT);
    if (body === undefined) return { status: 413, text: `more than ${MAX_REPORT} bytes` };
    if (secret !== undefined && !isSignedNow(request, body, secret, clock.now())) {
      logger.warn('A build report was refused: its signature does not fit', {
        from: request.socket.remoteAddress ?? '',
      });
      return { status: 401, text: 'the signature does not fit, or is older than five minutes' };
    }
    try {
      return { status: 202, text: await options.onReport(parseJson(body.toString('utf8'), 'The report')) };
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'invalid-input') return { status: 400, text: error.message };
      logger.warn('A build report could not be kept', { error: error.message });
      return { status: 503, text: 'it could not be kept; send it again' };
    }
  }

  /** Who decides is said by the cluster, for the token; the secret that pushes are signed with says nothing of that. */
  async function decided(
    request: IncomingMessage,
    build: string,
    kind: BuildDecision['kind'],
  ): Promise<Answer> {
    if (options.onDecision === undefined) return { status: 404, text: 'builds are not decided here' };
    const token = /^Bearer ([\w.~+/=-]{1,8192})$/.exec(header(request, 'authorization') ?? '')?.[1];
    if (token === undefined) return { status: 401, text: 'a bearer token of the cluster is wanted' };
    const body = await bodyOf(request, MAX_REPORT);
    if (body === undefined) return { status: 413, text: `more than ${MAX_REPORT} bytes` };
    try {
      const json = parseJson(body.toString('utf8') || '{}', 'The decision');
      return { status: 200, text: await options.onDecision({ build, kind, token, body: json }) };
    } catch (thrown) {
      const error = asLandfallError(thrown);
      logger.warn('A decision about a build was not kept', {
        build,
        kind,
        code: error.code,
        error: error.message,
      });
      const hint = error.hint === undefined ? '' : `\n${error.hint}`;
      return { status: STATUSES[error.kind] ?? 503, text: `${error.message}${hint}` };
    }
  }

  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'POST') return { status: 405, text: 'POST a push event' };
    if (tooMany()) return { status: 429, text: 'too many events' };
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/builds') return reported(request);
    const decision = DECISION.exec(pathname);
    if (decision !== null) return decided(request, decision[1] ?? '', decision[2] as BuildDecision['kind']);
    const body = await bodyOf(request);
    if (body === undefined) return { status: 413, text: `more than ${MAX_BODY} bytes` };
    if (!isTrusted(request, body, secret, clock.now())) {
      logger.warn('A webhook was refused: its signature does not fit', {
        from: request.socket.remoteAddress ?? '',
      });
      return { status: 401, text: 'the signature does not fit' };
    }
    const event = first(request, ['x-github-event', 'x-gitea-event', 'x-gogs-event', 'x-event-key']);
    if (event === 'ping' || event === 'diagnostics:ping') return { status: 200, text: 'pong' };
    let payload: JsonValue;
    try {
      payload = parseJson(body.toString('utf8'), 'The event');
    } catch {
      return { status: 400, text: 'the body is no JSON' };
    }
    const delivery = first(request, [
      'x-github-delivery',
      'x-gitea-delivery',
      'x-gogs-delivery',
      'x-gitlab-event-uuid',
      'x-request-uuid',
    ]);
    const id = createHash('sha256')
      .update(delivery ?? '')
      .update(header(request, 'x-landfall-timestamp') ?? '')
      .update(body)
      .digest('hex');
    // Without an id two pushes back and forth look alike: they are only asked for once more.
    if (delivery !== undefined && isReplay(id)) return { status: 200, text: 'seen before' };
    const keys = new Set(urlsOf(payload).map(repositoryKey));
    if (keys.size === 0) return { status: 400, text: 'the event names no repository' };
    const count = options.onPush(keys);
    logger.info('A push was announced', { repositories: [...keys].join(', '), woken: count });
    return { status: 202, text: `${count} to look at` };
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    request.setTimeout(READ_TIMEOUT, () => request.destroy());
    void answer(request).then(
      ({ status, text }) => {
        response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' }).end(`${text}\n`);
      },
      () => response.destroy(),
    );
  }

  const server = createServer({ headersTimeout: READ_TIMEOUT, requestTimeout: READ_TIMEOUT }, handle);
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new LandfallError(`The webhook could not listen on ${host}:${port}: ${cause.message}`, {
          kind: 'unavailable',
          code: 'webhook-listen',
          object: `${host}:${port}`,
          hint: 'Choose another address with --webhook.',
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
  const bound = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The first of these headers that the request has. */
function first(request: IncomingMessage, names: readonly string[]): string | undefined {
  return names.map((name) => header(request, name)).find((value) => value !== undefined);
}

/** Undefined: too large. */
async function bodyOf(request: IncomingMessage, most = MAX_BODY): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > most) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** HMAC-SHA256 of `TIMESTAMP.BODY`, made within the last five minutes. */
function isSignedNow(request: IncomingMessage, body: Buffer, secret: string, now: number): boolean {
  const timestamp = header(request, 'x-landfall-timestamp') ?? '';
  const fresh =
    /^\d{1,12}(?:\.\d{1,3})?$/.test(timestamp) && Math.abs(now - Number(timestamp) * 1000) < REPLAY_WINDOW;
  const wanted = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  return fresh && same((header(request, 'x-landfall-signature') ?? '').replace(/^sha256=/, ''), wanted);
}

function isTrusted(request: IncomingMessage, body: Buffer, secret: string | undefined, now: number): boolean {
  if (secret === undefined) return true;
  const token = header(request, 'x-gitlab-token');
  if (token !== undefined) return same(token, secret);
  // Azure DevOps signs nothing: it sends a user and a password.
  const basic = /^Basic ([\w+/=-]{1,8192})$/.exec(header(request, 'authorization') ?? '')?.[1];
  if (basic !== undefined) {
    const [, password = ''] = Buffer.from(basic, 'base64').toString('utf8').split(/:(.*)/s);
    return same(password, secret);
  }
  const signed = (text: Buffer | string) => createHmac('sha256', secret).update(text).digest('hex');
  if (header(request, 'x-landfall-timestamp') !== undefined) return isSignedNow(request, body, secret, now);
  // Bitbucket's has the older name; what GitHub sends by it is SHA-1, and fits nothing.
  const given = first(request, [
    'x-hub-signature-256',
    'x-gitea-signature',
    'x-gogs-signature',
    'x-signature',
    'x-hub-signature',
  ]);
  return given !== undefined && same(given.replace(/^sha256=/, ''), signed(body));
}

/** In the same time, whatever differs. */
function same(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

const URL_FIELDS = [
  'href',
  'clone_url',
  'git_url',
  'ssh_url',
  'html_url',
  'url',
  'git_http_url',
  'git_ssh_url',
  'web_url',
  'http_url',
  'remoteUrl',
  'sshUrl',
];

/**
 * Every writing of the repository that the event has: the fields of GitHub, Gitea, GitLab and Azure DevOps, Bitbucket's
 * links, or a plain `repository`.
 */
function urlsOf(payload: JsonValue): readonly string[] {
  const plain = getIn(payload, 'repository');
  const holders = [
    getObject(payload, 'repository'),
    getObject(payload, 'project'),
    getObject(payload, 'resource', 'repository'),
    getObject(payload, 'repository', 'links', 'html'),
    ...getArray(payload, 'repository', 'links', 'clone'),
  ].filter(isJsonObject);
  return [
    ...(typeof plain === 'string' ? [plain] : []),
    ...holders.flatMap((holder) => URL_FIELDS.flatMap((field) => getString(holder, field) ?? [])),
  ].filter((url) => url !== '');
}

/** One writing for a repository, however it is reached: host and path, without scheme, user, port and `.git`. */
export function repositoryKey(url: string): string {
  const text = url
    .trim()
    .toLowerCase()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
  const match = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(?:[^@/]*@)?(\[[^\]]+\]|[^:/]+)(?::\d+(?=\/)|)[:/]\/*(.*)$/.exec(
    text,
  );
  return match === null || text.startsWith('/') ? text : `${match[1] ?? ''}/${match[2] ?? ''}`;
}
