import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Credentials } from './credentials.ts';
import { certificateOf, secureContextOf } from './tls-context.ts';
import type { TlsSettings } from './tls-context.ts';
import type { Attach } from './wire-pool.ts';

/** Calls whose answer flows for as long as they live. */
export interface Streams {
  /** Sends a GET, up to the headers of its answer. */
  open(
    identity: Credentials,
    path: string,
    headers: Readonly<Record<string, string | string[]>>,
    attach: Attach,
  ): Promise<IncomingMessage>;
  close(): void;
}

/** However many streams are followed, each has a connection of its own, and no call waits for one to end. */
export function createStreams(server: URL, tls: TlsSettings): Streams {
  const secure = server.protocol === 'https:';
  let kept: { readonly certificate: string; readonly agent: HttpAgent } | undefined;

  function agentOf(identity: Credentials): HttpAgent {
    const certificate = certificateOf(identity);
    if (kept?.certificate !== certificate) {
      kept?.agent.destroy();
      const agent = secure
        ? new HttpsAgent({
            keepAlive: true,
            secureContext: secureContextOf(tls, identity),
            rejectUnauthorized: tls.insecure !== true,
            ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
          })
        : new HttpAgent({ keepAlive: true });
      kept = { certificate, agent };
    }
    return kept.agent;
  }

  return {
    open(identity, path, headers, attach) {
      return new Promise((resolve, reject) => {
        const start = secure ? httpsRequest : httpRequest;
        const sent = start({
          agent: agentOf(identity),
          host: server.hostname.replaceAll(/^\[|\]$/g, ''),
          port: server.port === '' ? (secure ? 443 : 80) : server.port,
          method: 'GET',
          path,
          headers,
        });
        sent.on('error', reject);
        sent.on('response', resolve);
        attach((error) => {
          reject(error);
          sent.destroy(error);
        });
        sent.end();
      });
    },
    close() {
      kept?.agent.destroy();
      kept = undefined;
    },
  };
}
