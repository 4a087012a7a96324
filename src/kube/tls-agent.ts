import { Agent } from 'node:https';
import type { AgentOptions, RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Clock } from '../kernel/index.ts';
import type { KnownCertificate } from './known-certificate.ts';

export interface TlsAgentOptions extends AgentOptions {
  /** With the authorities to verify by. Asked for when it is needed: making it is dearer than several handshakes. */
  readonly verifying: () => SecureContext;
  /** Without any authority. */
  readonly bare: () => SecureContext;
  readonly known: KnownCertificate | undefined;
  readonly clock: Clock;
}

type Created = (error: Error | null, socket: Duplex) => void;

/**
 * Connections to one server, verified: by its authorities, or because it shows the very certificate that they were
 * verified for before. No request gets a connection before that is known, so that no credential goes to a stranger.
 */
export class TlsAgent extends Agent {
  readonly #verifying: () => SecureContext;
  readonly #bare: () => SecureContext;
  readonly #known: KnownCertificate | undefined;
  readonly #clock: Clock;
  readonly #opening = new Set<Duplex>();
  /** The certificate that is as good as verified; undefined once another one was shown. */
  #expected: string | undefined;
  /** Of a connection where that was shown. */
  #session: Buffer | undefined;

  constructor({ verifying, bare, known, clock, ...options }: TlsAgentOptions) {
    super(options);
    this.#verifying = verifying;
    this.#bare = bare;
    this.#known = known;
    this.#clock = clock;
    this.#expected = known?.recall();
  }

  override createConnection(options: RequestOptions, created?: Created): Duplex | null | undefined {
    if (this.#expected === undefined || created === undefined) return this.#verified(options);
    const bare = {
      ...options,
      secureContext: this.#bare(),
      rejectUnauthorized: false,
      session: this.#session,
      // The agent keeps sessions of its own by this.
      _agentKey: undefined,
    };
    const socket = super.createConnection(bare);
    if (!(socket instanceof TLSSocket)) return this.#verified(options);
    this.#opening.add(socket);
    const failed = (error: Error) => {
      this.#opening.delete(socket);
      created(error, socket);
    };
    socket.once('error', failed);
    socket.once('secureConnect', () => {
      this.#opening.delete(socket);
      socket.off('error', failed);
      if (this.#isExpected(socket)) {
        socket.on('session', (session) => {
          this.#session = session;
        });
        created(null, socket);
        return;
      }
      this.#expected = undefined;
      socket.on('error', () => {});
      socket.destroy();
      const again = this.#verified(options);
      if (again) created(null, again);
    });
    return undefined;
  }

  override destroy(): void {
    for (const socket of this.#opening) socket.destroy();
    super.destroy();
  }

  #isExpected(socket: TLSSocket): boolean {
    // Such a session was begun with the certificate, and is not shown it again.
    if (socket.isSessionReused()) return this.#expected !== undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined || certificate.fingerprint256 !== this.#expected) return false;
    const now = this.#clock.now();
    return Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);
  }

  #verified(options: RequestOptions): Duplex | null | undefined {
    const verified = { ...options, secureContext: this.#verifying() };
    const socket = super.createConnection(verified);
    const known = this.#known;
    if (known !== undefined && socket instanceof TLSSocket) {
      socket.once('secureConnect', () => {
        const fingerprint = socket.getPeerX509Certificate()?.fingerprint256;
        if (socket.authorized && fingerprint !== undefined && fingerprint !== this.#expected) {
          known.keep(fingerprint);
        }
      });
    }
    return socket;
  }
}
