import { StringDecoder } from 'node:string_decoder';
import { LandfallError, getNumber, getString, isJsonObject, parseJson } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { WatchEvent, WatchOptions } from './client.ts';
import type { Discovery } from './discovery.ts';
import { failureOfConnection, failureOfResponse } from './failure.ts';
import type { Attempt } from './failure.ts';
import type { KindRef, KubeObject } from './object.ts';
import { objectPath } from './path.ts';
import type { Transport } from './transport.ts';

const DEFAULT_SECONDS = 300;
/** A server that does not end a watch when it should is taken for gone after this. */
const GRACE = 15_000;
const MAX_EVENT = 32 * 1024 * 1024;

export async function* watchOnce(
  transport: Transport,
  discovery: Discovery,
  kind: KindRef,
  options: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void, void> {
  const resource = await discovery.resource(kind, signal);
  const seconds = options.timeoutSeconds ?? DEFAULT_SECONDS;
  const attempt: Attempt = { what: `watch ${resource.resource}`, server: transport.server };
  const stream = await transport.open(
    {
      what: attempt.what,
      method: 'GET',
      path: objectPath(resource, options.namespace, undefined, undefined),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        timeoutSeconds: String(seconds),
        resourceVersion: options.resourceVersion,
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
      timeoutMs: seconds * 1000 + GRACE,
    },
    signal,
  );
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      rest += decoder.write(chunk);
      let start = 0;
      for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
        const line = rest.slice(start, end);
        start = end + 1;
        if (line.trim() !== '') yield eventOf(line, attempt);
      }
      rest = rest.slice(start);
      if (rest.length > MAX_EVENT) {
        throw new LandfallError(`Could not ${attempt.what} on ${attempt.server}: an event is too large.`, {
          kind: 'unavailable',
          code: 'response-too-large',
        });
      }
    }
  } catch (thrown) {
    throw failureOfConnection(thrown, attempt);
  } finally {
    stream.destroy();
  }
}

function eventOf(line: string, attempt: Attempt): WatchEvent {
  const event: JsonValue = parseJson(line, `An event of ${attempt.what} on ${attempt.server}`);
  const type = getString(event, 'type');
  const object = isJsonObject(event) ? event['object'] : undefined;
  if (type === 'ERROR') {
    throw failureOfResponse(getNumber(object, 'code') ?? 500, JSON.stringify(object ?? {}), attempt);
  }
  if (
    !isJsonObject(object) ||
    (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED' && type !== 'BOOKMARK')
  ) {
    throw failureOfResponse(502, `an event of the type ${type ?? 'none'} came`, attempt);
  }
  return { type, object: object as KubeObject };
}
