import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Credentials } from './credentials.ts';
import { certificateOf, secureContextOf } from './tls-context.ts';
import type { TlsSettings } from './tls-context.ts';
import { createResponseReader } from './wire-response.ts';
import type { ResponseReader, WireResponse } from './wire-response.ts';

/** A kept connection that the server closed just now says nothing about the server. */
export class StaleConnection extends Error {}

/** Takes what is to be called when a call has to end before it has an answer. */
export type Attach = (stop: (error: Error) => void) => void;

/**
 * Connections to one server that are kept from one call to the next. A call is one request in HTTP/1.1 and its whole
 * answer: Node's own client costs three times the processor time of it, and a large apply is thousands of calls.
 */
export interface WirePool {
  /** Sends a request with its body, and reads the answer. Throws what Node says of sockets. */
  call(
    identity: Credentials,
    request: string | Buffer,
    maxBytes: number,
    attach: Attach,
  ): Promise<WireResponse>;
  /** Closes what is idle. Running calls end by their own. */
  close(): void;
}

interface Connection {
  readonly socket: Socket;
  readonly certificate: string;
  used: boolean;
  call: Call | undefined;
}

interface Call {
  readonly reader: ResponseReader;
  readonly done: (response: WireResponse) => void;
  readonly failed: (error: Error) => void;
}

function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

function isReset(error: Error): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET' || code === 'EPIPE';
}

export function createWirePool(server: URL, tls: TlsSettings): WirePool {
  const secure = server.protocol === 'https:';
  const host = server.hostname.replaceAll(/^\[|\]$/g, '');
  const port = server.port === '' ? (secure ? 443 : 80) : Number(server.port);
  const idle: Connection[] = [];
  let context: { readonly certificate: string; readonly value: SecureContext } | undefined;

  function contextFor(identity: Credentials): SecureContext {
    const certificate = certificateOf(identity);
    if (context?.certificate !== certificate) {
      context = { certificate, value: secureContextOf(tls, identity) };
    }
    return context.value;
  }

  function dial(identity: Credentials): Socket {
    const common = { host, port, noDelay: true, keepAlive: true };
    if (!secure) return connectTcp(common);
    return connectTls({
      ...common,
      secureContext: contextFor(identity),
      rejectUnauthorized: tls.insecure !== true,
      ALPNProtocols: ['http/1.1'],
      // An address is no name for SNI.
      ...(tls.serverName === undefined
        ? isIP(host) === 0
          ? { servername: host }
          : {}
        : { servername: tls.serverName }),
    });
  }

  /** Nothing is written before the certificate of the server was found to be right. */
  function open(identity: Credentials, attach: Attach): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = dial(identity);
      const connection: Connection = {
        socket,
        certificate: certificateOf(identity),
        used: false,
        call: undefined,
      };
      attach((error) => {
        reject(error);
        socket.destroy();
      });
      socket.once('error', reject);
      socket.once('close', () => reject(hangUp()));
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        follow(connection);
        resolve(connection);
      });
    });
  }

  function follow(connection: Connection): void {
    const { socket } = connection;
    const fail = (error: Error) => {
      drop(connection);
      const { call } = connection;
      connection.call = undefined;
      socket.destroy();
      call?.failed(connection.used && !call.reader.started() && isReset(error) ? stale(error) : error);
    };
    const settle = (response: WireResponse) => {
      const { call } = connection;
      connection.call = undefined;
      connection.used = true;
      const current = !secure || connection.certificate === context?.certificate;
      if (response.reusable && current && !closed && socket.writableLength === 0) {
        socket.unref();
        idle.push(connection);
      } else {
        socket.destroy();
      }
      call?.done(response);
    };
    socket.on('data', (piece: Buffer) => {
      // What nobody asked for is no answer to what is asked next.
      if (connection.call === undefined) return fail(hangUp());
      try {
        const response = connection.call.reader.push(piece);
        if (response !== undefined) settle(response);
      } catch (error) {
        fail(error as Error);
      }
    });
    socket.on('end', () => {
      const response = connection.call?.reader.end();
      if (response === undefined) fail(hangUp());
      else settle(response);
    });
    socket.on('error', fail);
    socket.on('close', () => fail(hangUp()));
  }

  /** The one that was used last: those that nobody needs any more are closed by the server. */
  function keptFor(identity: Credentials): Connection | undefined {
    const certificate = certificateOf(identity);
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      if (kept.certificate === certificate) return kept;
      kept.socket.destroy();
    }
    return undefined;
  }

  function drop(connection: Connection): void {
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
  }

  let closed = false;
  return {
    async call(identity, request, maxBytes, attach) {
      closed = false;
      const connection = keptFor(identity) ?? (await open(identity, attach));
      const { socket } = connection;
      return new Promise<WireResponse>((resolve, reject) => {
        connection.call = { reader: createResponseReader(maxBytes), done: resolve, failed: reject };
        attach((error) => {
          connection.call = undefined;
          socket.destroy();
          reject(error);
        });
        socket.ref();
        socket.write(request);
      });
    },
    close() {
      closed = true;
      for (const { socket } of idle.splice(0)) socket.destroy();
    },
  };
}

function stale(cause: Error): StaleConnection {
  return new StaleConnection(cause.message, { cause });
}
