import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { JsonObject } from '../../kernel/index.ts';
import { isJsonObject } from '../../kernel/index.ts';
import { maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';

const MAX_ANSWER = 3 * 1024 * 1024;

/** Where a Service of the cluster is reached from this process. */
export type ServiceResolver = (
  namespace: string,
  name: string,
  port: string,
) => { readonly host: string; readonly port: number } | undefined;

interface Target {
  readonly url: URL;
  readonly servername: string | undefined;
}

function targetOf(client: JsonObject, resolve: ServiceResolver): Target {
  const url = stringAt(client, 'url');
  if (url !== '') return { url: new URL(url), servername: undefined };
  const service = maybeMap(client, 'service') ?? {};
  const namespace = stringAt(service, 'namespace');
  const name = stringAt(service, 'name');
  const port = numberAt(service, 'port') || 443;
  const address = resolve(namespace, name, String(port));
  if (address === undefined) throw new Error(`no endpoints available for service "${name}"`);
  const path = stringAt(service, 'path') || '/';
  return {
    url: new URL(`https://${address.host}:${address.port}${path.startsWith('/') ? path : `/${path}`}`),
    servername: `${name}.${namespace}.svc`,
  };
}

/** Asks one webhook, within its timeout. Throws for whatever keeps an answer away. */
export function callWebhook(
  hook: JsonObject,
  review: JsonObject,
  resolve: ServiceResolver,
): Promise<JsonObject> {
  const client = maybeMap(hook, 'clientConfig') ?? {};
  const { url, servername } = targetOf(client, resolve);
  const bundle = stringAt(client, 'caBundle');
  const seconds = Math.min(30, numberAt(hook, 'timeoutSeconds') || 10);
  const body = Buffer.from(JSON.stringify(review));
  const options: RequestOptions = {
    method: 'POST',
    agent: false,
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'Content-Length': body.length,
    },
    signal: AbortSignal.timeout(seconds * 1000),
    ...(bundle === '' ? {} : { ca: Buffer.from(bundle, 'base64') }),
    ...(servername === undefined ? {} : { servername }),
  };
  return new Promise((resolveAnswer, reject) => {
    const outgoing = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER) response.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode !== 200) {
          reject(
            new Error(
              `an error on the server (${JSON.stringify(text.slice(0, 200))}) has prevented the request from succeeding`,
            ),
          );
          return;
        }
        try {
          const answer: unknown = JSON.parse(text);
          const found = isJsonObject(answer) ? answer.response : undefined;
          if (!isJsonObject(found)) throw new Error('the answer holds no response');
          resolveAnswer(found);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
