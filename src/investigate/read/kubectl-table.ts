import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { EventFact, WorldObject } from '../../verdict/index.ts';
import type { Block } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, kindOf, namespaceOf, outputOf, parseCommand } from './command.ts';
import { ageMs, artifactSource, count, fields, pairsOf, partialObject, shown } from './objects.ts';
import { readTable } from './table.ts';
import type { Table, TableRow } from './table.ts';

type Cells = Readonly<Record<string, string>>;

/** What a table shows is told by its columns where no command says it. First match counts. */
const SIGNATURES: readonly (readonly [kind: string, columns: readonly string[]])[] = [
  ['Event', ['REASON', 'OBJECT', 'MESSAGE']],
  ['Application', ['SYNC STATUS', 'HEALTH STATUS']],
  ['Deployment', ['READY', 'UP-TO-DATE', 'AVAILABLE']],
  ['DaemonSet', ['DESIRED', 'CURRENT', 'READY', 'UP-TO-DATE', 'AVAILABLE']],
  ['Rollout', ['DESIRED', 'CURRENT', 'UP-TO-DATE', 'AVAILABLE']],
  ['ReplicaSet', ['DESIRED', 'CURRENT', 'READY']],
  ['Pod', ['READY', 'STATUS', 'RESTARTS']],
  ['Service', ['CLUSTER-IP', 'EXTERNAL-IP']],
  ['EndpointSlice', ['ADDRESSTYPE', 'ENDPOINTS']],
  ['Endpoints', ['ENDPOINTS']],
  ['HorizontalPodAutoscaler', ['REFERENCE', 'TARGETS']],
  ['PodDisruptionBudget', ['MIN AVAILABLE', 'ALLOWED DISRUPTIONS']],
  ['Ingress', ['CLASS', 'HOSTS', 'ADDRESS']],
  ['PersistentVolumeClaim', ['STATUS', 'VOLUME', 'CAPACITY']],
  ['CronJob', ['SCHEDULE', 'SUSPEND']],
  ['Job', ['COMPLETIONS', 'DURATION']],
  ['Node', ['STATUS', 'ROLES', 'VERSION']],
  ['ResourceQuota', ['REQUEST', 'LIMIT']],
  ['Secret', ['TYPE', 'DATA']],
  ['ConfigMap', ['NAME', 'DATA']],
  ['Namespace', ['NAME', 'STATUS', 'AGE']],
];

function kindOfTable(table: Table, asked: readonly string[]): string | undefined {
  const bySignature = SIGNATURES.find(([, columns]) =>
    columns.every((column) => table.columns.includes(column)),
  )?.[0];
  // StatefulSets look like nothing else has READY and AGE alone; what was asked for knows better.
  if (asked.length === 1 && (bySignature === undefined || bySignature !== 'Event')) return asked[0];
  return bySignature;
}

function ratio(text: string | undefined): readonly [number, number] | undefined {
  const found = /^(\d+)\/(\d+)$/.exec((text ?? '').trim());
  return found === null ? undefined : [Number(found[1]), Number(found[2])];
}

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

const WAITING =
  /^(?:Init:)?(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|ErrImageNeverPull|InvalidImageName|CreateContainerConfigError|CreateContainerError|RunContainerError|ContainerCreating|PodInitializing|SignatureValidationFailed|RegistryUnavailable|ImageInspectError)$/;

