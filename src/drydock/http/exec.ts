import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../../kernel/index.ts';
import { ApiStatusError, type PodBackend } from '../api/contract.ts';
import type { Engine } from '../machinery/engine.ts';
import { badRequest, notFound, statusBody } from '../machinery/status-errors.ts';
import { isTrue } from './exchange.ts';
import type { ResourcePath } from './request-info.ts';
import { chooseProtocol, WebSocket } from './web-socket.ts';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const STDOUT = 1;
const STDERR = 2;
const ERROR = 3;
const CHUNK = 32 * 1024;

function sendOn(socket: WebSocket, channel: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += CHUNK) {
    socket.send(Buffer.concat([Buffer.from([channel]), bytes.subarray(at, at + CHUNK)]));
  }
}

function outcome(exitCode: number): string {
  if (exitCode === 0) return JSON.stringify({ metadata: {}, status: 'Success' });
  return JSON.stringify({
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  });
}

/** Answers an upgrade with a Status, since there is no response object yet. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const failure =
    error instanceof ApiStatusError ? error : new ApiStatusError(500, 'InternalError', messageOf(error));
  const body = `${JSON.stringify(statusBody(failure))}\n`;
  socket.end(
    `HTTP/1.1 ${failure.code} ${failure.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/**
 * `kubectl exec` over a WebSocket: the command runs once, its output and exit code are sent when it has ended. Input
 * and terminals are refused. Throws ApiStatusError before the upgrade.
 */
export function serveExec(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  engine: Engine,
  path: ResourcePath,
  query: URLSearchParams,
  backend: PodBackend | undefined,
): void {
  const name = path.name ?? '';
  const namespace = path.namespace ?? '';
  if (engine.store.get('/pods', namespace, name) === undefined)
    throw notFound({ group: '', resource: 'pods' }, name);
  const exec = backend?.exec?.bind(backend);
  if (exec === undefined)
    throw new ApiStatusError(501, 'NotImplemented', 'no node is attached that could run a command');
  if (isTrue(query.get('tty')) || isTrue(query.get('stdin'))) {
    throw badRequest('exec without a terminal and without input only: leave out -i and -t');
  }
  const command = query.getAll('command');
  if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
  const protocol = chooseProtocol(request, PROTOCOLS);
  if (protocol === undefined) {
    throw badRequest(`unable to upgrade: only WebSockets with one of ${PROTOCOLS.join(', ')} are served`);
  }
  const gone = new AbortController();
  const channel = new WebSocket(request, socket, head, protocol, () => gone.abort());
  const container = query.get('container');
  exec(namespace, name, { command, ...(container === null ? {} : { container }) }, gone.signal)
    .then(({ exitCode, stdout, stderr }) => {
      sendOn(channel, STDOUT, stdout);
      sendOn(channel, STDERR, stderr);
      sendOn(channel, ERROR, outcome(exitCode));
    })
    .catch((error: unknown) => {
      const failure = new ApiStatusError(500, 'InternalError', messageOf(error));
      sendOn(channel, ERROR, JSON.stringify(statusBody(failure)));
    })
    .finally(() => channel.close());
}
