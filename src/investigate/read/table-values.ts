import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { count, fields, pairsOf, shown } from './objects.ts';
import { podStatus, ratio } from './pod-status.ts';
import type { Cells } from './pod-status.ts';

function containers(cells: Cells): readonly JsonObject[] | undefined {
  const names = shown(cells['CONTAINERS'])?.split(',');
  const images = shown(cells['IMAGES'])?.split(',');
  return names?.map((name, index) => ({
    name,
    ...(images?.[index] === undefined ? {} : { image: images[index] }),
  }));
}

function template(cells: Cells): readonly (readonly [readonly string[], JsonValue | undefined])[] {
  const list = containers(cells);
  return [
    [['spec', 'template', 'spec', 'containers'], list === undefined ? undefined : [...list]],
    [['spec', 'selector', 'matchLabels'], pairsOf(cells['SELECTOR'])],
  ];
}

function ports(text: string | undefined): JsonValue[] | undefined {
  return shown(text)
    ?.split(',')
    .flatMap((part) => {
      const [, port, nodePort, protocol = 'TCP'] = /^(\d+)(?::(\d+))?(?:\/(\w+))?$/.exec(part.trim()) ?? [];
      return port === undefined
        ? []
        : [
            {
              port: Number(port),
              protocol,
              ...(nodePort === undefined ? {} : { nodePort: Number(nodePort) }),
            },
          ];
    });
}

function condition(type: string, status: string | undefined, message?: string): JsonValue[] | undefined {
  return shown(status) === undefined
    ? undefined
    : [{ type, status: status ?? '', ...(message === undefined ? {} : { message }) }];
}

/** At its upper bound, and still well above the target. */
function isCapped(cells: Cells): boolean {
  const most = count(cells['MAXPODS']);
  const load = /(?<now>\d+)%\/(?<target>\d+)%/.exec(cells['TARGETS'] ?? '')?.groups;
  return (
    most !== undefined &&
    most === count(cells['REPLICAS']) &&
    Number(load?.['now'] ?? 0) > 1.2 * Number(load?.['target'] ?? 0) &&
    load !== undefined
  );
}

