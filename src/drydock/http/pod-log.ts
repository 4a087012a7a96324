import { getArray, getString, isJsonObject, LandfallError, type JsonObject } from '../../kernel/index.ts';
import type { PodBackend } from '../api/contract.ts';
import { ApiStatusError } from '../api/contract.ts';
import { asJson, mapsAt, maybeMap, stringAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { badRequest, invalid, notFound } from '../machinery/status-errors.ts';
import { isTrue, type Exchange } from './exchange.ts';
import { drained } from './list.ts';
import type { ResourcePath } from './request-info.ts';

function count(exchange: Exchange, name: string, atLeast: number): number | undefined {
  const text = exchange.query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (!Number.isInteger(value)) throw badRequest(`${name} is not a number: ${text.slice(0, 32)}`);
  if (value < atLeast) {
    throw invalid('', 'PodLogOptions', '', [
      {
        type: 'invalid',
        field: name,
        value,
        detail: `must be greater than ${atLeast === 0 ? 'or equal to 0' : '0'}`,
      },
    ]);
  }
  return value;
}

/** GET .../pods/NAME/log, streamed as the backend has it. */
export async function servePodLog(
  exchange: Exchange,
  engine: Engine,
  path: ResourcePath,
  backend: PodBackend | undefined,
): Promise<void> {
  const { query, response, signal } = exchange;
  const name = path.name ?? '';
  const namespace = path.namespace ?? '';
  const pod = engine.store.get('/pods', namespace, name)?.object;
  if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
  const names = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) =>
    getArray(asJson(pod), 'spec', list)
      .filter(isJsonObject)
      .map((container) => stringAt(container, 'name')),
  );
  const container = query.get('container') ?? '';
  if (container === '' && getArray(asJson(pod), 'spec', 'containers').length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(' ')}]`,
    );
  }
  if (container !== '' && !names.includes(container)) {
    throw badRequest(`container ${container} is not valid for pod ${name}`);
  }
  const chosen = container === '' ? (names[0] ?? '') : container;
  if (getString(asJson(pod), 'spec', 'nodeName') === undefined) {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.end();
    return;
  }
  const waiting = waitingReason(asJson(pod), chosen);
  if (waiting !== undefined && !isTrue(query.get('previous'))) {
    throw badRequest(`container "${chosen}" in pod "${name}" is waiting to start: ${waiting}`);
  }
  if (backend === undefined) {
    throw new ApiStatusError(503, 'ServiceUnavailable', 'no node is attached to this API server');
  }
  const tailLines = count(exchange, 'tailLines', 0);
  const sinceSeconds = count(exchange, 'sinceSeconds', 1) ?? secondsSince(exchange, engine.clock.now());
  const limitBytes = count(exchange, 'limitBytes', 1);
  const lines = backend.logs(
    namespace,
    name,
    {
      container: chosen,
      follow: isTrue(query.get('follow')),
      previous: isTrue(query.get('previous')),
      timestamps: isTrue(query.get('timestamps')),
      ...(tailLines === undefined ? {} : { tailLines }),
      ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
      ...(limitBytes === undefined ? {} : { limitBytes }),
    },
    signal,
  );
  const iterator = lines[Symbol.asyncIterator]();
  // The first piece decides whether this is a log or an error.
  let next: IteratorResult<string> | undefined;
  try {
    next = isTrue(query.get('follow')) ? undefined : await iterator.next();
  } catch (error) {
    if (error instanceof LandfallError && error.code === 'no-previous-log') throw badRequest(error.message);
    throw error;
  }
  response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'text/plain' });
  response.flushHeaders();
  next ??= await iterator.next();
  while (next.done !== true && !signal.aborted) {
    if (!response.write(next.value)) await drained(exchange);
    next = await iterator.next();
  }
  response.end();
}

/** How long ago `sinceTime` is. */
function secondsSince(exchange: Exchange, now: number): number | undefined {
  const text = exchange.query.get('sinceTime');
  if (text === null) return undefined;
  const time = Date.parse(text);
  if (Number.isNaN(time)) {
    throw badRequest(`parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse it`);
  }
  return Math.max(0, (now - time) / 1000);
}

/** Why a container has no log yet; undefined when it has one. */
function waitingReason(pod: JsonObject, container: string): string | undefined {
  const status = maybeMap(pod, 'status');
  for (const list of ['containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses']) {
    const found = mapsAt(status, list).find((known) => known.name === container);
    const waiting = maybeMap(maybeMap(found, 'state'), 'waiting');
    const reason = stringAt(waiting, 'reason');
    // After a crash there is a log to show.
    if (reason === '' || reason === 'CrashLoopBackOff') continue;
    return reason === 'ImagePullBackOff' || reason === 'ErrImagePull'
      ? 'trying and failing to pull image'
      : reason;
  }
  return undefined;
}