/** What the STATUS of a pod's row says, in the shape of its status. */
function podStatus(cells: Cells): JsonObject {
  const status = cells['STATUS'] ?? '';
  const [ready = 0, wanted = 0] = ratio(cells['READY']) ?? [];
  const restarts = count(/^\d+/.exec(cells['RESTARTS'] ?? '')?.[0]) ?? 0;
  const init = status.startsWith('Init:');
  const reason = status.replace(/^Init:/, '');
  const state: JsonObject = WAITING.test(status)
    ? { waiting: { reason } }
    : status === 'Completed' || status === 'Error' || reason === 'OOMKilled'
      ? {
          terminated: {
            reason: reason === 'OOMKilled' ? 'OOMKilled' : status,
            ...(reason === 'OOMKilled' ? { exitCode: 137 } : {}),
          },
        }
      : status === 'Running'
        ? { running: {} }
        : {};
  const phase = /^(?:Running|Pending|Succeeded|Failed|Unknown)$/.test(status)
    ? status
    : status === 'Completed'
      ? 'Succeeded'
      : status === 'Evicted'
        ? 'Failed'
        : /^(?:ImagePull|ErrImage|Init:|PodInit|ContainerCreating|CreateContainer|InvalidImage)/.test(status)
          ? 'Pending'
          : 'Running';
  const list = Array.from({ length: wanted }, (_, index): JsonObject => ({
    ready: index < ready,
    restartCount: restarts,
    // The row says it of one container; of which one it does not say, so it is told of those that are not ready.
    state: index < ready && !init ? { running: {} } : state,
  }));
  return {
    phase,
    ...(status === 'Evicted' ? { reason: 'Evicted' } : {}),
    ...(init ? { initContainerStatuses: [{ state }] } : {}),
    ...(wanted > 0 ? { containerStatuses: list } : {}),
    ...(shown(cells['IP']) === undefined ? {} : { podIP: cells['IP'] ?? '' }),
    ...(wanted > 0
      ? {
          conditions: [{ type: 'Ready', status: ready === wanted && phase === 'Running' ? 'True' : 'False' }],
        }
      : {}),
  };
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

const VALUES: Readonly<Record<string, (cells: Cells) => JsonObject>> = {
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
  Secret: (cells) => fields([['type'], shown(cells['TYPE'])]),
};

function targetOf(text: string | undefined): JsonObject | undefined {
  const [kind, name] = (shown(text) ?? '').split('/');
  return kind === undefined || name === undefined ? undefined : { kind, name };
}

/** Custom resources print what their definition says: READY, STATUS and MESSAGE or REASON are a condition. */
function customValue(cells: Cells): JsonObject {
  const reason = shown(cells['STATUS'] ?? cells['MESSAGE'] ?? cells['REASON']);
  return fields(
    [['status', 'conditions'], condition('Ready', cells['READY'], reason)],
    [['spec', 'suspend'], cells['SUSPENDED'] === 'True' ? true : undefined],
    [['spec', 'url'], shown(cells['URL'])],
  );
}

function objectOf(
  block: Block,
  row: TableRow,
  kind: string,
  namespace: string | undefined,
): WorldObject | undefined {
  const full = row.cells['NAME'] ?? '';
  const [prefix, rest] = full.includes('/') ? full.split('/') : [undefined, full];
  const own = prefix === undefined ? kind : (kindOf(prefix) ?? kind);
  if (rest === undefined || rest === '') return undefined;
  const value = (VALUES[own] ?? customValue)(row.cells);
  const labels = own === 'Pod' ? undefined : pairsOf(row.cells['LABELS']);
  return partialObject({
    artifact: block.artifact,
    line: row.line,
    kind: own,
    namespace: shown(row.cells['NAMESPACE']) ?? namespace,
    name: rest,
    value: labels === undefined ? value : { ...value, metadata: { labels } },
  });
}

function eventOf(block: Block, row: TableRow, namespace: string | undefined): EventFact {
  const { cells } = row;
  const seen = cells['LAST SEEN'] ?? cells['AGE'];
  const [kind = '', name = ''] = (cells['OBJECT'] ?? '').split('/');
  const where = shown(cells['NAMESPACE']) ?? namespace;
  const type = cells['TYPE'] === 'Warning' || cells['TYPE'] === 'Normal' ? cells['TYPE'] : undefined;
  return {
    type,
    reason: cells['REASON'] ?? '',
    message: cells['MESSAGE'] ?? '',
    object: `${kindOf(kind) ?? kind}/${where === undefined ? '' : `${where}/`}${name}`,
    count: count(cells['COUNT']) ?? count(/x(\d+) over/.exec(seen ?? '')?.[1]),
    lastSeen: undefined,
    ageMs: ageMs(/^\S+/.exec(seen ?? '')?.[0]),
    source: artifactSource(block.artifact, row.line),
  };
}

/** Every table of kubectl in a block, and what is left of it. */
export function readKubectlTables(block: Block): Reading | undefined {
  const command = block.command === undefined ? undefined : parseCommand(block.command);
  if (command !== undefined && !/^(?:kubectl|oc|k)$/.test(command.program)) return undefined;
  if (command !== undefined && /^(?:json|yaml|jsonpath|name|go-template)/.test(outputOf(command)))
    return undefined;
  const namespace = command === undefined ? undefined : namespaceOf(command);
  const asked = command === undefined ? [] : askedObjects(command).kinds;
  const live: WorldObject[] = [];
  const events: EventFact[] = [];
  const rest = [];
  let found = false;
  for (let at = 0; at < block.lines.length;) {
    const table = readTable(block.lines.slice(at));
    const line = block.lines[at];
    const kind = table === undefined ? undefined : kindOfTable(table, asked);
    if (table === undefined || kind === undefined) {
      if (line !== undefined && line.text.trim() !== '') rest.push(line);
      at += 1;
      continue;
    }
    found = true;
    for (const row of table.rows) {
      if (kind === 'Event') events.push(eventOf(block, row, namespace));
      else {
        const object = objectOf(block, row, kind, namespace);
        if (object !== undefined) live.push(object);
      }
    }
    at = block.lines.length - table.rest.length;
  }
  return found ? { facts: { live, events }, rest } : undefined;
}
