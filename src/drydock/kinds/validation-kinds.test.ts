import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manualClock, type JsonObject } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';
import { asKube } from './json-access.ts';

let api: ApiServer;
beforeAll(async () => {
  api = await createApi({ clock: manualClock() });
});
afterAll(() => api.close());

/** `[apiVersion] Kind resource`, with a namespace unless it begins with an exclamation mark. */
async function refusal(what: string, body: JsonObject): Promise<string> {
  const [apiVersion = '', kind = '', resource = ''] = what.replace('!', '').split(' ');
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  const metadata = what.startsWith('!') ? { name: 'x' } : { name: 'x', namespace: 'default' };
  const object = asKube({ apiVersion, kind, metadata, ...body });
  try {
    await api.create({ group, version, resource }, object, { fieldManager: 'test', dryRun: true });
    return 'accepted';
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^[^:]+ is invalid: /, '') : String(error);
  }
}

const POD = 'v1 Pod pods';
const ROLE = 'rbac.authorization.k8s.io/v1 Role roles';
const BINDING = 'rbac.authorization.k8s.io/v1 RoleBinding rolebindings';
const INGRESS = 'networking.k8s.io/v1 Ingress ingresses';
const POLICY = 'networking.k8s.io/v1 NetworkPolicy networkpolicies';
const QUOTA = 'v1 ResourceQuota resourcequotas';
const pod = (container: JsonObject, spec: JsonObject = {}) => ({
  spec: { containers: [{ name: 'c', image: 'i', ...container }], ...spec },
});
const backend = { service: { name: 's', port: { number: 80 } } };
const ingress = (rule: JsonObject, spec: JsonObject = {}) => ({
  spec: {
    rules: [{ http: { paths: [{ path: '/', pathType: 'Prefix', backend }] }, ...rule }],
    ...spec,
  },
});
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const job = { template: { spec: { ...template.spec, restartPolicy: 'Never' } } };

