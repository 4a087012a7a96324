import { answer, engine, HEALTHY, healthy, failureCase } from './failure-case.ts';
import type { FailureCase } from './failure-case.ts';
import { deployment, log, object, pod, service, world } from '../findings-worlds.ts';

/** What keeps users from it. */
export const TRAFFIC: readonly FailureCase[] = [
  failureCase('TRA-01', 'service-selects-nothing', 'traffic', 'selector that no pod has', {
    broken: world({ live: [...deployment(), ...pod({}), ...service('{app: apii}')] }),
    twin: healthy,
  }),
  failureCase('TRA-02', 'service-port-wrong', 'traffic', 'port name that nobody has', {
    broken: world({ live: [...deployment(), ...pod({}), ...service('{app: api}', 'web')] }),
    twin: world({ live: [...deployment(), ...pod({}), ...service('{app: api}', 'http')] }),
  }),
  ...(['TRA-03', 'TRA-12'] as const).map((failure) => {
    const entry = (name: string, secret: string, host = '') => [
      ...service('{app: api}'),
      ...object(
        `{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: api, namespace: shop}, spec: {ingressClassName: ${name}${host}, tls: [{secretName: ${secret}}], rules: [{host: a.example, http: {paths: [{path: /, backend: {service: {name: api, port: {number: 80}}}}]}}]}}`,
      ),
      ...object('{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: nginx}}'),
      ...object('{apiVersion: v1, kind: Secret, metadata: {name: tls, namespace: shop}}'),
    ];
    const live = [...deployment(), ...pod({})];
    return failure === 'TRA-03'
      ? failureCase(failure, 'ingress-class-missing', 'traffic', 'class that does not exist', {
          broken: world({ live: [...live, ...entry('traefik', 'tls')] }),
          twin: world({ live: [...live, ...entry('nginx', 'tls')] }),
        })
      : failureCase(failure, 'tls-secret-missing', 'traffic', 'TLS Secret missing', {
          broken: world({ live: [...live, ...entry('nginx', 'gone')] }),
          twin: world({ live: [...live, ...entry('nginx', 'tls')] }),
        });
  }),
  failureCase('TRA-04', 'proxy-keeps-old-configuration', 'traffic', 'reload failed', {
    broken: world({
      ...HEALTHY,
      logs: [
        log(
          'ingress-nginx-controller',
          'Unexpected failure reloading the backend: exit status 1, nginx: configuration file /tmp/nginx.conf test failed',
          false,
          'error',
        ),
      ],
    }),
    twin: world({
      ...HEALTHY,
      logs: [log('ingress-nginx-controller', 'Backend successfully reloaded', false, 'info')],
    }),
  }),
  failureCase('TRA-05', 'route-not-attached', 'traffic', 'backend of the route missing', {
    broken: world({
      live: object(
        '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api, namespace: shop}, spec: {parentRefs: [{name: gw}]}, status: {parents: [{parentRef: {name: gw}, conditions: [{type: Accepted, status: "True", reason: Accepted}, {type: ResolvedRefs, status: "False", reason: BackendNotFound, message: "service shop/apii not found"}]}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: api, namespace: shop}, spec: {parentRefs: [{name: gw}]}, status: {parents: [{parentRef: {name: gw}, conditions: [{type: Accepted, status: "True", reason: Accepted}, {type: ResolvedRefs, status: "True", reason: ResolvedRefs}]}]}}',
      ),
    }),
  }),
  failureCase('TRA-06', 'policy-blocks', 'traffic', 'RBAC of the mesh', {
    broken: world({
      ...HEALTHY,
      answers: [answer('curl http://api', 'HTTP/1.1 403 Forbidden\n\nRBAC: access denied')],
    }),
    twin: world({ ...HEALTHY, answers: [answer('curl http://api', 'HTTP/1.1 200 OK', true)] }),
  }),
  failureCase('TRA-07', 'rollout-waits-for-promotion', 'rollout', 'paused at a step', {
    broken: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Paused, pauseConditions: [{reason: CanaryPauseStep}]}}',
      ),
    }),
    twin: world({
      live: object(
        '{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: api, namespace: shop}, spec: {replicas: 3}, status: {phase: Healthy}}',
      ),
    }),
  }),
  failureCase('TRA-08', 'errors-during-switch', 'traffic', 'upstream gone', {
    broken: world({
      ...HEALTHY,
      logs: [
        log(
          'nginx',
          'connect() failed (111: Connection refused) while connecting to upstream',
          false,
          'error',
        ),
      ],
    }),
    twin: healthy,
  }),
  failureCase('TRA-09', 'address-pending', 'traffic', 'no address', {
    broken: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop, creationTimestamp: "2026-03-01T10:00:00Z"}, spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}, status: {loadBalancer: {}}}',
        ),
      ],
    }),
    twin: world({
      live: [
        ...deployment(),
        ...pod({}),
        ...object(
          '{apiVersion: v1, kind: Service, metadata: {name: api, namespace: shop}, spec: {type: LoadBalancer, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}}',
        ),
      ],
    }),
  }),
  failureCase('TRA-10', 'dns-wrong', 'traffic', 'NXDOMAIN', {
    broken: world({
      ...HEALTHY,
      answers: [answer('nslookup api.example', "** server can't find api.example: NXDOMAIN")],
    }),
    twin: world({ ...HEALTHY, answers: [answer('nslookup api.example', 'Address: 192.0.2.1', true)] }),
  }),
  failureCase('TRA-11', 'edge-serves-old-build', 'traffic', 'cache hit at the edge', {
    broken: world({
      ...HEALTHY,
      answers: [answer('curl -I https://www.example', 'HTTP/2 200\ncf-cache-status: HIT\nage: 86400', true)],
    }),
    twin: world({
      ...HEALTHY,
      answers: [answer('curl -I https://www.example', 'HTTP/2 200\ncf-cache-status: MISS', true)],
    }),
  }),
  failureCase('TRA-13', 'fleet-mixed', 'sync', 'one cluster behind', {
    broken: world({
      engines: [
        engine({ application: 'a', destination: 'east', sync: 'Synced', revision: 'aaaaaaaa' }),
        engine({ application: 'b', destination: 'west', sync: 'Synced', revision: 'bbbbbbbb' }),
      ],
    }),
    twin: world({
      engines: [
        engine({ application: 'a', destination: 'east', sync: 'Synced', revision: 'aaaaaaaa' }),
        engine({ application: 'b', destination: 'west', sync: 'Synced', revision: 'aaaaaaaa' }),
      ],
    }),
  }),
];