/** How each kind's row reads, in the shape of its object. */
export const VALUES: Readonly<Record<string, (cells: Cells) => JsonObject>> = {
  Deployment: (cells) =>
    fields(
      [['spec', 'replicas'], ratio(cells['READY'])?.[1] ?? count(cells['DESIRED'])],
      [['status', 'readyReplicas'], ratio(cells['READY'])?.[0]],
      [['status', 'updatedReplicas'], count(cells['UP-TO-DATE'])],
      [['status', 'availableReplicas'], count(cells['AVAILABLE'])],
      ...template(cells),
    ),
  StatefulSet: (cells) =>
    fields(
      [['spec', 'replicas'], ratio(cells['READY'])?.[1]],
      [['status', 'readyReplicas'], ratio(cells['READY'])?.[0]],
      ...template(cells),
    ),
  ReplicaSet: (cells) =>
    fields(
      [['spec', 'replicas'], count(cells['DESIRED'])],
      [['status', 'replicas'], count(cells['CURRENT'])],
      [['status', 'readyReplicas'], count(cells['READY'])],
      ...template(cells),
    ),
  DaemonSet: (cells) =>
    fields(
      [['status', 'desiredNumberScheduled'], count(cells['DESIRED'])],
      [['status', 'currentNumberScheduled'], count(cells['CURRENT'])],
      [['status', 'numberReady'], count(cells['READY'])],
      [['status', 'updatedNumberScheduled'], count(cells['UP-TO-DATE'])],
      [['status', 'numberAvailable'], count(cells['AVAILABLE'])],
      [['spec', 'template', 'spec', 'nodeSelector'], pairsOf(cells['NODE SELECTOR'])],
      ...template(cells),
    ),
  Rollout: (cells) =>
    fields(
      [['spec', 'replicas'], count(cells['DESIRED'])],
      [['status', 'replicas'], count(cells['CURRENT'])],
      [['status', 'updatedReplicas'], count(cells['UP-TO-DATE'])],
      [['status', 'availableReplicas'], count(cells['AVAILABLE'])],
    ),
  Pod: (cells) =>
    fields(
      [['status'], podStatus(cells)],
      [['spec', 'nodeName'], shown(cells['NODE'])],
      [['metadata', 'labels'], pairsOf(cells['LABELS'])],
      [
        ['metadata', 'deletionTimestamp'],
        cells['STATUS'] === 'Terminating' ? 'shown as Terminating' : undefined,
      ],
    ),
  Service: (cells) =>
    fields(
      [['spec', 'type'], shown(cells['TYPE'])],
      [['spec', 'clusterIP'], shown(cells['CLUSTER-IP'])],
      [['spec', 'ports'], ports(cells['PORT(S)'])],
      [['spec', 'selector'], pairsOf(cells['SELECTOR'])],
      [
        ['status', 'loadBalancer'],
        cells['TYPE'] === 'LoadBalancer'
          ? shown(cells['EXTERNAL-IP']) === undefined
            ? {}
            : { ingress: [{ ip: cells['EXTERNAL-IP'] ?? '' }] }
          : undefined,
      ],
    ),
  Endpoints: (cells) => {
    const addresses = shown(cells['ENDPOINTS'])?.split(',') ?? [];
    return {
      subsets:
        addresses.length === 0
          ? []
          : [{ addresses: addresses.map((address) => ({ ip: address.replace(/:\d+$/, '') })) }],
    };
  },
  EndpointSlice: (cells) => {
    const addresses = shown(cells['ENDPOINTS'])?.split(',') ?? [];
    return { endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })) };
  },
  HorizontalPodAutoscaler: (cells) =>
    fields(
      [['spec', 'scaleTargetRef'], targetOf(cells['REFERENCE'])],
      [['spec', 'minReplicas'], count(cells['MINPODS'])],
      [['spec', 'maxReplicas'], count(cells['MAXPODS'])],
      [['status', 'currentReplicas'], count(cells['REPLICAS'])],
      [
        ['status', 'conditions'],
        /<unknown>/.test(cells['TARGETS'] ?? '')
          ? [
              {
                type: 'ScalingActive',
                status: 'False',
                reason: 'FailedGetResourceMetric',
                message: `TARGETS ${cells['TARGETS'] ?? ''}`,
              },
            ]
          : isCapped(cells)
            ? [
                {
                  type: 'ScalingLimited',
                  status: 'True',
                  reason: 'TooManyReplicas',
                  message: `TARGETS ${cells['TARGETS'] ?? ''} with all ${cells['MAXPODS'] ?? ''} replicas`,
                },
              ]
            : undefined,
      ],
    ),
  PodDisruptionBudget: (cells) =>
    fields(
      [
        ['spec', 'minAvailable'],
        shown(cells['MIN AVAILABLE']) === 'N/A'
          ? undefined
          : (count(cells['MIN AVAILABLE']) ?? shown(cells['MIN AVAILABLE'])),
      ],
      [
        ['spec', 'maxUnavailable'],
        shown(cells['MAX UNAVAILABLE']) === 'N/A'
          ? undefined
          : (count(cells['MAX UNAVAILABLE']) ?? shown(cells['MAX UNAVAILABLE'])),
      ],
      [['status', 'disruptionsAllowed'], count(cells['ALLOWED DISRUPTIONS'])],
    ),
  Ingress: (cells) =>
    fields(
      [['spec', 'ingressClassName'], shown(cells['CLASS'])],
      [
        ['spec', 'rules'],
        shown(cells['HOSTS'])
          ?.split(',')
          .map((host) => ({ host })),
      ],
      [
        ['status', 'loadBalancer'],
        shown(cells['ADDRESS']) === undefined ? {} : { ingress: [{ ip: cells['ADDRESS'] ?? '' }] },
      ],
    ),
  NetworkPolicy: (cells) => {
    const selector = pairsOf(cells['POD-SELECTOR']);
    const all = /^<none>$/.test(cells['POD-SELECTOR'] ?? '');
    return fields([['spec', 'podSelector'], all ? {} : selector]);
  },
  PersistentVolumeClaim: (cells) =>
    fields(
      [['status', 'phase'], shown(cells['STATUS'])],
      [['spec', 'volumeName'], shown(cells['VOLUME'])],
      [['spec', 'storageClassName'], shown(cells['STORAGECLASS'])],
    ),
  Job: (cells) =>
    fields(
      [['status', 'succeeded'], ratio(cells['COMPLETIONS'])?.[0]],
      [['spec', 'completions'], ratio(cells['COMPLETIONS'])?.[1]],
      [
        ['status', 'conditions'],
        condition(cells['STATUS'] ?? '', shown(cells['STATUS']) === undefined ? undefined : 'True'),
      ],
    ),
  CronJob: (cells) =>
    fields(
      [['spec', 'schedule'], shown(cells['SCHEDULE'])],
      [['spec', 'suspend'], shown(cells['SUSPEND']) === undefined ? undefined : cells['SUSPEND'] === 'True'],
    ),
  Node: (cells) =>
    fields(
      [
        ['status', 'conditions'],
        condition(
          'Ready',
          shown(cells['STATUS']) === undefined
            ? undefined
            : cells['STATUS']?.startsWith('Ready') === true
              ? 'True'
              : 'False',
        ),
      ],
      [
        ['spec', 'unschedulable'],
        cells['STATUS']?.includes('SchedulingDisabled') === true ? true : undefined,
      ],
    ),
  Namespace: (cells) => fields([['status', 'phase'], shown(cells['STATUS'])]),
  Application: (cells) =>
    fields(
      [['status', 'sync', 'status'], shown(cells['SYNC STATUS'])],
      [['status', 'health', 'status'], shown(cells['HEALTH STATUS'])],
      [['status', 'sync', 'revision'], shown(cells['REVISION'])],
    ),
  ConfigMap: () => ({}),
  SealedSecret: (cells) =>
    fields([['status', 'conditions'], condition('Synced', cells['SYNCED'], shown(cells['STATUS']))]),
  Gateway: (cells) =>
    fields(
      [['spec', 'gatewayClassName'], shown(cells['CLASS'])],
      [['status', 'conditions'], condition('Programmed', cells['PROGRAMMED'])],
    ),
  Secret: (cells) => fields([['type'], shown(cells['TYPE'])]),
};

function targetOf(text: string | undefined): JsonObject | undefined {
  const [kind, name] = (shown(text) ?? '').split('/');
  return kind === undefined || name === undefined ? undefined : { kind, name };
}

/** Custom resources print what their definition says: READY, STATUS and MESSAGE or REASON are a condition. */
export function customValue(cells: Cells): JsonObject {
  const reason = shown(cells['STATUS'] ?? cells['MESSAGE'] ?? cells['REASON']);
  return fields(
    [['status', 'conditions'], condition('Ready', cells['READY'], reason)],
    [['spec', 'suspend'], cells['SUSPENDED'] === 'True' ? true : undefined],
    [['spec', 'url'], shown(cells['URL'])],
  );
}
