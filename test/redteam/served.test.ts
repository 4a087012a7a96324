import { scenarios } from './scenarios.ts';

// Several versions of one program in one application: users get one of them.

const OLD = 'registry.corp.io/app:1.0.0';
const NEW = 'registry.corp.io/app:1.1.0';

const version = (name: string, image: string, container = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  selector: {matchLabels: {app: web, color: ${name}}}
  template:
    metadata: {labels: {app: web, color: ${name}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: main
          image: "${image}"
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 1}
          ${container}
---
`;

const service = (name: string, selector: string) => `apiVersion: v1
kind: Service
metadata: {name: ${name}}
spec:
  ports: [{name: http, port: 80, targetPort: http}]
  selector: ${selector}
---
`;

const ingress = (to: string) => `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{host: shop.corp.io, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: ${to}, port: {number: 80}}}}]}}]}
---
`;

const both = version('blue', OLD) + version('green', NEW);
const byColor = (name: string, color: string) => service(name, `{app: web, color: ${color}}`);

scenarios(
  'a delivery of which users get another version',
  {
    'selects-blue': {
      says: 'blue serves, and green is the release',
      yaml: () => both + byColor('web', 'blue'),
      wanted: 'stopped at traffic: other-version-served',
    },
    'route-to-blue': {
      says: 'the Ingress leads to blue, and a Service beside it to green',
      yaml: () => both + byColor('web', 'blue') + byColor('web-next', 'green') + ingress('web'),
      wanted: 'stopped at traffic: other-version-served',
    },
    'preview-of-green': {
      says: 'one Service for each, and no route that tells which of them users come by',
      yaml: () => both + byColor('web', 'blue') + byColor('preview', 'green'),
      wanted: 'unproven at traffic: served-undecided',
    },
    'nobody-says-which': {
      says: 'two digests without an age',
      yaml: (w) => version('blue', w.images.old) + version('green', w.images.now) + byColor('web', 'blue'),
      wanted: 'unproven at traffic: served-undecided',
    },
    'another-task': {
      says: 'a newer version that may have another task',
      yaml: () =>
        version('blue', OLD) +
        version('green', NEW, 'env: [{name: ROLE, value: consumer}]') +
        byColor('web', 'blue'),
      wanted: 'unproven at traffic: served-undecided',
    },
  },
  {
    'selects-green': () => both + byColor('web', 'green'),
    'route-to-green': () => both + byColor('web', 'green') + byColor('web-before', 'blue') + ingress('web'),
    'both-behind-one': () => both + service('web', '{app: web}'),
    'preview-of-blue-scaled-down': () =>
      both.replace('spec:\n', 'spec:\n  replicas: 0\n') +
      byColor('web', 'green') +
      byColor('preview', 'blue'),
    'web-and-worker': () =>
      version('web', OLD) +
      version('worker', NEW, 'command: [node, /app/main.js]').replace(/ports: .*\n/, '\n') +
      byColor('web', 'web'),
    'other-task-without-ports': () =>
      version('web', OLD).replace(/ports: .*\n/, '\n') +
      version('worker', NEW, 'env: [{name: ROLE, value: consumer}]').replace(/ports: .*\n/, '\n') +
      byColor('web', 'web').replace('targetPort: http', 'targetPort: 8080'),
    'route-to-each': () =>
      both +
      byColor('web', 'green') +
      byColor('before', 'blue') +
      ingress('web') +
      ingress('before').replace('{name: web}', '{name: before}').replace('shop.', 'before.'),
    'no-service': () => both,
  },
);
