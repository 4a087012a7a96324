import type { BoundaryName } from '../src/boundaries/index.ts';
import { parseYamlDocuments, yamlToJson } from '../src/kernel/index.ts';
import type { KubeObject } from '../src/kube/index.ts';

/** A failure that an embedded cluster brings about by itself, from these objects. */
export interface LiveCase {
  readonly failure: string;
  /** Of its namespaces. */
  readonly name: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  /** Metadata of the broken namespace. */
  readonly before?: { readonly labels: Readonly<Record<string, string>> };
  readonly objects: (broken: boolean) => readonly KubeObject[];
}

function parse(yaml: string): readonly KubeObject[] {
  return parseYamlDocuments(yaml, { source: 'case' }).map(
    (document) => yamlToJson(document) as unknown as KubeObject,
  );
}

interface Shape {
  readonly image?: string;
  readonly mode?: string;
  readonly container?: string;
  readonly pod?: string;
}

function api({
  image = 'registry.corp.io/api:1.0.0',
  mode = 'web',
  container = '',
  pod = '',
}: Shape): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 1
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      ${pod}
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: "${image}"
          ports: [{name: http, containerPort: 8080}]
          env: [{name: MODE, value: ${mode}}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
          ${container}
`;
}

const one = (
  failure: string,
  name: string,
  id: string,
  boundary: BoundaryName,
  shape: Shape,
  extra = '',
): LiveCase => ({
  failure,
  name,
  id,
  boundary,
  objects: (broken) => parse(`${broken ? extra : ''}${api(broken ? shape : {})}`),
});

const service = (selector: string, port: string) => `
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: ${selector}}, ports: [{port: 80, targetPort: ${port}}]}
`;

export const LIVE: readonly LiveCase[] = [
  one('PIP-04', 'no-image', 'image-missing', 'artifact', { image: 'registry.corp.io/api:9.9.9' }),
  one('PIP-13', 'bad-name', 'image-name-invalid', 'render', { image: 'registry.corp.io/api:' }),
  one('PIP-13', 'never', 'image-never-pulled', 'health', {
    image: 'registry.corp.io/other:1',
    container: 'imagePullPolicy: Never',
  }),
  one('ROL-07', 'no-config', 'configuration-missing', 'health', {
    container: 'envFrom: [{configMapRef: {name: gone}}]',
  }),
  one('ROL-09', 'crash', 'crash-loop', 'health', { mode: 'exit' }),
  one('ROL-12', 'never-ready', 'readiness-failing', 'health', { mode: 'never' }),
  one('ROL-13', 'killed', 'killed-by-probe', 'health', {
    mode: 'ill',
    container: 'livenessProbe: {httpGet: {path: /live, port: 8080}, periodSeconds: 1, failureThreshold: 1}',
  }),
  one('ROL-01', 'too-big', 'unschedulable-resources', 'health', {
    container: 'resources: {requests: {cpu: "900"}}',
  }),
  one('ROL-02', 'no-node', 'unschedulable-placement', 'health', { pod: 'nodeSelector: {disk: fast}' }),
  one(
    'LIV-01',
    'quota',
    'quota-exceeded',
    'health',
    { container: 'resources: {requests: {cpu: "2"}}' },
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: compute}\nspec: {hard: {requests.cpu: "1"}}\n---',
  ),
  one(
    'LIV-02',
    'undeclared',
    'resources-undeclared',
    'health',
    {},
    'apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: compute}\nspec: {hard: {limits.cpu: "1"}}\n---',
  ),
  one('LIV-04', 'no-account', 'service-account-missing', 'health', { pod: 'serviceAccountName: runner' }),
  {
    failure: 'TRA-01',
    name: 'selector',
    id: 'service-selects-nothing',
    boundary: 'traffic',
    objects: (broken) => parse(`${api({})}${service(broken ? 'apii' : 'api', '8080')}`),
  },
  {
    failure: 'TRA-02',
    name: 'port',
    id: 'service-port-wrong',
    boundary: 'traffic',
    objects: (broken) => parse(`${api({})}${service('api', broken ? 'web' : 'http')}`),
  },
];
