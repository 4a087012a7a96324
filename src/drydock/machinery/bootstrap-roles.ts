import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { SYSTEM_PRIORITY_CLASSES } from '../kinds/access-rules.ts';
import { asKube } from '../kinds/json-access.ts';
import { createDecoded } from './create.ts';
import type { Engine } from './engine.ts';
import { collectorRequest } from './garbage-collector.ts';

const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'delete', 'deletecollection', 'patch', 'update'];
const GROUP = 'rbac.authorization.k8s.io';

const VIEWED: readonly (readonly [group: string, resources: readonly string[]])[] = [
  [
    '',
    [
      'configmaps',
      'endpoints',
      'events',
      'limitranges',
      'namespaces',
      'persistentvolumeclaims',
      'pods',
      'pods/log',
      'pods/status',
      'replicationcontrollers',
      'resourcequotas',
      'serviceaccounts',
      'services',
    ],
  ],
  [
    'apps',
    [
      'controllerrevisions',
      'daemonsets',
      'deployments',
      'deployments/scale',
      'replicasets',
      'replicasets/scale',
      'statefulsets',
      'statefulsets/scale',
    ],
  ],
  ['autoscaling', ['horizontalpodautoscalers']],
  ['batch', ['cronjobs', 'jobs']],
  ['discovery.k8s.io', ['endpointslices']],
  ['networking.k8s.io', ['ingresses', 'networkpolicies']],
  ['policy', ['poddisruptionbudgets']],
];

function rules(verbs: readonly string[], more: readonly JsonObject[] = []): JsonObject[] {
  return [
    ...VIEWED.map(([group, resources]) => ({
      apiGroups: [group],
      resources: [...resources],
      verbs: [...verbs],
    })),
    ...more,
  ];
}

const EDIT_MORE: readonly JsonObject[] = [
  {
    apiGroups: [''],
    resources: ['secrets', 'pods/proxy', 'services/proxy', 'pods/exec', 'pods/portforward'],
    verbs: [...READ, ...WRITE],
  },
  { apiGroups: [''], resources: ['pods/eviction', 'serviceaccounts/token'], verbs: ['create'] },
];
const ADMIN_MORE: readonly JsonObject[] = [
  ...EDIT_MORE,
  { apiGroups: [GROUP], resources: ['roles', 'rolebindings'], verbs: [...READ, ...WRITE] },
  { apiGroups: ['authorization.k8s.io'], resources: ['localsubjectaccessreviews'], verbs: ['create'] },
];

const EVENTS = {
  apiGroups: ['', 'events.k8s.io'],
  resources: ['events'],
  verbs: ['create', 'patch', 'update'],
};
const HEALTH = ['/healthz', '/livez', '/readyz'];
const VERSION = ['/version', '/version/'];

/** Roles of the system that are bound by its users, as the original's rules. */
const SYSTEM: Readonly<Record<string, readonly JsonObject[]>> = {
  'system:auth-delegator': [
    { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
    { apiGroups: ['authorization.k8s.io'], resources: ['subjectaccessreviews'], verbs: ['create'] },
  ],
  'system:basic-user': [
    {
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      verbs: ['create'],
    },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
  ],
  'system:discovery': [
    {
      nonResourceURLs: [
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/openapi',
        '/openapi/*',
        ...HEALTH,
        ...VERSION,
      ],
      verbs: ['get'],
    },
  ],
  'system:kube-dns': [{ apiGroups: [''], resources: ['endpoints', 'services'], verbs: ['list', 'watch'] }],
  'system:monitoring': [
    {
      nonResourceURLs: [...HEALTH.flatMap((path) => [path, `${path}/*`]), '/metrics', '/metrics/slis'],
      verbs: ['get'],
    },
  ],
  'system:node-proxier': [
    { apiGroups: [''], resources: ['endpoints', 'services'], verbs: ['list', 'watch'] },
    { apiGroups: [''], resources: ['nodes'], verbs: READ },
    EVENTS,
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
  ],
  'system:persistent-volume-provisioner': [
    { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...READ, 'create', 'delete'] },
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: [...READ, 'update'] },
    { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: READ },
    { apiGroups: [''], resources: ['events'], verbs: ['watch'] },
    EVENTS,
  ],
  'system:public-info-viewer': [{ nonResourceURLs: [...HEALTH, ...VERSION], verbs: ['get'] }],
  'system:service-account-issuer-discovery': [
    {
      nonResourceURLs: ['/.well-known/openid-configuration', '/openid/v1/jwks'].flatMap((path) => [
        path,
        `${path}/`,
      ]),
      verbs: ['get'],
    },
  ],
  'system:volume-scheduler': [
    { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...READ, 'patch', 'update'] },
    { apiGroups: ['storage.k8s.io'], resources: ['storageclasses'], verbs: READ },
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: [...READ, 'patch', 'update'] },
  ],
};

function clusterRole(name: string, granted: readonly JsonObject[]): KubeObject {
  return asKube({
    apiVersion: `${GROUP}/v1`,
    kind: 'ClusterRole',
    metadata: {
      name,
      labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' },
      annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
    },
    rules: [...granted],
  });
}

/** The roles that people bind without defining them: cluster-admin, admin, edit and view. */
export async function createBootstrapRoles(engine: Engine): Promise<void> {
  const role = engine.catalogue.find(GROUP, 'v1', 'clusterroles');
  const binding = engine.catalogue.find(GROUP, 'v1', 'clusterrolebindings');
  if (role === undefined || binding === undefined) return;
  const roles = [
    clusterRole('cluster-admin', [
      { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
      { nonResourceURLs: ['*'], verbs: ['*'] },
    ]),
    clusterRole('admin', rules([...READ, ...WRITE], ADMIN_MORE)),
    clusterRole('edit', rules([...READ, ...WRITE], EDIT_MORE)),
    clusterRole('view', rules(READ)),
    ...Object.entries(SYSTEM).map(([name, granted]) => clusterRole(name, granted)),
  ];
  for (const object of roles) {
    if (engine.store.get(role.table, undefined, object.metadata.name) !== undefined) continue;
    await createDecoded(engine, collectorRequest(role, undefined), object);
  }
  if (engine.store.get(binding.table, undefined, 'cluster-admin') !== undefined) return;
  await createDecoded(
    engine,
    collectorRequest(binding, undefined),
    asKube({
      apiVersion: `${GROUP}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name: 'cluster-admin', labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults' } },
      roleRef: { apiGroup: GROUP, kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ kind: 'Group', apiGroup: GROUP, name: 'system:masters' }],
    }),
  );
}

/** The classes of what a cluster cannot do without. */
export async function createPriorityClasses(engine: Engine): Promise<void> {
  const kind = engine.catalogue.find('scheduling.k8s.io', 'v1', 'priorityclasses');
  if (kind === undefined) return;
  const place = {
    'system-cluster-critical': 'must run in the cluster, but can be moved to another node if necessary.',
    'system-node-critical': 'must not be moved from their current node.',
  };
  for (const [name, where] of Object.entries(place)) {
    if (engine.store.get(kind.table, undefined, name) !== undefined) continue;
    await createDecoded(
      engine,
      collectorRequest(kind, undefined),
      asKube({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name },
        value: SYSTEM_PRIORITY_CLASSES[name] ?? 0,
        description: `Used for system critical pods that ${where}`,
      }),
    );
  }
}
