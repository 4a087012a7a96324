import type { Agent as HttpAgent, ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { LandfallError, type Clock } from '../kernel/index.ts';
import { newAbortHub, type AbortHub } from './abort-hub.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Bytes of an answer's body that are accepted. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly url: URL;
}

export interface HttpOptions {
  readonly clock: Clock;
  /** Milliseconds without any progress until an exchange is given up. */
  readonly timeoutMs: number;
  /** Certificates (PEM) trusted beside those that Node trusts. */
  readonly ca: readonly string[];
  readonly maxSockets: number;
}

/** One request, one answer: no redirect, no retry, no credentials of its own. Rejects with Node's error. */
export interface HttpExchanger {
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): void;
}

const SLICE = 256 * 1024;

/** Loads Node's HTTP modules at the first request only. */
export function newHttpExchanger(options: HttpOptions): HttpExchanger {
  const hub = newAbortHub();
  const agents = new Map<string, Promise<{ agent: HttpAgent; request: Requester }>>();
  const agentOf = (protocol: string) => {
    let found = agents.get(protocol);
    if (found === undefined) {
      found = newAgent(protocol, options);
      agents.set(protocol, found);
    }
    return found;
  };
  return {
    async send(request) {
      const { agent, request: open } = await agentOf(request.url.protocol);
      let stale = false;
      try {
        return await exchange(open, agent, request, options, hub, () => {
          stale = true;
        });
      } catch (error) {
        // The server had closed the kept connection, most likely before it saw the request: ask once more.
        if (!stale) throw error;
        return exchange(open, agent, request, options, hub, () => {});
      }
    },
    close() {
      for (const pending of agents.values()) void pending.then(({ agent }) => agent.destroy());
      agents.clear();
    },
  };
}

type Requester = (options: RequestOptions) => ClientRequest;

async function newAgent(
  protocol: string,
  { ca, maxSockets }: HttpOptions,
): Promise<{ agent: HttpAgent; request: Requester }> {
  if (protocol === 'http:') {
    const { Agent, request } = await import('node:http');
    return { agent: new Agent({ keepAlive: true, maxSockets }), request };
  }
  const [{ Agent, request }, { rootCertificates }] = await Promise.all([
    import('node:https'),
    import('node:tls'),
  ]);
  const trusted = ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] };
  return { agent: new Agent({ keepAlive: true, maxSockets, ...trusted }), request };
}

function exchange(
  open: Requester,
  agent: HttpAgent,
  request: HttpRequest,
  { clock, timeoutMs }: HttpOptions,
  hub: AbortHub,
  onStale: () => void,
): Promise<HttpResponse> {
  const { url, signal } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(cancelled(request));
      return;
    }
    const outgoing = open({
      agent,
      method: request.method,
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      headers: {
        'user-agent': 'landfall',
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': request.body.length }),
      },
    });
    let finished = false;
    let answered = false;
    const finish = (): void => {
      finished = true;
      timer.cancel();
      forget();
    };
    const fail = (error: Error): void => {
      finish();
      reject(error);
      outgoing.destroy();
    };
    const forget = hub(signal, () => fail(cancelled(request)));
    const watch = () =>
      clock.after(timeoutMs, () => fail(new Error(`nothing came for ${Math.round(timeoutMs / 1000)} s`)));
    let timer = watch();
    const progress = (): void => {
      timer.cancel();
      if (!finished) timer = watch();
    };
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (!finished && outgoing.reusedSocket && !answered && error.code === 'ECONNRESET') onStale();
      fail(error);
    });
    outgoing.on('response', (incoming) => {
      answered = true;
      progress();
      receive(incoming, request.maxBytes, progress).then((body) => {
        finish();
        resolve({ status: incoming.statusCode ?? 0, headers: headersOf(incoming), body, url });
      }, fail);
    });
    write(outgoing, request.body, progress);
  });
}

function write(outgoing: ClientRequest, body: Uint8Array | undefined, progress: () => void): void {
  if (body === undefined || body.length <= SLICE) {
    outgoing.end(body);
    return;
  }
  let at = 0;
  const next = (): void => {
    progress();
    while (at < body.length && !outgoing.destroyed) {
      const slice = body.subarray(at, at + SLICE);
      at += slice.length;
      if (!outgoing.write(slice)) {
        outgoing.once('drain', next);
        return;
      }
    }
    if (!outgoing.destroyed) outgoing.end();
  };
  next();
}

async function receive(incoming: IncomingMessage, maxBytes: number, progress: () => void): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    progress();
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function cancelled(request: HttpRequest): LandfallError {
  return new LandfallError(`${request.method} ${request.url.host} was cancelled.`, {
    kind: 'cancelled',
    code: 'cancelled',
  });
}
