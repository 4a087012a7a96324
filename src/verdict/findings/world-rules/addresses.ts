import { getString } from '../../../kernel/index.ts';
import { counted } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** TRA-09: an address that nobody has given. */
function loadBalancers(view: View): Draft[] {
  return view.kind('Service').flatMap((service): Draft[] => {
    const events = view
      .eventsOf('Service', service.name, service.namespace)
      .filter(({ reason }) =>
        /SyncLoadBalancerFailed|CreatingLoadBalancerFailed|UnAvailableLoadBalancer/.test(reason),
      );
    const pending =
      service.text('spec', 'type') === 'LoadBalancer' &&
      service.get('status', 'loadBalancer') !== undefined &&
      service.list('status', 'loadBalancer', 'ingress').length === 0;
    const begun = Date.parse(service.text('metadata', 'creationTimestamp') ?? '');
    const now = Date.parse(view.world.at ?? '');
    const age = service.ageMs ?? now - begun;
    const young = !Number.isNaN(age) && age < 300_000;
    if (!pending || (young && events.length === 0)) return [];
    return [
      {
        failure: 'TRA-09',
        id: 'address-pending',
        boundary: 'traffic',
        title: `the Service ${service.name} has no address: its load balancer is not ready`,
        confidence: events.length > 0 ? 0.95 : 0.78,
        why: [
          events.at(-1)?.message ??
            'Nobody has given it an address. A cluster without a controller for load balancers leaves it <pending> for ever.',
        ],
        claims: [
          view.about('traffic', service, 'EXTERNAL-IP', '<pending>', 'status', 'loadBalancer'),
          ...events.slice(-1).map((event) => view.ofEvent('traffic', event)),
        ],
        misleading: [['endpoints and pods are fine', 'nobody outside can reach them']],
        now: [
          'Read the events of the Service and the quota of the provider; see whether a controller serves its class.',
          `kubectl describe service ${service.name}${service.n}`,
        ],
        lasting: ['Count a release as landed for users only with an address that answers.'],
        verify: [`kubectl get service ${service.name}${service.n}`],
        space: service.namespace,
      },
    ];
  });
}

/** Local traffic policies and readiness gates: part of TRA-09. */
function gates(view: View): Draft[] {
  const stuck = view.pods.filter(
    (pod) =>
      pod.ready === false &&
      pod.containers.length > 0 &&
      pod.containers.every(({ ready }) => ready === true) &&
      pod.thing
        .list('status', 'conditions')
        .some((item) => getString(item, 'reason') === 'ReadinessGatesNotReady'),
  );
  const [pod] = stuck;
  if (pod === undefined) return [];
  return [
    {
      failure: 'TRA-09',
      id: 'readiness-gate-waits',
      boundary: 'traffic',
      title: `${pod.workload.name} waits for its load balancer: containers are ready, the readiness gate is not`,
      confidence: 0.93,
      why: [
        `${counted(stuck.length, 'pod')}: somebody outside has to say that the target is healthy, and has not.`,
      ],
      claims: stuck.map((item) =>
        view.about('traffic', item.thing, 'Ready', 'ReadinessGatesNotReady', 'status', 'conditions'),
      ),
      misleading: [['all containers are ready', 'the pod is not']],
      now: [
        'Look at the health of the targets at the load balancer, and at its controller.',
        `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.status.conditions}'`,
      ],
      lasting: ['Count the health of the load balancer into the proof.'],
      verify: [`kubectl get pods${pod.thing.n} -o wide`],
      space: pod.namespace,
    },
  ];
}

/** TRA-09: addresses and gates that others have to give. */
export const addressesRule: WorldRule = (view) => [...loadBalancers(view), ...gates(view)];
