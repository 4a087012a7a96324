import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';

/** Cuts a connection as a network does it. What is encrypted cannot be reset, but ends as suddenly. */
export function cutOff({ socket }: IncomingMessage): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}
