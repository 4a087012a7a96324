import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject, PodBackend } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { asJson, numberAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { badRequest, notFound } from '../machinery/status-errors.ts';
import type { Exchange } from './exchange.ts';
import type { ResourcePath } from './request-info.ts';

/** Headers that belong to one hop, and the client's credentials, which are for this server alone. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

interface Target {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** `name`, `name:port` or `https:name:port`. */
function readTarget(text: string): Target {
  const parts = text.split(':');
  if (parts.length === 1) return { scheme: 'http', name: parts[0] ?? '', port: '' };
  if (parts.length === 2) return { scheme: 'http', name: parts[0] ?? '', port: parts[1] ?? '' };
  const [scheme = '', name = '', port = ''] = parts;
  if (parts.length > 3 || (scheme !== 'http' && scheme !== 'https' && scheme !== '')) {
    throw badRequest(`invalid proxy target "${text.slice(0, 128)}": want [scheme:]name[:port]`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port };
}

function podPort(pod: KubeObject, wanted: string): number {
  if (/^\d+$/.test(wanted)) return Number(wanted);
  for (const container of getArray(asJson(pod), 'spec', 'containers')) {
    for (const port of getArray(container, 'ports')) {
      if (!isJsonObject(port) || typeof port.containerPort !== 'number') continue;
      if (wanted === '' || port.name === wanted) return port.containerPort;
    }
  }
  return wanted === '' ? 80 : 0;
}

function servicePort(service: KubeObject, wanted: string): string {
  const ports = getArray(asJson(service), 'spec', 'ports').filter(isJsonObject);
  if (wanted !== '') return wanted;
  const only = ports[0];
  if (ports.length !== 1 || only === undefined) {
    throw badRequest(`service "${service.metadata.name}" has ${ports.length} ports: say which as name:port`);
  }
  return String(numberAt(only, 'port'));
}

/** Proxy subresources of pods and Services. `backend` knows where they listen on this machine. */
export async function serveProxy(
  exchange: Exchange,
  engine: Engine,
  path: ResourcePath,
  backend: PodBackend | undefined,
): Promise<void> {
  const target = readTarget(path.name ?? '');
  const namespace = path.namespace ?? '';
  const subject = { group: '', resource: path.resource };
  const entry = engine.store.get(`/${path.resource}`, namespace, target.name);
  if (entry === undefined) throw notFound(subject, target.name);
  const address =
    path.resource === 'pods'
      ? backend?.podAddress(namespace, target.name, podPort(entry.object, target.port))
      : backend?.serviceAddress(namespace, target.name, servicePort(entry.object, target.port));
  if (address === undefined) {
    const why =
      path.resource === 'pods'
        ? `pod ${target.name} does not listen anywhere: its phase is ${getString(asJson(entry.object), 'status', 'phase') ?? 'unknown'}`
        : `no endpoints available for service "${target.name}"`;
    throw new ApiStatusError(503, 'ServiceUnavailable', why);
  }
  await forward(exchange, target.scheme, address, `${path.rest === '' ? '/' : path.rest}${exchange.search}`);
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  const listed = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !NOT_PASSED_ON.has(name) && !listed.has(name)) kept[name] = value;
  }
  return kept;
}

async function forward(
  exchange: Exchange,
  scheme: 'http' | 'https',
  address: { readonly host: string; readonly port: number },
  pathAndQuery: string,
): Promise<void> {
  const { request, response, signal } = exchange;
  const options: RequestOptions & { rejectUnauthorized?: boolean } = {
    host: address.host,
    port: address.port,
    method: request.method,
    path: pathAndQuery,
    headers: {
      ...passedOn(request.headers),
      host: `${address.host}:${address.port}`,
      'x-forwarded-uri': exchange.pathname,
    },
    agent: false,
    signal,
    // As kubelets' and pods' certificates are not known to a cluster either.
    ...(scheme === 'https' ? { rejectUnauthorized: false } : {}),
  };
  await new Promise<void>((resolve, reject) => {
    const outgoing = scheme === 'https' ? httpsRequest(options) : httpRequest(options);
    outgoing.on('error', (error) => {
      if (response.headersSent) {
        response.destroy();
        resolve();
        return;
      }
      reject(
        new ApiStatusError(503, 'ServiceUnavailable', `error trying to reach service: ${error.message}`),
      );
    });
    outgoing.on('response', (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, passedOn(incoming.headers));
      pipeline(incoming, response).then(resolve, () => resolve());
    });
    request.pipe(outgoing);
  });
}
