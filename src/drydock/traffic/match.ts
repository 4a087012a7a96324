import type { RequestMatch, Route, Site, ValueMatch } from './rule.ts';

export interface RequestView {
  /** Lower case, without port. */
  readonly hostname: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly method: string;
  header(name: string): string | undefined;
}

/** Whether a name is meant by `` (any), `*.example.com` or a name. */
export function hostMatches(pattern: string, hostname: string, oneLabel: boolean): boolean {
  if (pattern === '') return true;
  if (!pattern.startsWith('*.')) return pattern === hostname;
  const suffix = pattern.slice(1);
  if (!hostname.endsWith(suffix)) return false;
  const front = hostname.slice(0, -suffix.length);
  return front !== '' && (!oneLabel || !front.includes('.'));
}

/** Exact names first, then the longer pattern; any name last. */
export function compareHosts(a: string, b: string): number {
  const kind = (host: string) => (host === '' ? 2 : host.startsWith('*.') ? 1 : 0);
  return kind(a) - kind(b) || b.length - a.length;
}

/** The names that both a listener and a route mean; undefined when there is none. */
export function commonHost(listener: string, route: string): string | undefined {
  if (listener === '' || listener === route) return route;
  if (route === '') return listener;
  if (hostMatches(listener, route.replace(/^\*\./, 'x.'), false)) return route;
  if (route.startsWith('*.') && hostMatches(route, listener.replace(/^\*\./, 'x.'), false)) return listener;
  return undefined;
}

/** Whether `path` is the prefix, or goes on below it element by element. */
export function hasPathPrefix(path: string, prefix: string): boolean {
  const base = prefix.replace(/\/+$/, '');
  return base === '' || path === base || path.startsWith(`${base}/`);
}

function valueMatches({ value }: ValueMatch, found: string | null | undefined): boolean {
  if (found === undefined || found === null) return false;
  return typeof value === 'string' ? value === found : value.test(found);
}

function pathMatches({ path }: RequestMatch, wanted: string): boolean {
  switch (path.type) {
    case 'exact':
      return path.value === wanted;
    case 'prefix':
      return hasPathPrefix(wanted, path.value);
    case 'expression':
      return path.value.test(wanted);
    default:
      return path satisfies never;
  }
}

function matches({ hostname, oneLabel, match }: Route, request: RequestView): boolean {
  return (
    hostMatches(hostname, request.hostname, oneLabel) &&
    pathMatches(match, request.path) &&
    (match.method === undefined || match.method === request.method) &&
    match.headers.every((header) => valueMatches(header, request.header(header.name))) &&
    match.query.every((parameter) => valueMatches(parameter, request.query.get(parameter.name)))
  );
}

const PATH_RANK = { exact: 0, expression: 1, prefix: 2 } as const;

function pathLength({ match }: Route): number {
  return match.path.type === 'prefix' ? match.path.value.length : 0;
}

/**
 * The order in which routes are tried. Source: Gateway API, HTTPRouteRule.matches: host, exact path, longest prefix,
 * method, headers, query, age, name, place in the object. Expressions stand between exact paths and prefixes.
 */
export function compareRoutes(a: Route, b: Route): number {
  return (
    compareHosts(a.hostname, b.hostname) ||
    PATH_RANK[a.match.path.type] - PATH_RANK[b.match.path.type] ||
    pathLength(b) - pathLength(a) ||
    Number(b.match.method !== undefined) - Number(a.match.method !== undefined) ||
    b.match.headers.length - a.match.headers.length ||
    b.match.query.length - a.match.query.length ||
    compareText(a.since, b.since) ||
    compareText(a.owner, b.owner) ||
    a.order - b.order
  );
}

/**
 * The order of an Ingress: the longest path first, an exact one before a prefix of its length. Source: Kubernetes,
 * Ingress, "Multiple matches".
 */
export function compareIngressRoutes(a: Route, b: Route): number {
  const length = ({ match }: Route) => (match.path.type === 'expression' ? 0 : match.path.value.length);
  return (
    compareHosts(a.hostname, b.hostname) ||
    length(b) - length(a) ||
    PATH_RANK[a.match.path.type] - PATH_RANK[b.match.path.type] ||
    compareText(a.since, b.since) ||
    compareText(a.owner, b.owner) ||
    a.order - b.order
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The route for a request. Only the most specific site is asked, as Gateway API wants of listeners. */
export function findRoute(sites: readonly Site[], request: RequestView): Route | undefined {
  const site = sites.find(({ hostname }) => hostMatches(hostname, request.hostname, false));
  return site?.routes.find((route) => matches(route, request));
}
