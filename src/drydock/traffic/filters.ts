import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { hasPathPrefix } from './match.ts';
import type { Filter, HeaderChange, PathChange, PathMatch } from './rule.ts';

export type Headers = Record<string, string | string[]>;

/** Headers that concern one connection and are not passed on. Source: RFC 9110, 7.6.1. */
const ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export function passedOn(headers: IncomingHttpHeaders): Headers {
  const listed = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const kept: Headers = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !ONE_HOP.has(name) && !listed.has(name)) kept[name] = value;
  }
  return kept;
}

export function changeHeaders(headers: Headers | OutgoingHttpHeaders, change: HeaderChange): void {
  for (const [name, value] of change.set) headers[name] = value;
  for (const [name, value] of change.add) {
    const found = headers[name];
    headers[name] = found === undefined ? value : `${[found].flat().join(', ')}, ${value}`;
  }
  for (const name of change.remove) delete headers[name];
}

/** `path` with what a filter replaces; only a prefix match has a prefix to replace. */
export function changePath(path: string, change: PathChange | undefined, match: PathMatch): string {
  if (change === undefined) return path;
  if (change.type === 'full') return change.value;
  if (match.type !== 'prefix' || !hasPathPrefix(path, match.value)) return path;
  const rest = path.slice(match.value.replace(/\/+$/, '').length);
  const joined = `${change.value.replace(/\/+$/, '')}${rest}`;
  return joined.startsWith('/') ? joined : `/${joined}`;
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

/**
 * Where a redirect leads. A port is only named where it is not the scheme's own. Source: Gateway API,
 * HTTPRequestRedirectFilter.
 */
export function redirectTarget(
  filter: Extract<Filter, { type: 'redirect' }>,
  at: {
    readonly tls: boolean;
    readonly hostname: string;
    readonly port: number;
    readonly path: string;
    readonly search: string;
  },
  match: PathMatch,
): string {
  const own = at.tls ? 'https' : 'http';
  const scheme = filter.scheme ?? own;
  const port = filter.port ?? (filter.scheme === undefined ? at.port : DEFAULT_PORTS[scheme]);
  const shown = port === undefined || DEFAULT_PORTS[scheme] === port ? '' : `:${port}`;
  return `${scheme}://${filter.hostname ?? at.hostname}${shown}${changePath(at.path, filter.path, match)}${at.search}`;
}
