import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiStatusError } from '../api/contract.ts';

const SPDY = 'SPDY/3.1';

/** Whether a client wants SPDY itself, and not through a WebSocket. */
export function wantsSpdy(request: IncomingMessage): boolean {
  return (request.headers.upgrade ?? '').toLowerCase() === SPDY.toLowerCase();
}

/** Turns the connection into SPDY. Throws 403 unless the client knows the protocol of the streams. */
export function upgradeToSpdy(request: IncomingMessage, socket: Duplex, protocol: string): void {
  const offered = [request.headers['x-stream-protocol-version'] ?? []]
    .flat()
    .flatMap((line) => line.split(','))
    .map((name) => name.trim());
  if (!offered.includes(protocol)) {
    throw new ApiStatusError(
      403,
      'Forbidden',
      `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${protocol}]`,
    );
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${SPDY}\r\nX-Stream-Protocol-Version: ${protocol}\r\n\r\n`,
  );
}
