import { createHash } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { LandfallError } from '../../../kernel/index.ts';

export interface IndexAccess {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Credentials also go where the server redirects to. */
  readonly passCredentials?: boolean;
  /** Ms without a byte. */
  readonly timeoutMs: number;
}

/** The index of a repository of charts, as it was served. */
export interface ChartIndex {
  /** `sha256:…` of its bytes. */
  readonly digest: string;
  readonly size: number;
  /** Where it was asked for. */
  readonly url: string;
}

const LIMIT = { bytes: 128 * 1024 * 1024, redirects: 5 };

/** `index.yaml` below the URL of a repository; a query stays where it is. */
export function indexUrl(repository: string): string {
  const url = new URL(repository);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/index.yaml`;
  return url.href;
}

/**
 * Fetches the index of a repository of charts. Throws `denied` for refused credentials, `invalid-input`, code
 * `chart-index`, for what is no index, and `unavailable` for everything else.
 */
export async function fetchIndex(
  repository: string,
  access: IndexAccess,
  signal: AbortSignal,
): Promise<ChartIndex> {
  const start = indexUrl(repository);
  let at = start;
  for (let hop = 0; hop <= LIMIT.redirects; hop += 1) {
    const isOwn = new URL(at).host === new URL(start).host;
    const answer = await get(at, access, isOwn || access.passCredentials === true, signal);
    if ('location' in answer) {
      const next = new URL(answer.location, at);
      if (next.protocol !== 'https:' && next.protocol !== new URL(at).protocol) {
        throw unavailable(at, `it redirects to ${next.protocol}//, which is not followed`);
      }
      at = next.href;
      continue;
    }
    if (!isIndex(answer.body)) {
      throw new LandfallError(`failed to load Helm repository from index YAML: ${shown(at)} has no entries`, {
        kind: 'invalid-input',
        code: 'chart-index',
        object: shown(at),
        hint: 'Check spec.url: index.yaml is looked for right below it.',
      });
    }
    const digest = `sha256:${createHash('sha256').update(answer.body).digest('hex')}`;
    return { digest, size: answer.body.length, url: start };
  }
  throw unavailable(start, `it redirects more than ${LIMIT.redirects} times`);
}

/** By its first level only: indexes of many megabytes are common, and nothing of theirs is read here. */
function isIndex(body: Buffer): boolean {
  const text = body.toString('utf8');
  return text.trimStart().startsWith('{') ? /"entries"\s*:\s*\{/.test(text) : /^entries:/m.test(text);
}

function shown(url: string): string {
  const clean = new URL(url);
  clean.username = '';
  clean.password = '';
  clean.search = '';
  return clean.href;
}

function unavailable(url: string, why: string): LandfallError {
  return new LandfallError(`failed to fetch Helm repository index: GET ${shown(url)}: ${why}`, {
    kind: 'unavailable',
    code: 'chart-index-unavailable',
    object: shown(url),
    hint: 'Check spec.url, and whether the server can be reached from the controller.',
  });
}

type Answer = { readonly body: Buffer } | { readonly location: string };

function get(
  url: string,
  access: IndexAccess,
  withCredentials: boolean,
  signal: AbortSignal,
): Promise<Answer> {
  const { username, password, ca, cert, key } = access;
  const hasLogin = withCredentials && (username !== undefined || password !== undefined);
  const options = {
    signal,
    headers: {
      'user-agent': 'landfall',
      ...(hasLogin
        ? { authorization: `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}` }
        : {}),
    },
  };
  return new Promise((resolve, reject) => {
    const onResponse = (response: IncomingMessage) => {
      const { statusCode = 0, headers } = response;
      if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
        response.resume();
        resolve({ location: headers.location });
        return;
      }
      if (statusCode !== 200) {
        response.resume();
        const why = `the server answered ${statusCode}`;
        const isDenied = statusCode === 401 || statusCode === 403;
        reject(
          isDenied
            ? new LandfallError(`failed to fetch Helm repository index: GET ${shown(url)}: ${why}`, {
                kind: 'denied',
                code: 'chart-index-denied',
                object: shown(url),
                hint: 'Check username and password in the Secret of spec.secretRef.',
              })
            : unavailable(url, why),
        );
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LIMIT.bytes) response.destroy(unavailable(url, `it is larger than ${LIMIT.bytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => resolve({ body: Buffer.concat(chunks) }));
      response.on('error', reject);
    };
    const request =
      new URL(url).protocol === 'https:'
        ? httpsRequest(
            url,
            {
              ...options,
              ...(ca === undefined ? {} : { ca }),
              ...(withCredentials && cert !== undefined && key !== undefined ? { cert, key } : {}),
            },
            onResponse,
          )
        : httpRequest(url, options, onResponse);
    request.setTimeout(access.timeoutMs, () =>
      request.destroy(unavailable(url, `nothing came for ${Math.round(access.timeoutMs / 1000)} s`)),
    );
    request.on('error', (cause: Error) => {
      if (signal.aborted) {
        reject(
          new LandfallError('The fetch of an index was cancelled.', { kind: 'cancelled', code: 'cancelled' }),
        );
      } else reject(cause instanceof LandfallError ? cause : unavailable(url, cause.message));
    });
    request.end();
  });
}
