import type { BoundaryName } from '../src/boundaries/index.ts';
import type { LiveCase } from './findings-live-stage.ts';

export interface Shape {
  readonly image?: string;
  readonly mode?: string;
  readonly replicas?: number;
  /** More of the container, of the pod, of the Deployment, of the pod's labels. */
  readonly container?: string;
  readonly pod?: string;
  readonly spec?: string;
  readonly labels?: string;
  readonly probe?: string;
}

/** The Deployment `api`, as most cases vary it. */
export function api({
  image = 'registry.corp.io/api:1.0.0',
  mode = 'web',
  replicas = 1,
  container = '',
  pod = '',
  spec = '',
  labels = '',
  probe = 'readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}',
}: Shape): string {
  return `
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: ${replicas}
  ${spec}
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api${labels}}}
    spec:
      ${pod}
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: "${image}"
          ports: [{name: http, containerPort: 8080}]
          env: [{name: MODE, value: ${mode}}]
          ${probe}
          ${container}
`;
}

/** A Deployment that fails by its shape alone, beside the one that does not. */
export function one(
  failure: string,
  name: string,
  id: string,
  boundary: BoundaryName,
  shape: Shape,
  extra = '',
): LiveCase {
  return {
    failure,
    name,
    id,
    boundary,
    objects: (broken) => `${broken ? extra : ''}${api(broken ? shape : {})}`,
  };
}

export function service(selector: string, port: string): string {
  return `
---
apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: ${selector}}, ports: [{port: 80, targetPort: ${port}}]}
`;
}
