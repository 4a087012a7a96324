import { getArray, getNumber, getObject, getString } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** The port that a probe asks, and whether the container declares it; undefined where that cannot be told. */
export function probePort(
  container: JsonObject,
  probe: JsonObject | undefined,
): { readonly port: string; readonly declared: boolean } | undefined {
  const asked =
    getObject(probe, 'httpGet')?.['port'] ??
    getObject(probe, 'tcpSocket')?.['port'] ??
    getObject(probe, 'grpc')?.['port'];
  if (typeof asked !== 'string' && typeof asked !== 'number') return undefined;
  const ports = getArray(container, 'ports');
  const declared = ports.some(
    (port) => getNumber(port, 'containerPort') === Number(asked) || getString(port, 'name') === asked,
  );
  return { port: String(asked), declared: declared || (ports.length === 0 && typeof asked === 'number') };
}

/** ROL-12: containers run and their readiness never comes. Early failures of a pod that is ready by now are history. */
export const readinessRule: WorldRule = (view) => {
  const waiting = view.pods.flatMap((pod) => {
    if (pod.ready !== false || pod.terminating || pod.phase === 'Succeeded' || pod.phase === 'Failed')
      return [];
    const container = pod.containers.find(
      ({ role, running, ready }) => role === 'main' && running && ready === false,
    );
    if (container === undefined || container.restarts > 0) return [];
    const event = view
      .eventsOf('Pod', pod.name, pod.namespace)
      .findLast(({ reason, message }) => reason === 'Unhealthy' && message.startsWith('Readiness probe'));
    const probe = getObject(container.spec, 'readinessProbe');
    const port = container.spec === undefined ? undefined : probePort(container.spec, probe);
    const wrong = port !== undefined && !port.declared;
    if (event === undefined && !wrong) return [];
    return [{ pod, container, event, port, wrong }];
  });
  const groups = groupBy(waiting, ({ pod }) => `${pod.namespace ?? ''}/${pod.workload.name}`);
  return [...groups.values()].flatMap((group): Draft[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { pod, container, event, port, wrong } = first;
    const begun = Date.parse(pod.created ?? '');
    const young = !Number.isNaN(begun) && Date.parse(view.world.at ?? '') - begun < 15_000;
    return [
      {
        failure: 'ROL-12',
        id: 'readiness-failing',
        boundary: 'health',
        title: wrong
          ? `the readiness probe of ${pod.workload.name} asks port ${port?.port ?? ''}, which the container does not declare`
          : `${pod.workload.name} runs, and its readiness probe never passes`,
        confidence: young ? 0.6 : 0.93,
        why: [
          `${counted(group.length, 'pod')} run${group.length === 1 ? 's' : ''} and ${group.length === 1 ? 'is' : 'are'} not ready, without a restart${event === undefined ? '.' : `: ${quote(event.message)}`}`,
          'A pod that is not ready gets no traffic. Either the probe asks the wrong port, path or scheme, or the program waits for something.',
        ],
        claims: group.flatMap((item) => [
          view.ofContainer('health', item.pod, item.container),
          ...(item.event === undefined ? [] : [view.ofEvent('health', item.event)]),
          ...(item.wrong
            ? [
                view.about(
                  'health',
                  item.pod.thing,
                  'readinessProbe port',
                  item.port?.port ?? '',
                  ...item.container.specPath,
                  'readinessProbe',
                ),
              ]
            : []),
        ]),
        misleading: [['Running, 0 restarts, a log without errors', 'running is not ready']],
        now: [
          'Ask the same port and path from inside, and correct the probe or the program.',
          `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.spec.containers[*].readinessProbe}'`,
          `kubectl logs ${pod.name}${pod.thing.n}${container.name === '' ? '' : ` -c ${container.name}`}`,
        ],
        lasting: ['Check that probes ask declared ports (landfall check), and run the probe in CI.'],
        verify: [`kubectl get pods${pod.thing.n} -w`],
        can: 'rollback',
        space: pod.namespace,
      },
    ];
  });
};

/** Paths that answer as soon as a server listens. */
function shallow(probe: JsonObject | undefined): boolean {
  return probe !== undefined && getObject(probe, 'tcpSocket') !== undefined;
}

/** HEA-02: Ready means only that a process was started. A habit; it breaks nothing by itself. */
export const shallowProbeRule: WorldRule = (view) =>
  containersWithService(view).flatMap(({ thing, container, path }) => {
    const probe = getObject(container, 'readinessProbe');
    if (probe !== undefined && !shallow(probe)) return [];
    const name = getString(container, 'name') ?? '';
    return [
      {
        failure: 'HEA-02',
        id: probe === undefined ? 'readiness-missing' : 'readiness-shallow',
        boundary: 'health' as const,
        kind: 'risk' as const,
        title:
          probe === undefined
            ? `${thing.id} ${name} has no readiness probe: Ready means only that it was started`
            : `${thing.id} ${name} is ready as soon as its port is open`,
        confidence: 0.9,
        why: [
          'A Service sends users to a pod as soon as it is ready. Without a probe that asks the program, that is before it can answer.',
        ],
        claims: [
          view.about(
            'health',
            thing,
            'readinessProbe',
            probe === undefined ? 'none' : 'tcpSocket',
            ...path,
            ...(probe === undefined ? ['name'] : ['readinessProbe']),
          ),
        ],
        misleading: [
          ['1/1 Running, 0 restarts', 'the process exists; nobody has asked it anything'] as const,
        ],
        now: ['Add a readinessProbe that asks what users need, in Git.'] as const,
        lasting: [
          'A readiness probe for everything behind a Service, and one real request after each release.',
        ] as const,
        verify: [
          `kubectl get ${thing.ref}${thing.n} -o jsonpath='{.spec.template.spec.containers[*].readinessProbe}'`,
        ],
        can: 'commit' as const,
        space: thing.namespace,
      },
    ];
  });

/** First containers of workloads that a Service selects, where the whole object is shown. */
function containersWithService(view: View) {
  const services = view.declared('Service');
  return view.declared('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing) => {
    if (!thing.whole) return [];
    const labels = thing.map('spec', 'template', 'metadata', 'labels') ?? {};
    const served = services.some((service) => {
      const selector = Object.entries(service.map('spec', 'selector') ?? {});
      return (
        (service.namespace === undefined ||
          thing.namespace === undefined ||
          service.namespace === thing.namespace) &&
        selector.length > 0 &&
        selector.every(([key, value]) => labels[key] === value)
      );
    });
    if (!served) return [];
    const [container] = thing.list('spec', 'template', 'spec', 'containers');
    return container === undefined
      ? []
      : [{ thing, container, path: ['spec', 'template', 'spec', 'containers', 0] as const }];
  });
}
