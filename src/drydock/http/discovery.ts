import { createHash } from 'node:crypto';
import type { JsonObject } from '../../kernel/index.ts';
import type { Catalogue } from '../kinds/catalogue.ts';
import { ALL_VERBS, type ResourceKind } from '../kinds/kind.ts';
import { writeJson, writeObject, type Exchange } from './exchange.ts';
import { METRICS_GROUP, METRICS_VERSION } from './metrics-api.ts';

/** A part of a resource that has a URL of its own. */
interface Subresource {
  readonly of: string;
  readonly name: string;
  readonly kind: string;
  readonly group?: string;
  readonly version?: string;
  readonly verbs: readonly string[];
}

const GET_AND_WRITE = ['get', 'patch', 'update'];

/** The subresources of a kind beyond status and scale. */
const OTHERS: readonly Subresource[] = [
  {
    of: 'certificates.k8s.io/certificatesigningrequests',
    name: 'approval',
    kind: 'CertificateSigningRequest',
    verbs: GET_AND_WRITE,
  },
  { of: '/namespaces', name: 'finalize', kind: 'Namespace', verbs: ['update'] },
  { of: '/pods', name: 'binding', kind: 'Binding', verbs: ['create'] },
  { of: '/pods', name: 'ephemeralcontainers', kind: 'Pod', verbs: GET_AND_WRITE },
  { of: '/pods', name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
  { of: '/pods', name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
  { of: '/pods', name: 'log', kind: 'Pod', verbs: ['get'] },
  { of: '/pods', name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  {
    of: '/pods',
    name: 'proxy',
    kind: 'PodProxyOptions',
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
  },
  {
    of: '/serviceaccounts',
    name: 'token',
    kind: 'TokenRequest',
    group: 'authentication.k8s.io',
    version: 'v1',
    verbs: ['create'],
  },
  {
    of: '/services',
    name: 'proxy',
    kind: 'ServiceProxyOptions',
    verbs: ['create', 'delete', 'get', 'patch', 'update'],
  },
];

function subresourcesOf(kind: ResourceKind): readonly Subresource[] {
  const found = OTHERS.filter((other) => other.of === `${kind.group}/${kind.resource}`);
  const of = `${kind.group}/${kind.resource}`;
  if (kind.scale !== undefined) {
    found.push({
      of,
      name: 'scale',
      kind: 'Scale',
      group: 'autoscaling',
      version: 'v1',
      verbs: GET_AND_WRITE,
    });
  }
  if (kind.status) found.push({ of, name: 'status', kind: kind.kind, verbs: GET_AND_WRITE });
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function storageHash(kind: ResourceKind): string {
  return createHash('sha256')
    .update(`${kind.group}/${kind.version}/${kind.kind}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

/** The versions of each group, the preferred one first. */
function groupsOf(catalogue: Catalogue): Map<string, Map<string, ResourceKind[]>> {
  const groups = new Map<string, Map<string, ResourceKind[]>>();
  for (const kind of catalogue.all()) {
    let versions = groups.get(kind.group);
    if (versions === undefined) groups.set(kind.group, (versions = new Map()));
    const kinds = versions.get(kind.version);
    if (kinds === undefined) versions.set(kind.version, [kind]);
    else kinds.push(kind);
  }
  for (const versions of groups.values()) {
    for (const kinds of versions.values()) kinds.sort((a, b) => (a.resource < b.resource ? -1 : 1));
  }
  return groups;
}

export function resourceList(catalogue: Catalogue, group: string, version: string): JsonObject | undefined {
  const kinds = groupsOf(catalogue).get(group)?.get(version);
  if (kinds === undefined) return undefined;
  const resources: JsonObject[] = [];
  for (const kind of kinds) {
    resources.push({
      name: kind.resource,
      singularName: kind.singular,
      namespaced: kind.namespaced,
      kind: kind.kind,
      verbs: [...verbsOf(kind)],
      ...(kind.shortNames.length === 0 ? {} : { shortNames: [...kind.shortNames] }),
      ...(kind.categories.length === 0 ? {} : { categories: [...kind.categories] }),
      ...(kind.verbs.includes('list') ? { storageVersionHash: storageHash(kind) } : {}),
    });
    for (const sub of subresourcesOf(kind)) {
      resources.push({
        name: `${kind.resource}/${sub.name}`,
        singularName: '',
        namespaced: kind.namespaced,
        ...(sub.group === undefined ? {} : { group: sub.group }),
        ...(sub.version === undefined ? {} : { version: sub.version }),
        kind: sub.kind,
        verbs: [...sub.verbs],
      });
    }
  }
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: group === '' ? version : `${group}/${version}`,
    resources,
  };
}

function verbsOf(kind: ResourceKind): readonly string[] {
  // A namespace is never deleted by collection.
  return kind.resource === 'namespaces' && kind.group === ''
    ? ALL_VERBS.filter((verb) => verb !== 'deletecollection')
    : kind.verbs;
}

function aggregated(groups: readonly (readonly [string, Map<string, ResourceKind[]>])[]): JsonObject {
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(([group, versions]) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: [...versions].map(([version, kinds]) => ({
        version,
        resources: kinds.map((kind) => {
          const subresources = subresourcesOf(kind).map((sub) => ({
            subresource: sub.name,
            responseKind: { group: sub.group ?? '', version: sub.version ?? '', kind: sub.kind },
            verbs: [...sub.verbs],
          }));
          return {
            resource: kind.resource,
            responseKind: { group: '', version: '', kind: kind.kind },
            scope: kind.namespaced ? 'Namespaced' : 'Cluster',
            singularResource: kind.singular,
            verbs: [...verbsOf(kind)],
            ...(kind.shortNames.length === 0 ? {} : { shortNames: [...kind.shortNames] }),
            ...(kind.categories.length === 0 ? {} : { categories: [...kind.categories] }),
            ...(subresources.length === 0 ? {} : { subresources }),
          };
        }),
        freshness: 'Current',
      })),
    })),
  };
}

function groupDocument(group: string, versions: Map<string, ResourceKind[]>): JsonObject {
  const entries = [...versions.keys()].map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] ?? {} };
}

/** The group that is served while somebody measures. */
const METRICS_DISCOVERY: JsonObject = {
  metadata: { name: METRICS_GROUP, creationTimestamp: null },
  versions: [
    {
      version: METRICS_VERSION,
      resources: ['nodes', 'pods'].map((resource) => ({
        resource,
        responseKind: { group: '', version: '', kind: resource === 'nodes' ? 'NodeMetrics' : 'PodMetrics' },
        scope: resource === 'nodes' ? 'Cluster' : 'Namespaced',
        singularResource: '',
        verbs: ['get', 'list'],
      })),
      freshness: 'Current',
    },
  ],
};

const AGGREGATED_TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

function wantsAggregated(exchange: Exchange): boolean {
  const accept = exchange.request.headers.accept ?? '';
  const first = accept.split(',').find((range) => /^\s*application\/json/.test(range)) ?? '';
  return /as=APIGroupDiscoveryList/.test(first) && /\bv=v2(?![a-z0-9])/.test(first);
}

function writeAggregated(exchange: Exchange, document: JsonObject): void {
  const text = JSON.stringify(document);
  const etag = `"${createHash('sha512').update(text).digest('hex').toUpperCase()}"`;
  const headers = { ETag: etag, Vary: 'Accept', 'Cache-Control': 'public' };
  if (exchange.request.headers['if-none-match'] === etag) {
    exchange.response.writeHead(304, headers);
    exchange.response.end();
    return;
  }
  writeJson(exchange, 200, text, { ...headers, 'Content-Type': AGGREGATED_TYPE });
}

/** Answers `/api`, `/apis`, `/apis/GROUP`, `/api/v1` and `/apis/GROUP/VERSION`; false for any other path. */
export function serveDiscovery(
  exchange: Exchange,
  catalogue: Catalogue,
  address: string,
  metrics: boolean,
): boolean {
  const parts = exchange.pathname.split('/').filter((part) => part !== '');
  const [root, first, second, ...more] = parts;
  if (more.length > 0) return false;
  if (root === 'api') {
    if (second !== undefined) return false;
    if (first === undefined) {
      const core = groupsOf(catalogue).get('') ?? new Map<string, ResourceKind[]>();
      if (wantsAggregated(exchange)) writeAggregated(exchange, aggregated([['', core]]));
      else {
        writeObject(exchange, 200, {
          kind: 'APIVersions',
          versions: [...core.keys()],
          serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
        });
      }
      return true;
    }
    return writeResources(exchange, catalogue, '', first);
  }
  if (root !== 'apis') return false;
  if (first === undefined) {
    const groups = [...groupsOf(catalogue)].filter(([group]) => group !== '');
    if (wantsAggregated(exchange)) {
      const document = aggregated(groups);
      if (metrics && Array.isArray(document.items)) document.items.push(METRICS_DISCOVERY);
      writeAggregated(exchange, document);
    } else {
      const documents = groups.map(([group, versions]) => groupDocument(group, versions));
      if (metrics) documents.push(groupDocument(METRICS_GROUP, new Map([[METRICS_VERSION, []]])));
      writeObject(exchange, 200, { kind: 'APIGroupList', apiVersion: 'v1', groups: documents });
    }
    return true;
  }
  if (second === undefined) {
    const versions = groupsOf(catalogue).get(first);
    if (versions === undefined) return false;
    writeObject(exchange, 200, { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(first, versions) });
    return true;
  }
  return writeResources(exchange, catalogue, first, second);
}

function writeResources(exchange: Exchange, catalogue: Catalogue, group: string, version: string): boolean {
  const list = resourceList(catalogue, group, version);
  if (list === undefined) return false;
  writeObject(exchange, 200, list);
  return true;
}
