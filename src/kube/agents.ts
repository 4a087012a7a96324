import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { LandfallError, messageOf } from '../kernel/index.ts';
import type { Credentials } from './credentials.ts';

export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly insecure?: boolean;
  readonly serverName?: string;
}

/** The kept connections to one server. */
export interface Agents {
  /** Streams have connections of their own, so that however many are followed no call waits for one to end. */
  of(identity: Credentials, stream: boolean): HttpAgent;
  close(): void;
}

/** Calls at a time to one server; more wait, within their deadline. */
export const MAX_CONNECTIONS = 32;

/** New connections when the certificate of the identity changed, and only then. */
export function createAgents(secure: boolean, tls: TlsSettings): Agents {
  let kept: { readonly identity: string; readonly calls: HttpAgent; readonly streams: HttpAgent } | undefined;

  function close(): void {
    kept?.calls.destroy();
    kept?.streams.destroy();
    kept = undefined;
  }

  return {
    of(identity, stream) {
      const key = `${identity.cert ?? ''}\n${identity.key ?? ''}`;
      if (kept?.identity !== key) {
        close();
        const make = agentFactory(secure, tls, identity);
        kept = { identity: key, calls: make(MAX_CONNECTIONS), streams: make(Number.POSITIVE_INFINITY) };
      }
      return stream ? kept.streams : kept.calls;
    },
    close,
  };
}

function agentFactory(
  secure: boolean,
  tls: TlsSettings,
  identity: Credentials,
): (maxSockets: number) => HttpAgent {
  const common = { keepAlive: true, maxFreeSockets: MAX_CONNECTIONS, scheduling: 'lifo' } as const;
  if (!secure) return (maxSockets) => lean(new HttpAgent({ ...common, maxSockets }));
  // One context for all connections: making it is dearer than a handshake.
  const secureContext = contextOf(tls, identity);
  return (maxSockets) =>
    lean(
      new HttpsAgent({
        ...common,
        maxSockets,
        secureContext,
        rejectUnauthorized: tls.insecure !== true,
        ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
      }),
    );
}

/** An agent of one server: its connections are all alike, and nothing has to be set on one between two calls. */
function lean(agent: HttpAgent): HttpAgent {
  return Object.assign(agent, {
    getName: () => 'server',
    keepSocketAlive(socket: Duplex & { unref?: () => void }) {
      socket.unref?.();
      return true;
    },
  });
}

function contextOf(tls: TlsSettings, identity: Credentials): SecureContext {
  try {
    return createSecureContext({
      ...(tls.ca === undefined ? {} : { ca: tls.ca }),
      ...(identity.cert === undefined ? {} : { cert: identity.cert }),
      ...(identity.key === undefined ? {} : { key: identity.key }),
    });
  } catch (cause) {
    throw new LandfallError(
      `The certificates of the kubeconfig cannot be used: ${messageOf(cause)}. PEM without a pass phrase is wanted.`,
      {
        kind: 'invalid-input',
        code: 'kubeconfig-certificate',
        hint: 'Check certificate-authority, client-certificate and client-key; the key has to belong to the certificate.',
        cause,
      },
    );
  }
}
