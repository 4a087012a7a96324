import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf, type Logger } from '../../kernel/index.ts';
import { OciFailure } from './failure.ts';

const DRAIN_LIMIT = 1024 * 1024;

/** Writes a failure as the specification's error body; one that nobody foresaw is logged and answered 500. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
  logger: Logger,
): void {
  if (response.destroyed || response.headersSent) {
    response.destroy();
    return;
  }
  const failure =
    error instanceof OciFailure ? error : new OciFailure(500, 'UNKNOWN', 'The registry could not answer.');
  if (failure !== error) {
    logger.error('A registry request failed.', { url: request.url, message: messageOf(error) });
  }
  const body = Buffer.from(failure.body());
  response.writeHead(failure.status, {
    ...failure.headers,
    'content-type': 'application/json',
    'content-length': body.length,
    ...(request.complete ? {} : { connection: 'close' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
  drain(request);
}

/** Takes in a little of a body that nobody reads, so that the client gets to read its answer; then hangs up. */
function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > DRAIN_LIMIT) request.destroy();
  });
  request.on('error', () => {});
  request.resume();
}
