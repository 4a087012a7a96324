import { LandfallError, type Clock } from '../kernel/index.ts';
import { newAuthorizer, type Authorizer } from './authorizer.ts';
import type { CredentialSource } from './credentials.ts';
import type { HttpExchanger } from './http-exchange.ts';
import { isLoopbackHost } from './token-realm.ts';

/** Where a registry is asked instead of at its own host. */
export interface Mirror {
  /** `https://mirror.corp.io`, with a path if the mirror has one. */
  readonly url: string;
  /**
   * True: it stands in for the registry, which is never asked itself, and pushes go to it. False (the default): it is
   * asked first for reads, then the registry; pushes go to the registry.
   */
  readonly standIn?: boolean;
}

/** A place that answers for a registry. */
export interface Endpoint {
  readonly base: URL;
  readonly authorizer: Authorizer;
}

export interface EndpointOptions {
  readonly http: HttpExchanger;
  readonly clock: Clock;
  readonly credentials: CredentialSource;
  readonly mirrors: Readonly<Record<string, Mirror | readonly Mirror[]>>;
  /** Hosts beside this machine that may be spoken to without TLS. */
  readonly allowHttp: readonly string[];
}

export interface Endpoints {
  /** In the order in which they are to be asked. */
  of(registry: string, purpose: 'read' | 'authority', signal: AbortSignal): Promise<readonly Endpoint[]>;
}

const HUB_API = 'registry-1.docker.io';
const HUB_CREDENTIALS = 'index.docker.io';

export function newEndpoints(options: EndpointOptions): Endpoints {
  const endpoints = new Map<string, Endpoint>();
  const origins = new Map<string, URL>();

  const endpoint = (base: URL, credentialHost: string): Endpoint => {
    const key = `${base.href} ${credentialHost}`;
    let found = endpoints.get(key);
    if (found === undefined) {
      found = { base, authorizer: newAuthorizer({ ...options, base, credentialHost }) };
      endpoints.set(key, found);
    }
    return found;
  };

  const origin = async (registry: string, signal: AbortSignal): Promise<Endpoint> => {
    if (registry === 'docker.io') return endpoint(new URL(`https://${HUB_API}`), HUB_CREDENTIALS);
    let base = origins.get(registry);
    if (base === undefined) {
      base = await originOf(registry, options, signal);
      origins.set(registry, base);
    }
    return endpoint(base, registry);
  };

  return {
    async of(registry, purpose, signal) {
      const set = options.mirrors[registry] ?? [];
      const mirrors = 'url' in set ? [set] : set;
      const standIn = mirrors.filter(({ standIn: alone }) => alone === true);
      const first = purpose === 'read' && standIn.length === 0 ? mirrors : standIn;
      const asked = first.map(({ url }) => {
        const base = mirrorUrl(url, registry, options.allowHttp);
        return endpoint(base, base.host);
      });
      return standIn.length > 0 ? asked : [...asked, await origin(registry, signal)];
    },
  };
}

function mirrorUrl(text: string, registry: string, allowHttp: readonly string[]): URL {
  const refuse = (why: string, hint: string) =>
    new LandfallError(`The mirror of ${registry} is not usable: ${why}.`, {
      kind: 'invalid-input',
      code: 'mirror-invalid',
      object: registry,
      hint,
    });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse('it is not a URL', 'Write it as https://HOST[:PORT].');
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse('its URL holds credentials', 'Put them where docker login puts them.');
  }
  if (url.protocol === 'https:') return url;
  if (url.protocol !== 'http:') throw refuse(`its scheme is ${url.protocol}//`, 'Write it as https://HOST.');
  if (isLoopbackHost(url.hostname) || allowHttp.includes(url.host)) return url;
  throw refuse(`${url.host} would be spoken to without TLS`, 'Use https, or allow HTTP for this host.');
}

/** https, except on this machine and for allowed hosts, where http is used if nothing speaks TLS there. */
async function originOf(
  registry: string,
  { http, allowHttp }: EndpointOptions,
  signal: AbortSignal,
): Promise<URL> {
  const secure = new URL(`https://${registry}`);
  if (!isLoopbackHost(secure.hostname) && !allowHttp.includes(registry)) return secure;
  try {
    await http.send({
      method: 'GET',
      url: new URL('/v2/', secure),
      headers: {},
      maxBytes: 64 * 1024,
      signal,
    });
    return secure;
  } catch (error) {
    if (error instanceof LandfallError && error.kind === 'cancelled') throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    // A server that speaks plain HTTP breaks the handshake in one of these ways.
    const plain = code === 'EPROTO' || code === 'ECONNRESET' || code.startsWith('ERR_SSL');
    return plain ? new URL(`http://${registry}`) : secure;
  }
}
