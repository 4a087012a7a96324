import type { JsonObject } from '../../kernel/index.ts';
import { getArray, getNumber, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';
import type { Problem } from './conditions.ts';
import type { Action, Backend, Filter, HeaderChange, PathChange, RequestMatch, ValueMatch } from './rule.ts';
import { GATEWAY_GROUP, isGranted } from './world.ts';
import type { World } from './world.ts';

export interface RouteRule {
  readonly matches: readonly RequestMatch[];
  readonly action: Action;
}

export interface ReadRoute {
  readonly rules: readonly RouteRule[];
  /** The first thing that cannot be honoured: the route is not accepted then. */
  readonly unsupported: string | undefined;
  /** The first reference that leads nowhere: its requests are answered with 500. */
  readonly unresolved: Problem | undefined;
}

/** What an HTTPRoute says, with the defaults of its definition. Source: Gateway API v1, HTTPRouteSpec. */
export function readHttpRoute(route: KubeObject, world: World): ReadRoute {
  const problems: { unsupported?: string; unresolved?: Problem } = {};
  const unsupported = (text: string) => {
    problems.unsupported ??= text;
  };
  const namespace = route.metadata.namespace ?? '';
  const given = getArray(asJson(route), 'spec', 'rules').filter(isJsonObject);
  const rules = (given.length === 0 ? [{}] : given).map((rule, index): RouteRule => {
    const matches = getArray(rule, 'matches').filter(isJsonObject);
    const backends = getArray(rule, 'backendRefs').filter(isJsonObject);
    const filters = readFilters(rule, unsupported);
    return {
      matches: (matches.length === 0 ? [{}] : matches).map((match) => readMatch(match, unsupported)),
      action: {
        id: `${route.metadata.uid ?? ''}/${index}`,
        filters,
        backends: backends.map((reference): Backend => {
          const resolved = resolve(reference, namespace, world);
          if ('reason' in resolved) problems.unresolved ??= resolved;
          return {
            weight: getNumber(reference, 'weight') ?? 1,
            service: 'reason' in resolved ? undefined : resolved,
            filters: readFilters(reference, unsupported),
          };
        }),
        timeoutMs: duration(getString(rule, 'timeouts', 'request'), unsupported),
        attemptTimeoutMs: duration(getString(rule, 'timeouts', 'backendRequest'), unsupported),
      },
    };
  });
  return { rules, unsupported: problems.unsupported, unresolved: problems.unresolved };
}

function readMatch(match: JsonObject, unsupported: (text: string) => void): RequestMatch {
  const type = getString(match, 'path', 'type') ?? 'PathPrefix';
  const value = getString(match, 'path', 'value') ?? '/';
  return {
    path:
      type === 'Exact'
        ? { type: 'exact', value }
        : type === 'RegularExpression'
          ? { type: 'expression', value: expression(value, unsupported) }
          : { type: 'prefix', value },
    method: getString(match, 'method'),
    headers: readValues(match, 'headers', unsupported).map((header) => ({
      ...header,
      name: header.name.toLowerCase(),
    })),
    query: readValues(match, 'queryParams', unsupported),
  };
}

function readValues(
  match: JsonObject,
  field: 'headers' | 'queryParams',
  unsupported: (text: string) => void,
): ValueMatch[] {
  return getArray(match, field)
    .filter(isJsonObject)
    .map((entry) => {
      const value = getString(entry, 'value') ?? '';
      const isExpression = getString(entry, 'type') === 'RegularExpression';
      return {
        name: getString(entry, 'name') ?? '',
        value: isExpression ? expression(value, unsupported) : value,
      };
    });
}

const NEVER = /(?!)/;

/** The whole value has to match, as with Envoy. */
function expression(text: string, unsupported: (text: string) => void): RegExp {
  try {
    return new RegExp(`^(?:${text})$`, 'u');
  } catch {
    unsupported(`the regular expression ${JSON.stringify(text)} cannot be used`);
    return NEVER;
  }
}

function pairs(entry: JsonObject, field: string): (readonly [string, string])[] {
  return getArray(entry, field)
    .filter(isJsonObject)
    .map((header) => [(getString(header, 'name') ?? '').toLowerCase(), getString(header, 'value') ?? '']);
}

function headerChange(filter: JsonObject, field: string): HeaderChange {
  const change = getObject(filter, field) ?? {};
  return {
    set: pairs(change, 'set'),
    add: pairs(change, 'add'),
    remove: getArray(change, 'remove')
      .filter((name): name is string => typeof name === 'string')
      .map((name) => name.toLowerCase()),
  };
}

function pathChange(of: JsonObject): PathChange | undefined {
  const full = getString(of, 'path', 'replaceFullPath');
  if (full !== undefined) return { type: 'full', value: full };
  const prefix = getString(of, 'path', 'replacePrefixMatch');
  return prefix === undefined ? undefined : { type: 'prefix', value: prefix };
}

function readFilters(of: JsonObject, unsupported: (text: string) => void): Filter[] {
  const filters: Filter[] = [];
  for (const filter of getArray(of, 'filters').filter(isJsonObject)) {
    const type = getString(filter, 'type') ?? '';
    if (type === 'RequestHeaderModifier') {
      filters.push({ type: 'request-headers', change: headerChange(filter, 'requestHeaderModifier') });
    } else if (type === 'ResponseHeaderModifier') {
      filters.push({ type: 'response-headers', change: headerChange(filter, 'responseHeaderModifier') });
    } else if (type === 'RequestRedirect') {
      const to = getObject(filter, 'requestRedirect') ?? {};
      filters.push({
        type: 'redirect',
        scheme: getString(to, 'scheme'),
        hostname: getString(to, 'hostname'),
        port: getNumber(to, 'port'),
        path: pathChange(to),
        status: getNumber(to, 'statusCode') ?? 302,
      });
    } else if (type === 'URLRewrite') {
      const to = getObject(filter, 'urlRewrite') ?? {};
      filters.push({ type: 'rewrite', hostname: getString(to, 'hostname'), path: pathChange(to) });
    } else {
      unsupported(`filters of type ${JSON.stringify(type)} are not supported`);
    }
  }
  return filters;
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** Source: GEP-2257. Zero means no limit. */
function duration(text: string | undefined, unsupported: (text: string) => void): number | undefined {
  if (text === undefined) return undefined;
  if (!/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) {
    unsupported(`${JSON.stringify(text)} is no duration`);
    return undefined;
  }
  let total = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+)(h|ms|m|s)/g)) {
    total += Number(count) * (UNITS[unit] ?? 0);
  }
  return total === 0 ? undefined : total;
}

