import { scenarios } from './scenarios.ts';
import type { Witness } from './witness.ts';

// Routes that Git does not know take users away.

const ingress = (name: string, to: string, more: { path?: string; annotations?: string } = {}) => `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ${name}
  annotations: {${more.annotations ?? ''}}
spec:
  rules:
    - host: shop.corp.io
      http: {paths: [{path: ${more.path ?? '/'}, pathType: Prefix, backend: {service: {name: ${to}, port: {number: 80}}}}]}
`;

const NGINX = 'nginx.ingress.kubernetes.io';
const canary = (weight: number) => `${NGINX}/canary: "true", ${NGINX}/canary-weight: "${weight}"`;

/** Somebody's own Deployment and Service. */
const another = (image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
spec:
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: other}}
    spec: {terminationGracePeriodSeconds: 1, containers: [{name: main, image: "${image}"}]}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: other}, ports: [{name: http, port: 80, targetPort: 8080}]}
`;

const shape = () => ({ more: ingress('web', 'web') });

/** Beside the application, somebody runs another image and leads requests somewhere. */
const beside = (route: string, image: (w: Witness) => string) => async (w: Witness, name: string) => {
  await w.apply(name, `${another(image(w))}---${route}`);
  await w.kubectl(name, 'wait', '--for=condition=Available', 'deployment/other', '--timeout=60s');
};

const old = (w: Witness) => w.images.old;
const now = (w: Witness) => w.images.now;

scenarios('a route beside a delivery', {
  'canary-of-old': {
    says: 'a canary by hand that sends a share to the release before',
    shape,
    happens: beside(ingress('canary', 'other', { annotations: canary(20) }), old),
    wanted: 'stopped at traffic: taken-away',
  },
  'same-path': {
    says: 'a second Ingress for the same host and path, to the release before',
    shape,
    happens: beside(ingress('second', 'other'), old),
    wanted: 'stopped at traffic: taken-away',
  },
  'canary-of-own-old': {
    says: 'a canary by hand to a version before that the application keeps standing by',
    shape: (w) => ({ more: `${another(w.images.old)}---${ingress('web', 'web')}` }),
    happens: (w, name) => w.apply(name, ingress('canary', 'other', { annotations: canary(20) })),
    wanted: 'stopped at traffic: taken-away',
  },
  'canary-of-same': {
    says: 'a canary that sends a share to pods of the same image that are not of the release',
    shape,
    happens: beside(ingress('canary', 'other', { annotations: canary(20) }), now),
    wanted: 'unproven at traffic: taken-away',
  },
  'canary-to-nothing': {
    says: 'a canary that sends a share to a Service that is not there',
    shape,
    happens: (w, name) => w.apply(name, ingress('canary', 'gone', { annotations: canary(20) })),
    wanted: 'unproven at traffic: taken-away',
  },
  'canary-at-rest': {
    says: 'a canary that gets nothing',
    shape,
    happens: beside(ingress('canary', 'other', { annotations: canary(0) }), old),
    wanted: 'landed',
  },
  'canary-to-own': {
    says: 'a canary that leads to the Service of the release',
    shape,
    happens: (w, name) => w.apply(name, ingress('canary', 'web', { annotations: canary(20) })),
    wanted: 'landed',
  },
  'another-path': {
    says: 'a path of its own, as a solver of certificates has one',
    shape,
    happens: beside(ingress('solver', 'other', { path: '/.well-known/acme-challenge/x' }), old),
    wanted: 'landed',
  },
});
