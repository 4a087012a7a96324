import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
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
