import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { LandfallError, messageOf } from '../kernel/index.ts';
import type { Credentials } from './credentials.ts';

export interface TlsSettings {
  readonly ca?: string | Buffer;
  readonly insecure?: boolean;
  readonly serverName?: string;
}

/** What all connections of an identity share: making it is dearer than a handshake. */
export function secureContextOf(tls: TlsSettings, identity: Credentials): SecureContext {
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

/** New connections when the certificate of the identity changed, and only then. */
export function certificateOf(identity: Credentials): string {
  return `${identity.cert ?? ''}\n${identity.key ?? ''}`;
}
