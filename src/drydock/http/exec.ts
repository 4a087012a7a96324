import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { getArray, isJsonObject, messageOf } from '../../kernel/index.ts';
import { ApiStatusError, type PodBackend, type PodSession } from '../api/contract.ts';
import { asJson, stringAt } from '../kinds/json-access.ts';
import type { Engine } from '../machinery/engine.ts';
import { badRequest, notFound, statusBody } from '../machinery/status-errors.ts';
import { isTrue } from './exchange.ts';
import { acceptRemote, type RemoteStreams } from './remote-streams.ts';
import type { ResourcePath } from './request-info.ts';

/** A client that has this much unread is dropped. */
const MAX_UNREAD = 32 * 1024 * 1024;

/** Answers an upgrade with a Status, since there is no response object yet. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const failure =
    error instanceof ApiStatusError ? error : new ApiStatusError(500, 'InternalError', messageOf(error));
  const body = `${JSON.stringify(statusBody(failure))}\n`;
  socket.end(
    `HTTP/1.1 ${failure.code} ${failure.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly input: boolean;
  readonly output: boolean;
  readonly errors: boolean;
  readonly terminal: boolean;
}

/**
 * `kubectl exec` and `kubectl attach`, over a WebSocket or SPDY: output as it comes, input and the size of a terminal
 * where they are asked for, the exit code at the end. Throws ApiStatusError before the upgrade.
 */
export function serveRemoteCommand(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  engine: Engine,
  path: ResourcePath,
  query: URLSearchParams,
  backend: PodBackend | undefined,
): void {
  const asked = readRequest(engine, path, query);
  const open = opener(asked, path.subresource ?? '', backend);
  let session: PodSession | undefined;
  let gone = false;
  let inputEnded = false;
  const early: Buffer[] = [];

  const write = (input: PodSession['input'], bytes: Buffer) => {
    if (input === undefined || input.destroyed || input.writableEnded || input.write(bytes)) return;
    // A program that reads slowly slows its client down instead of filling memory.
    socket.pause();
    input.once('drain', () => socket.resume());
    input.once('close', () => socket.resume());
  };

  const run = async (streams: RemoteStreams) => {
    const opened = await open((bytes, stream) => {
      if ((stream === 'stdout' && !asked.output) || (stream === 'stderr' && !asked.errors)) return;
      streams.send(asked.terminal ? 'stdout' : stream, bytes);
      if (socket.writableLength > MAX_UNREAD) socket.destroy();
      if (!socket.writableNeedDrain) return;
      session?.hold(true);
      socket.once('drain', () => session?.hold(false));
    });
    session = opened;
    if (gone) opened.end();
    for (const bytes of early.splice(0)) write(opened.input, bytes);
    if (inputEnded) opened.endInput();
    const { exitCode } = await opened.exited;
    streams.finish(outcome(exitCode));
  };

  acceptRemote(request, socket, head, asked, {
    onReady(streams) {
      run(streams).catch((error: unknown) => streams.finish(JSON.stringify(statusBody(startFailure(error)))));
    },
    onInput(bytes) {
      if (!asked.input) return;
      if (session === undefined) early.push(bytes);
      else write(session.input, bytes);
    },
    onInputEnd() {
      inputEnded = true;
      session?.endInput();
    },
    onResize: (columns, rows) => session?.resize(columns, rows),
    onGone() {
      gone = true;
      session?.end();
    },
  });
}

type Opener = (
  onOutput: (bytes: Buffer, stream: 'stdout' | 'stderr') => void,
) => Promise<PodSession> | PodSession;

function opener(asked: Asked, subresource: string, backend: PodBackend | undefined): Opener {
  const { namespace, name } = asked;
  const missing = new ApiStatusError(501, 'NotImplemented', 'no node is attached that could run a command');
  if (subresource === 'attach') {
    const attach = backend?.attach?.bind(backend);
    if (attach === undefined) throw missing;
    return (onOutput) => attach(namespace, name, { ...asked, onOutput });
  }
  const exec = backend?.exec?.bind(backend);
  if (exec === undefined) throw missing;
  if (asked.command.length === 0) throw badRequest('you must specify at least 1 command for the container');
  return (onOutput) => exec(namespace, name, { ...asked, onOutput });
}

function readRequest(engine: Engine, path: ResourcePath, query: URLSearchParams): Asked {
  const name = path.name ?? '';
  const namespace = path.namespace ?? '';
  const pod = engine.store.get('/pods', namespace, name)?.object;
  if (pod === undefined) throw notFound({ group: '', resource: 'pods' }, name);
  const named = (list: string) =>
    getArray(asJson(pod), 'spec', list)
      .filter(isJsonObject)
      .map((container) => stringAt(container, 'name'));
  const apps = named('containers');
  const chosen = query.get('container') ?? '';
  if (chosen === '' && apps.length > 1) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${apps.join(' ')}]`,
    );
  }
  const all = [...apps, ...named('initContainers'), ...named('ephemeralContainers')];
  if (chosen !== '' && !all.includes(chosen)) {
    throw badRequest(`container ${chosen} is not valid for pod ${name}`);
  }
  const flag = (flagName: string) => isTrue(query.get(flagName));
  const asked = {
    namespace,
    name,
    container: chosen === '' ? (apps[0] ?? '') : chosen,
    command: query.getAll('command'),
    input: flag('stdin'),
    output: flag('stdout'),
    errors: flag('stderr'),
    terminal: flag('tty'),
  };
  if (!asked.input && !asked.output && !asked.errors) {
    throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  }
  return asked;
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

/** What the kubelet says of a command that cannot be started. */
function startFailure(error: unknown): ApiStatusError {
  if (error instanceof ApiStatusError) return error;
  const why = /exec: .*$/s.exec(messageOf(error))?.[0];
  const reason =
    why === undefined
      ? messageOf(error)
      : `error executing command in container: failed to exec in container: failed to start exec: OCI runtime exec failed: exec failed: unable to start container process: ${why}`;
  return new ApiStatusError(500, 'InternalError', `Internal error occurred: ${reason}`);
}
