import { getNumber, getString } from '../kernel/index.ts';
import type { ProxyResponse, ProxyTarget } from './client.ts';
import { failureOfResponse, statusOf } from './failure.ts';
import { namespacedPath, proxyPath } from './path.ts';
import type { ApiRequest, Transport } from './transport.ts';

const DEFAULT_TIMEOUT = 10_000;
const DEFAULT_BYTES = 4 * 1024 * 1024;

/**
 * Reaches a pod or Service through the API server, so that it works wherever the API server is reached from. The
 * API server answers in the workload's place with a Status when nobody listens: that, and only that, is a failure.
 */
export async function proxyGet(
  transport: Transport,
  target: ProxyTarget,
  bounds: { readonly timeoutMs?: number; readonly maxBytes?: number },
  signal: AbortSignal | undefined,
): Promise<ProxyResponse> {
  const scheme = target.scheme === 'https' ? 'https:' : '';
  const resource = target.kind === 'Pod' ? 'pods' : 'services';
  const addressed = proxyPath(target.namespace, resource, scheme, target.name, String(target.port));
  const request: ApiRequest = {
    what: `reach ${target.kind}/${target.namespace}/${target.name} on port ${target.port} at ${target.path}`,
    method: 'GET',
    path: `${addressed}${target.path.startsWith('/') ? '' : '/'}${target.path}`,
    accept: '*/*',
    timeoutMs: bounds.timeoutMs ?? DEFAULT_TIMEOUT,
    maxBytes: bounds.maxBytes ?? DEFAULT_BYTES,
    // A 503 is an answer here: of the workload, or that it has no endpoints.
    repeatable: false,
  };
  const response = await transport.send(request, signal);
  const status = response.status >= 400 ? statusOf(response.text) : undefined;
  if (
    status !== undefined &&
    getString(status, 'apiVersion') === 'v1' &&
    getNumber(status, 'code') === response.status
  ) {
    throw failureOfResponse(response.status, response.text, { what: request.what, server: transport.server });
  }
  return {
    status: response.status,
    body: response.text,
    contentType: response.headers['content-type'] ?? '',
  };
}

export async function podLogs(
  transport: Transport,
  pod: { readonly namespace: string; readonly name: string; readonly container?: string },
  bounds: { readonly tailLines?: number; readonly previous?: boolean; readonly maxBytes?: number },
  signal: AbortSignal | undefined,
): Promise<string> {
  const maxBytes = bounds.maxBytes ?? 1024 * 1024;
  const request: ApiRequest = {
    what: `read the log of Pod/${pod.namespace}/${pod.name}`,
    method: 'GET',
    path: `${namespacedPath(pod.namespace, 'pods', pod.name)}/log`,
    accept: '*/*',
    query: {
      container: pod.container,
      tailLines: bounds.tailLines?.toString(),
      previous: bounds.previous === true ? 'true' : undefined,
      limitBytes: String(maxBytes),
    },
    maxBytes: maxBytes + 4096,
  };
  const response = await transport.send(request, signal);
  if (response.status === 200) return response.text;
  throw failureOfResponse(response.status, response.text, { what: request.what, server: transport.server });
}
