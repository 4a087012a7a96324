import { isIP } from 'node:net';
import { LandfallError } from '../kernel/index.ts';

export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
  );
}

/** Addresses that a stranger's registry must not make us talk to: this machine, this network, nobody's. */
function isInternalAddress(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  switch (isIP(host)) {
    case 4:
      return (
        /^(?:0|10|127)\./.test(host) ||
        host.startsWith('224.0.0.') ||
        host.startsWith('169.254.') ||
        host.startsWith('192.168.') ||
        /^172\.(?:1[6-9]|2\d|3[01])\./.test(host)
      );
    case 6:
      return /^(?:::1?$|::ffff:|f[cd]|fe[89ab]|ff[01]2)/.test(host);
    default:
      return false;
  }
}

/**
 * Whether credentials may be sent to the token endpoint that a registry named: https, or http where the registry
 * itself is spoken to so, and no internal address but the registry's own host and port. Throws `denied`.
 * The rule is that of go-containerregistry (transport/bearer.go).
 */
export function checkRealm(realm: string, registryHost: string, insecure: boolean): URL {
  const refuse = (why: string) =>
    new LandfallError(`The registry ${registryHost} names a token endpoint that is not used: ${why}.`, {
      kind: 'denied',
      code: 'registry-realm-refused',
      object: registryHost,
      hint: 'Tell who runs the registry; its WWW-Authenticate header is wrong.',
    });
  let url: URL;
  try {
    url = new URL(realm);
  } catch {
    throw refuse('it is not a URL');
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && insecure)) {
    throw refuse(`its scheme is ${url.protocol}//`);
  }
  if (url.username !== '' || url.password !== '') throw refuse('it holds credentials');
  if (isInternalAddress(url.hostname) && url.host !== registryHost) {
    throw refuse(`its host ${url.host} is an internal address`);
  }
  return url;
}