describe('kinds say what is wrong with them as the original does', () => {
  it.each<[string, JsonObject, string]>([
    [
      POD,
      pod({ env: [{ name: 'a=b' }] }),
      'spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ],
    [
      POD,
      pod({ ports: [{ containerPort: 80, name: 'HTTP' }] }),
      '[spec.containers[0].ports[0].name: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-), spec.containers[0].ports[0].name: Invalid value: "HTTP": must contain at least one letter (a-z)]',
    ],
    [
      POD,
      pod({ livenessProbe: { httpGet: { port: 0 } } }),
      'spec.containers[0].livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
    [
      POD,
      pod({ livenessProbe: { exec: {} } }),
      'spec.containers[0].livenessProbe.exec.command: Required value',
    ],
    [
      POD,
      pod({}, { restartPolicy: 'Sometimes' }),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      POD,
      pod({}, { tolerations: [{ key: 'k', operator: 'Has' }] }),
      'spec.tolerations[0].operator: Unsupported value: "Has": supported values: "Equal", "Exists"',
    ],
    [POD, pod({}, { terminationGracePeriodSeconds: -1 }), 'accepted'],
    [
      'apps/v1 Deployment deployments',
      {
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
        },
      },
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ],
    [
      'apps/v1 DaemonSet daemonsets',
      {
        spec: {
          selector: { matchLabels: { a: 'b' } },
          template,
          updateStrategy: { rollingUpdate: { maxUnavailable: 0 } },
        },
      },
      'spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0',
    ],
    [
      'apps/v1 StatefulSet statefulsets',
      { spec: { selector: { matchLabels: { a: 'b' } }, template, podManagementPolicy: 'Any' } },
      "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
    ],
    [
      'batch/v1 CronJob cronjobs',
      { spec: { schedule: '* * * * *', timeZone: 'Mars/Base', jobTemplate: { spec: job } } },
      'spec.timeZone: Invalid value: "Mars/Base": unknown time zone Mars/Base',
    ],
    [
      'batch/v1 CronJob cronjobs',
      { spec: { schedule: '* * * * *', jobTemplate: { spec: { template: { spec: template.spec } } } } },
      'spec.jobTemplate.spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"',
    ],
    [
      'v1 Service services',
      { spec: { ports: [{ port: 80 }], sessionAffinity: 'Cookie' } },
      'spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"',
    ],
    [
      'v1 Service services',
      { spec: { ports: [{ port: 80 }], clusterIP: '10.96.0' } },
      'spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ],
    [
      ROLE,
      { rules: [{ apiGroups: [''], resources: ['pods'] }] },
      'rules[0].verbs: Required value: verbs must contain at least one value',
    ],
    [
      ROLE,
      { rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }] },
      'rules[0].nonResourceURLs: Invalid value: []string{"/x"}: namespaced rules cannot apply to non-resource URLs',
    ],
    [
      '!rbac.authorization.k8s.io/v1 ClusterRole clusterroles',
      { rules: [{ verbs: ['get'] }] },
      '[rules[0].apiGroups: Required value: resource rules must supply at least one api group, rules[0].resources: Required value: resource rules must supply at least one resource]',
    ],
    [
      BINDING,
      { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'Robot', name: 'x' }] },
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
    ],
    [
      '!rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings',
      { roleRef: { kind: 'Role', name: 'r' }, subjects: [{ kind: 'ServiceAccount', name: 'x' }] },
      '[roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole", subjects[0].namespace: Required value]',
    ],
    [
      INGRESS,
      ingress({ host: '*bad' }),
      "spec.rules[0].host: Invalid value: \"*bad\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
    [
      INGRESS,
      ingress({ http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's' } } }] } }),
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
    [
      POLICY,
      { spec: { podSelector: {}, ingress: [{ from: [{}] }] } },
      'spec.ingress[0].from[0]: Required value: must specify a peer',
    ],
    [
      POLICY,
      { spec: { podSelector: {}, policyTypes: ['Sideways'] } },
      'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"',
    ],
    [
      QUOTA,
      { spec: { hard: { nope: '1' } } },
      '[spec.hard[nope]: Invalid value: "nope": must be a standard resource type or fully qualified, spec.hard[nope]: Invalid value: "nope": must be a standard resource for quota]',
    ],
    [
      QUOTA,
      { spec: { hard: { cpu: '1' }, scopes: ['BestEffort'] } },
      'spec.scopes: Invalid value: []core.ResourceQuotaScope{"BestEffort"}: unsupported scope applied to resource',
    ],
    [
      QUOTA,
      { spec: { hard: { pods: '1' }, scopes: ['Nope'] } },
      'spec.scopes: Invalid value: []core.ResourceQuotaScope{"Nope"}: unsupported scope',
    ],
    [
      'v1 LimitRange limitranges',
      { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } },
      '[spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1, spec.limits[0].defaultRequest[cpu]: Invalid value: "2": min value 2 is greater than default request value 1, spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1]',
    ],
    [
      '!v1 PersistentVolume persistentvolumes',
      { spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } } },
      'spec: Required value: must specify a volume type',
    ],
    ['!storage.k8s.io/v1 StorageClass storageclasses', {}, 'provisioner: Required value'],
    [
      '!scheduling.k8s.io/v1 PriorityClass priorityclasses',
      { value: 2_000_000_000 },
      'value: Forbidden: maximum allowed value of a user defined priority is 1000000000',
    ],
    [
      'coordination.k8s.io/v1 Lease leases',
      { spec: { leaseDurationSeconds: 0 } },
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    ],
    [
      'policy/v1 PodDisruptionBudget poddisruptionbudgets',
      { spec: { minAvailable: 'half' } },
      "spec.minAvailable: Invalid value: \"half\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
    [
      'autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers',
      { spec: { maxReplicas: 1, scaleTargetRef: { kind: 'Deployment', name: '' } } },
      'spec.scaleTargetRef.name: Required value',
    ],
  ])('%s %j', async (what, body, message) => expect(await refusal(what, body)).toBe(message));
});
