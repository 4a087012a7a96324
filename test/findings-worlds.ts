import type { ClaimSource } from '../src/boundaries/index.ts';
import { parseYamlDocuments, yamlToJson } from '../src/kernel/index.ts';
import type { JsonObject } from '../src/kernel/index.ts';
import type { EventFact, LogLine, World, WorldObject } from '../src/verdict/index.ts';

export const SOURCE: ClaimSource = { type: 'artifact', artifact: 'recorded', line: 1 };
const AT = '2026-03-01T12:00:00Z';

/** An object as a source shows it: all of it, unless `whole` says otherwise. */
export function object(yaml: string, whole = true): WorldObject[] {
  return parseYamlDocuments(yaml, { source: 'recorded' }).map((document) => {
    const value = yamlToJson(document) as JsonObject & {
      readonly apiVersion?: string;
      readonly kind: string;
      readonly metadata: { readonly name: string; readonly namespace?: string };
    };
    return {
      apiVersion: value.apiVersion,
      kind: value.kind,
      namespace: value.metadata.namespace ?? 'shop',
      name: value.metadata.name,
      value,
      whole,
      cite: () => SOURCE,
    };
  });
}

/** Objects as Git asks for them, in a namespace. */
export function asked(yaml: string, namespace: string): WorldObject[] {
  return object(yaml).map((one) => ({ ...one, namespace }));
}

export function event(
  about: string,
  reason: string,
  message: string,
  type: 'Normal' | 'Warning' = 'Warning',
): EventFact {
  const [kind = '', name = ''] = about.split('/');
  return {
    type,
    reason,
    message,
    object: `${kind}/shop/${name}`,
    count: 1,
    lastSeen: AT,
    ageMs: undefined,
    source: SOURCE,
  };
}

export function log(component: string, message: string, previous = false, level?: LogLine['level']): LogLine {
  return { component, time: AT, level, message, fields: {}, previous, source: SOURCE };
}

export function world(part: Partial<World>): World {
  return {
    live: [],
    desired: [],
    files: [],
    events: [],
    logs: [],
    samples: [],
    builds: [],
    commits: [],
    digests: [],
    engines: [],
    answers: [],
    unreadable: [],
    at: AT,
    ...part,
  };
}

export interface PodShape {
  readonly name?: string;
  readonly image?: string;
  readonly digest?: string;
  /** YAML of the container's state. */
  readonly state?: string;
  readonly last?: string;
  readonly ready?: boolean;
  readonly restarts?: number;
  readonly phase?: string;
  readonly node?: string;
  readonly conditions?: string;
  readonly spec?: string;
  readonly container?: string;
  readonly labels?: string;
  readonly status?: string;
  readonly created?: string;
  readonly metadata?: string;
}

/** A pod of the Deployment `api`, as the API server stores it. */
export function pod(shape: PodShape = {}): WorldObject[] {
  const ready = shape.ready ?? true;
  return object(`
apiVersion: v1
kind: Pod
metadata:
  name: ${shape.name ?? 'api-6b7f9a8d43-h2k4l'}
  namespace: shop
  creationTimestamp: "${shape.created ?? '2026-03-01T11:00:00Z'}"
  labels: {app: api, pod-template-hash: 6b7f9a8d43${shape.labels ?? ''}}
  ${shape.metadata ?? ''}
  ownerReferences: [{kind: ReplicaSet, name: api-6b7f9a8d43, controller: true, uid: u}]
spec:
  ${shape.node === '' ? '' : `nodeName: ${shape.node ?? 'node-1'}`}
  ${shape.spec ?? ''}
  containers:
    - {name: main, image: "${shape.image ?? 'registry.corp.io/api:1.0.0'}"${shape.container ?? ''}}
status:
  phase: ${shape.phase ?? (ready ? 'Running' : 'Pending')}
  ${shape.status ?? ''}
  conditions: ${shape.conditions ?? `[{type: Ready, status: "${ready ? 'True' : 'False'}"}]`}
  containerStatuses:
    - name: main
      image: "${shape.image ?? 'registry.corp.io/api:1.0.0'}"
      imageID: "${shape.digest === undefined ? '' : `registry.corp.io/api@${shape.digest}`}"
      ready: ${ready}
      restartCount: ${shape.restarts ?? 0}
      state: ${shape.state ?? '{running: {startedAt: "2026-03-01T11:00:01Z"}}'}
      lastState: ${shape.last ?? '{}'}
`);
}

export interface DeploymentShape {
  readonly name?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly ready?: number;
  readonly updated?: number;
  readonly total?: number;
  readonly spec?: string;
  readonly pod?: string;
  readonly container?: string;
  readonly conditions?: string;
  readonly generation?: number;
  readonly observed?: number;
  readonly metadata?: string;
  readonly labels?: string;
}

/** The Deployment `api`, all of its pods there unless the shape says otherwise. */
export function deployment(shape: DeploymentShape = {}): WorldObject[] {
  const replicas = shape.replicas ?? 1;
  const labels = shape.labels ?? '{app: api}';
  return object(`
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${shape.name ?? 'api'}
  namespace: shop
  generation: ${shape.generation ?? 2}
  ${shape.metadata ?? ''}
spec:
  replicas: ${replicas}
  ${shape.spec ?? ''}
  selector: {matchLabels: ${labels}}
  template:
    metadata: {labels: ${labels}}
    spec:
      ${shape.pod ?? ''}
      containers:
        - {name: main, image: "${shape.image ?? 'registry.corp.io/api:1.0.0'}", readinessProbe: {httpGet: {path: /ready, port: 8080}}, ports: [{name: http, containerPort: 8080}]${shape.container ?? ''}}
status:
  observedGeneration: ${shape.observed ?? shape.generation ?? 2}
  replicas: ${shape.total ?? replicas}
  updatedReplicas: ${shape.updated ?? replicas}
  readyReplicas: ${shape.ready ?? replicas}
  availableReplicas: ${shape.ready ?? replicas}
  conditions: ${shape.conditions ?? '[]'}
`);
}

/** The ReplicaSet of `api`, lacking pods or not. */
export function replicaSet(ready: number, replicas = 1): WorldObject[] {
  return object(`
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: api-6b7f9a8d43, namespace: shop, ownerReferences: [{kind: Deployment, name: api, controller: true}]}
spec: {replicas: ${replicas}}
status: {replicas: ${ready}, readyReplicas: ${ready}}
`);
}

export function service(selector: string, targetPort = '8080', rest = ''): WorldObject[] {
  return object(`
apiVersion: v1
kind: Service
metadata: {name: api, namespace: shop, creationTimestamp: "2026-03-01T10:00:00Z"}
spec: {selector: ${selector}, ports: [{port: 80, targetPort: ${targetPort}}]${rest}}
`);
}