function resolve(
  reference: JsonObject,
  own: string,
  world: World,
): Problem | { readonly namespace: string; readonly name: string; readonly port: string } {
  const group = getString(reference, 'group') ?? '';
  const kind = getString(reference, 'kind') ?? 'Service';
  const name = getString(reference, 'name') ?? '';
  const namespace = getString(reference, 'namespace') ?? own;
  if (group !== '' || kind !== 'Service') {
    const shown = group === '' ? kind : `${kind}.${group}`;
    return { reason: 'InvalidKind', message: `backendRefs may name Services, not a ${shown}` };
  }
  const from = { group: GATEWAY_GROUP, kind: 'HTTPRoute', namespace: own };
  if (!isGranted(world, from, { group, kind, namespace, name })) {
    return {
      reason: 'RefNotPermitted',
      message: `no ReferenceGrant in namespace ${namespace} allows HTTPRoutes of ${own} to use Service ${name}`,
    };
  }
  const service = world.service(namespace, name);
  if (service === undefined) {
    return { reason: 'BackendNotFound', message: `Service ${namespace}/${name} does not exist` };
  }
  const port = getNumber(reference, 'port');
  const ports = getArray(asJson(service), 'spec', 'ports').filter(isJsonObject);
  if (port === undefined || !ports.some((known) => known.port === port)) {
    return {
      reason: 'BackendNotFound',
      message: `Service ${namespace}/${name} has no port ${port === undefined ? '(none is named)' : port}`,
    };
  }
  return { namespace, name, port: String(port) };
}
