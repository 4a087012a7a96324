import { rulesFor } from './rules.ts';
import { eventConversion } from './events.ts';
import { autoscalingConversion } from './autoscaling.ts';
import { ALL_VERBS, type ResourceKind, type ScalePaths } from './kind.ts';

/**
 * `resource Kind [short,names] flags`: `n` namespaced, `s` status subresource, `g` generation, `x` scale,
 * `a` in category `all`, `c` create only (reviews), `r` read only. The type is the kind's name in the table.
 */
const CORE = `
bindings Binding - nc
componentstatuses ComponentStatus cs r
configmaps ConfigMap cm n
endpoints Endpoints ep n
events Event ev n
limitranges LimitRange limits n
namespaces Namespace ns s
nodes Node no s
persistentvolumeclaims PersistentVolumeClaim pvc ns
persistentvolumes PersistentVolume pv s
pods Pod po nsa
podtemplates PodTemplate - n
replicationcontrollers ReplicationController rc nsgxa
resourcequotas ResourceQuota quota ns
secrets Secret - n
serviceaccounts ServiceAccount sa n
services Service svc nsa
`;
const APPS = `
controllerrevisions ControllerRevision - n
daemonsets DaemonSet ds nsga
deployments Deployment deploy nsgxa
replicasets ReplicaSet rs nsgxa
statefulsets StatefulSet sts nsgxa
`;

const GROUPS: readonly (readonly [group: string, version: string, table: string, kinds: string])[] = [
  ['', 'v1', 'core', CORE],
  [
    'admissionregistration.k8s.io',
    'v1',
    'admission',
    `
mutatingwebhookconfigurations MutatingWebhookConfiguration - g
validatingadmissionpolicies ValidatingAdmissionPolicy - gs
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding - g
validatingwebhookconfigurations ValidatingWebhookConfiguration - g
`,
  ],
  [
    'apiextensions.k8s.io',
    'v1',
    'apiextensions',
    'customresourcedefinitions CustomResourceDefinition crd,crds sg',
  ],
  ['apiregistration.k8s.io', 'v1', 'apiregistration', 'apiservices APIService - s'],
  ['apps', 'v1', 'apps', APPS],
  [
    'authentication.k8s.io',
    'v1',
    'authentication',
    `
selfsubjectreviews SelfSubjectReview - c
tokenreviews TokenReview - c
`,
  ],
  [
    'authorization.k8s.io',
    'v1',
    'authorization',
    `
localsubjectaccessreviews LocalSubjectAccessReview - nc
selfsubjectaccessreviews SelfSubjectAccessReview - c
selfsubjectrulesreviews SelfSubjectRulesReview - c
subjectaccessreviews SubjectAccessReview - c
`,
  ],
  ['autoscaling', 'v2', 'autoscaling2', 'horizontalpodautoscalers HorizontalPodAutoscaler hpa nsa'],
  ['autoscaling', 'v1', 'autoscaling', 'horizontalpodautoscalers HorizontalPodAutoscaler hpa nsa'],
  [
    'batch',
    'v1',
    'batch',
    `
cronjobs CronJob cj nsga
jobs Job - nsga
`,
  ],
  ['certificates.k8s.io', 'v1', 'certificates', 'certificatesigningrequests CertificateSigningRequest csr s'],
  ['coordination.k8s.io', 'v1', 'coordination', 'leases Lease - n'],
  ['discovery.k8s.io', 'v1', 'discovery', 'endpointslices EndpointSlice - ng'],
  ['events.k8s.io', 'v1', 'events', 'events Event ev n'],
  [
    'flowcontrol.apiserver.k8s.io',
    'v1',
    'flowcontrol',
    `
flowschemas FlowSchema - sg
prioritylevelconfigurations PriorityLevelConfiguration - sg
`,
  ],
  [
    'networking.k8s.io',
    'v1',
    'networking',
    `
ingressclasses IngressClass - g
ingresses Ingress ing nsg
networkpolicies NetworkPolicy netpol ng
`,
  ],
  ['node.k8s.io', 'v1', 'node', 'runtimeclasses RuntimeClass - -'],
  ['policy', 'v1', 'policy', 'poddisruptionbudgets PodDisruptionBudget pdb nsg'],
  [
    'rbac.authorization.k8s.io',
    'v1',
    'rbac',
    `
clusterrolebindings ClusterRoleBinding - -
clusterroles ClusterRole - -
rolebindings RoleBinding - n
roles Role - n
`,
  ],
  ['scheduling.k8s.io', 'v1', 'scheduling', 'priorityclasses PriorityClass pc g'],
  [
    'storage.k8s.io',
    'v1',
    'storage',
    `
csidrivers CSIDriver - -
csinodes CSINode - -
csistoragecapacities CSIStorageCapacity - n
storageclasses StorageClass sc -
volumeattachments VolumeAttachment - s
`,
  ],
];

const EXTENSION_GROUPS = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
]);

const SCALE: ScalePaths = {
  specReplicas: ['spec', 'replicas'],
  statusReplicas: ['status', 'replicas'],
  selector: ['spec', 'selector'],
};

function conversionOf(group: string, version: string, kind: string): ResourceKind['convert'] {
  if (group === 'events.k8s.io') return eventConversion;
  if (group === 'autoscaling' && version === 'v1' && kind === 'HorizontalPodAutoscaler') {
    return autoscalingConversion;
  }
  return undefined;
}

/** The table that holds the objects: the one of events is shared by both groups. */
function tableOf(group: string, resource: string): string {
  return group === 'events.k8s.io' ? '/events' : `${group}/${resource}`;
}

function readKind(group: string, version: string, table: string, line: string): ResourceKind {
  const [resource = '', kind = '', shorts = '-', flags = ''] = line.split(' ');
  const convert = conversionOf(group, version, kind);
  return {
    group,
    version,
    kind,
    resource,
    singular: kind.toLowerCase(),
    shortNames: shorts === '-' ? [] : shorts.split(','),
    categories: flags.includes('a') ? ['all'] : EXTENSION_GROUPS.has(group) ? ['api-extensions'] : [],
    namespaced: flags.includes('n'),
    verbs: flags.includes('c') ? ['create'] : flags.includes('r') ? ['get', 'list'] : ALL_VERBS,
    typeId: `${table}.${kind}`,
    table: tableOf(group, resource),
    status: flags.includes('s'),
    scale: flags.includes('x') ? SCALE : undefined,
    generation: flags.includes('g'),
    rules: rulesFor(group, kind),
    ...(convert === undefined ? {} : { convert }),
  };
}

/** Every kind that is served without a CustomResourceDefinition, the preferred version of a group first. */
export function builtinKinds(): ResourceKind[] {
  return GROUPS.flatMap(([group, version, table, kinds]) =>
    kinds
      .trim()
      .split('\n')
      .map((line) => readKind(group, version, table, line)),
  );
}

/** The type of a built-in kind, for whoever meets it before it is known which resource it belongs to. */
export function builtinTypeId(apiVersion: string, kind: string): string | undefined {
  for (const [group, version, table, kinds] of GROUPS) {
    if ((group === '' ? version : `${group}/${version}`) !== apiVersion) continue;
    if (kinds.split('\n').some((line) => line.split(' ')[1] === kind)) return `${table}.${kind}`;
  }
  return undefined;
}
