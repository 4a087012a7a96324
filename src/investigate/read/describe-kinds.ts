import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { childOf, told } from './described.ts';
import type { Described } from './described.ts';
import { count, fields, pairsOf } from './objects.ts';

/** Labels, selectors and the like: the value and the lines below it. */
function pairsIn(at: Described | undefined): JsonObject | undefined {
  if (at === undefined) return undefined;
  const lines = [at.value, ...at.items.map(({ text }) => text)].filter((text) => text !== '');
  const all: JsonObject = {};
  for (const text of lines) Object.assign(all, pairsOf(text) ?? {});
  for (const child of at.children) all[child.key] = child.value;
  return Object.keys(all).length === 0 ? undefined : all;
}

function number(text: string | undefined): number | undefined {
  return count(/^\d+/.exec(text ?? '')?.[0]);
}

function lower(text: string): string {
  const word = text
    .split(/\s+/)
    .map((part, index) => (index === 0 ? part.toLowerCase() : part.charAt(0).toUpperCase() + part.slice(1)))
    .join('');
  return /^[A-Z]+$/.test(text) ? text.toLowerCase() : word;
}

function scalar(text: string): JsonValue {
  const unquoted = text.replaceAll(/^"|"$/g, '');
  if (/^-?\d+$/.test(text)) return Number(text);
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return unquoted === '<nil>' ? null : unquoted;
}

/** Keys that a custom resource's description repeats for every item of a list. */
const LISTED = /^(?:conditions|containers|resources|history|results|steps|images|sources|rules|ports)$/;

/** A description of a custom resource: words with blanks are the fields' names in camel case. */
function generic(node: Described): JsonValue {
  if (node.children.length === 0) {
    if (node.items.length > 0 && node.value === '') return node.items.map(({ text }) => scalar(text));
    // Conditions hold the words True and False, not truth values.
    return /^Status$/i.test(node.key) ? node.value : scalar(node.value);
  }
  const name = lower(node.key);
  const keys = node.children.map((child) => child.key);
  if (LISTED.test(name) && new Set(keys).size < keys.length) {
    const items: JsonObject[] = [];
    let item: JsonObject = {};
    for (const child of node.children) {
      const key = lower(child.key);
      if (Object.hasOwn(item, key)) {
        items.push(item);
        item = {};
      }
      item[key] = generic(child);
    }
    return [...items, item];
  }
  const object = Object.fromEntries(node.children.map((child) => [lower(child.key), generic(child)]));
  return LISTED.test(name) ? [object] : object;
}

/** What describe shows of a kind that nobody knows: its own fields, labels and annotations. */
export function genericValue(root: Described): JsonObject {
  const all: JsonObject = {};
  for (const child of root.children) {
    const key = lower(child.key);
    if (
      ['name', 'namespace', 'labels', 'annotations', 'kind', 'apiVersion', 'metadata', 'events'].includes(key)
    )
      continue;
    if (key === 'apiversion') continue;
    all[key] = generic(child);
  }
  return { ...metadata(root), ...all };
}

function metadata(root: Described): JsonObject {
  return fields(
    [['metadata', 'labels'], pairsIn(childOf(root, 'Labels'))],
    [['metadata', 'annotations'], pairsIn(childOf(root, 'Annotations'))],
    [['metadata', 'creationTimestamp'], isoTime(told(root, 'CreationTimestamp'))],
    [['metadata', 'ownerReferences'], owner(told(root, 'Controlled By'))],
    [
      ['metadata', 'deletionTimestamp'],
      told(root, 'Termination Grace Period') === undefined ? undefined : terminating(root),
    ],
  );
}

function terminating(root: Described): string | undefined {
  const status = told(root, 'Status');
  return status?.startsWith('Terminating') === true ? status : undefined;
}

function isoTime(text: string | undefined): string | undefined {
  const at = Date.parse(text ?? '');
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replace('.000Z', 'Z');
}

function owner(text: string | undefined): JsonValue[] | undefined {
  const [kind, name] = text?.split('/') ?? [];
  return kind === undefined || name === undefined ? undefined : [{ kind, name, controller: true }];
}

function stateOf(at: Described | undefined): JsonObject | undefined {
  if (at === undefined) return undefined;
  const word = at.value.toLowerCase();
  if (!/^(?:waiting|running|terminated)$/.test(word)) return undefined;
  return {
    [word]: fields(
      [['reason'], told(at, 'Reason')],
      [['message'], told(at, 'Message')],
      [['exitCode'], number(told(at, 'Exit Code'))],
      [['startedAt'], isoTime(told(at, 'Started'))],
      [['finishedAt'], isoTime(told(at, 'Finished'))],
    ),
  };
}

function quantities(at: Described | undefined): JsonObject | undefined {
  return at === undefined || at.children.length === 0
    ? undefined
    : Object.fromEntries(at.children.map((child) => [child.key, child.value]));
}

/** `http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`. */
function probe(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined;
  const http = /^http-get (?<scheme>https?):\/\/[^:/]*:(?<port>[\w-]+)(?<path>\/\S*)?/.exec(text)?.groups;
  const tcp = /^tcp-socket (?:\S*?):(?<port>[\w-]+)/.exec(text)?.groups;
  const exec = /^exec \[(?<command>.*?)\]/.exec(text)?.groups;
  const seconds = (name: string) => number(new RegExp(`${name}=(\\d+)s?`).exec(text)?.[1]);
  const port = (word: string | undefined) => (word === undefined ? '' : (count(word) ?? word));
  return fields(
    [
      ['httpGet'],
      http === undefined
        ? undefined
        : {
            path: http['path'] ?? '/',
            port: port(http['port']),
            scheme: (http['scheme'] ?? 'http').toUpperCase(),
          },
    ],
    [['tcpSocket'], tcp === undefined ? undefined : { port: port(tcp['port']) }],
    [['exec'], exec === undefined ? undefined : { command: (exec['command'] ?? '').split(' ') }],
    [['initialDelaySeconds'], seconds('delay')],
    [['timeoutSeconds'], seconds('timeout')],
    [['periodSeconds'], seconds('period')],
    [['failureThreshold'], seconds('#failure')],
  );
}

const FROM_KEY = /^<set to the key '(?<key>[^']+)' (?:in|of) (?<kind>secret|config map) '(?<name>[^']+)'>/;

function environment(at: Described | undefined): JsonValue[] | undefined {
  if (at === undefined || at.children.length === 0) return undefined;
  return at.children.map((child): JsonObject => {
    const from = FROM_KEY.exec(child.value)?.groups;
    if (from === undefined) return { name: child.key, value: child.value };
    const field = from['kind'] === 'secret' ? 'secretKeyRef' : 'configMapKeyRef';
    const optional = /Optional: true/.test(child.value) ? { optional: true } : {};
    return {
      name: child.key,
      valueFrom: { [field]: { name: from['name'] ?? '', key: from['key'] ?? '', ...optional } },
    };
  });
}

function environmentFrom(at: Described | undefined): JsonValue[] | undefined {
  const found = at?.items.flatMap(({ text }): JsonObject[] => {
    const parts = /^(?<name>\S+)\s+(?<kind>ConfigMap|Secret)\b/.exec(text)?.groups;
    if (parts === undefined) return [];
    return [{ [parts['kind'] === 'Secret' ? 'secretRef' : 'configMapRef']: { name: parts['name'] ?? '' } }];
  });
  return found === undefined || found.length === 0 ? undefined : found;
}

function containersIn(at: Described | undefined): {
  readonly spec: JsonValue[];
  readonly status: JsonValue[];
} {
  const spec: JsonValue[] = [];
  const status: JsonValue[] = [];
  for (const child of at?.children ?? []) {
    const port = told(child, 'Port') ?? told(child, 'Ports');
    const ports = port?.split(',').flatMap((part): JsonObject[] => {
      const found = /^(\d+)(?:\/(\w+))?/.exec(part.trim());
      return found === null || found[1] === '0'
        ? []
        : [{ containerPort: Number(found[1]), protocol: found[2] ?? 'TCP' }];
    });
    const state = stateOf(childOf(child, 'State'));
    const last = stateOf(childOf(child, 'Last State'));
    const list = (name: string) => {
      const node = childOf(child, name);
      return node === undefined || node.items.length === 0 ? undefined : node.items.map(({ text }) => text);
    };
    spec.push(
      fields(
        [['name'], child.key],
        [['image'], told(child, 'Image')],
        [['ports'], ports === undefined || ports.length === 0 ? undefined : ports],
        [['command'], list('Command')],
        [['args'], list('Args')],
        [['resources', 'limits'], quantities(childOf(child, 'Limits'))],
        [['resources', 'requests'], quantities(childOf(child, 'Requests'))],
        [['livenessProbe'], probe(told(child, 'Liveness'))],
        [['readinessProbe'], probe(told(child, 'Readiness'))],
        [['startupProbe'], probe(told(child, 'Startup'))],
        [['env'], environment(childOf(child, 'Environment'))],
        [['envFrom'], environmentFrom(childOf(child, 'Environment Variables from'))],
      ),
    );
    const ready = told(child, 'Ready');
    if (state !== undefined || ready !== undefined || last !== undefined)
      status.push(
        fields(
          [['name'], child.key],
          [['image'], told(child, 'Image')],
          [['imageID'], told(child, 'Image ID')],
          [['ready'], ready === undefined ? undefined : ready === 'True'],
          [['restartCount'], number(told(child, 'Restart Count'))],
          [['state'], state],
          [['lastState'], last],
        ),
      );
  }
  return { spec, status };
}

function conditions(at: Described | undefined): JsonValue[] | undefined {
  if (at === undefined) return undefined;
  const rows = at.items.map(({ text }) => text).filter((text) => !/^(?:Type\s+Status|-{3,})/.test(text));
  const found = rows.flatMap((text): JsonObject[] => {
    const parts = /^(?<type>[A-Za-z][\w./-]*)\s+(?<status>True|False|Unknown)(?:\s+(?<rest>.*))?$/.exec(
      text,
    )?.groups;
    if (parts === undefined) return [];
    // Nodes show two times in front of reason and message.
    const rest = (parts['rest'] ?? '').replaceAll(/\w{3}, \d{2} \w{3} \d{4} [\d:]+ [+-]\d{4}\s*/g, '').trim();
    const [reason = '', ...words] = rest.split(/\s+/);
    return [
      fields(
        [['type'], parts['type'] ?? ''],
        [['status'], parts['status'] ?? ''],
        [['reason'], reason === '' ? undefined : reason],
        [['message'], words.length === 0 ? undefined : words.join(' ')],
      ),
    ];
  });
  return found.length === 0 ? undefined : found;
}

function volumes(at: Described | undefined): JsonValue[] | undefined {
  const found = at?.children.map((child): JsonObject => {
    const type = told(child, 'Type') ?? '';
    const optional = told(child, 'Optional') === 'true' ? { optional: true } : {};
    const name = told(child, 'Name') ?? '';
    if (type.startsWith('ConfigMap')) return { name: child.key, configMap: { name, ...optional } };
    if (type.startsWith('Secret'))
      return { name: child.key, secret: { secretName: told(child, 'SecretName') ?? name, ...optional } };
    if (type.startsWith('PersistentVolumeClaim'))
      return { name: child.key, persistentVolumeClaim: { claimName: told(child, 'ClaimName') ?? '' } };
    return { name: child.key };
  });
  return found === undefined || found.length === 0 ? undefined : found;
}

function podValue(root: Described): JsonObject {
  const main = containersIn(childOf(root, 'Containers'));
  const init = containersIn(childOf(root, 'Init Containers'));
  const list = (items: readonly JsonValue[]) => (items.length === 0 ? undefined : [...items]);
  const status = told(root, 'Status');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'containers'], list(main.spec)],
      [['spec', 'initContainers'], list(init.spec)],
      [['spec', 'nodeName'], told(root, 'Node')?.split('/')[0]],
      [['spec', 'serviceAccountName'], told(root, 'Service Account')],
      [['spec', 'nodeSelector'], pairsIn(childOf(root, 'Node-Selectors'))],
      [['spec', 'volumes'], volumes(childOf(root, 'Volumes'))],
      [['status', 'phase'], status?.startsWith('Terminating') === true ? undefined : status?.split(' ')[0]],
      [['status', 'reason'], told(root, 'Reason')],
      [['status', 'message'], told(root, 'Message')],
      [['status', 'podIP'], told(root, 'IP')],
      [['status', 'startTime'], isoTime(told(root, 'Start Time'))],
      [['status', 'qosClass'], told(root, 'QoS Class')],
      [['status', 'containerStatuses'], list(main.status)],
      [['status', 'initContainerStatuses'], list(init.status)],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

function template(root: Described, ...path: readonly string[]): JsonObject {
  const at =
    path.reduce<Described | undefined>((node, key) => childOf(node, key), root) ??
    childOf(root, 'Pod Template');
  const main = containersIn(childOf(at, 'Containers'));
  const init = containersIn(childOf(at, 'Init Containers'));
  return fields(
    [['metadata', 'labels'], pairsIn(childOf(at, 'Labels'))],
    [['metadata', 'annotations'], pairsIn(childOf(at, 'Annotations'))],
    [['spec', 'containers'], main.spec.length === 0 ? undefined : main.spec],
    [['spec', 'initContainers'], init.spec.length === 0 ? undefined : init.spec],
    [['spec', 'serviceAccountName'], told(at, 'Service Account')],
    [['spec', 'nodeSelector'], pairsIn(childOf(at, 'Node-Selectors'))],
    [['spec', 'volumes'], volumes(childOf(at, 'Volumes'))],
  );
}

/** `3 desired | 1 updated | 4 total | 3 available | 1 unavailable` as counts by their words. */
function counts(text: string | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/(\d+) (desired|updated|total|available|unavailable|current)/g)].map(
      ([, value, word]) => [word ?? '', Number(value)],
    ),
  );
}

function workload(root: Described): JsonObject {
  const replicas = counts(told(root, 'Replicas'));
  const status = /(\d+) Running \/ (\d+) Waiting \/ (\d+) Succeeded \/ (\d+) Failed/.exec(
    told(root, 'Pods Status') ?? '',
  );
  const current = /^(\d+) current \/ (\d+) desired/.exec(told(root, 'Replicas') ?? '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'replicas'], replicas['desired'] ?? count(current?.[2])],
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'strategy', 'type'], told(root, 'StrategyType')],
      [['spec', 'template'], template(root)],
      [['status', 'replicas'], replicas['total'] ?? count(current?.[1])],
      [['status', 'updatedReplicas'], replicas['updated']],
      [['status', 'availableReplicas'], replicas['available']],
      [['status', 'unavailableReplicas'], replicas['unavailable']],
      [['status', 'readyReplicas'], replicas['available']],
      [['status', 'podsFailed'], count(status?.[4])],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

function serviceValue(root: Described): JsonObject {
  const ports: JsonObject[] = [];
  for (const child of root.children) {
    const found = /^(?:(?<name>[a-z][\w-]*)\s+)?(?<port>\d+)\/(?<protocol>\w+)$/.exec(
      child.value.replace('<unset>', '').trim(),
    )?.groups;
    if (child.key === 'Port' && found !== undefined)
      ports.push({
        port: Number(found['port']),
        protocol: found['protocol'] ?? 'TCP',
        ...(found['name'] === undefined ? {} : { name: found['name'] }),
      });
    const target = /^([\w-]+)\/\w+$/.exec(child.value)?.[1];
    const last = ports.at(-1);
    if (child.key === 'TargetPort' && target !== undefined && last !== undefined)
      last['targetPort'] = count(target) ?? target;
  }
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'selector'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'type'], told(root, 'Type')],
      [['spec', 'clusterIP'], told(root, 'IP')],
      [['spec', 'ports'], ports.length === 0 ? undefined : ports],
    ),
  };
}

function ingressValue(root: Described): JsonObject {
  let host = '';
  const rules: { host: string; http: { paths: JsonObject[] } }[] = [];
  const rows = [
    ...(childOf(root, 'Rules')?.items ?? []).map(({ text }) => text),
    ...(childOf(root, 'Rules')?.children ?? []).map((child) => `${child.key}:${child.value}`),
  ];
  for (const text of rows) {
    if (/^(?:Host\s+Path|-{3,})/.test(text)) continue;
    const found = /^(?:(?<host>[\w.*-]+)\s+)?(?<path>\/\S*)?\s*(?<service>[a-z][\w-]*):(?<port>[\w-]+)/.exec(
      text,
    )?.groups;
    if (found === undefined) {
      if (/^[\w.*-]+$/.test(text)) host = text;
      continue;
    }
    host = found['host'] ?? host;
    const entry: JsonObject = {
      path: found['path'] ?? '/',
      backend: {
        service: {
          name: found['service'] ?? '',
          port: { number: count(found['port']) ?? found['port'] ?? '' },
        },
      },
    };
    const known = rules.find((rule) => rule.host === host);
    if (known === undefined) rules.push({ host, http: { paths: [entry] } });
    else known.http.paths.push(entry);
  }
  const address = told(root, 'Address');
  const errors = rows.flatMap((text): JsonObject[] => {
    const message = /<error: [^>]+>/.exec(text)?.[0];
    return message === undefined ? [] : [{ message }];
  });
  return {
    ...metadata(root),
    ...fields(
      [['status', 'backendErrors'], errors.length === 0 ? undefined : errors],
      [['spec', 'ingressClassName'], told(root, 'Ingress Class')],
      [['spec', 'rules'], rules.length === 0 ? undefined : rules],
      [['status', 'loadBalancer'], address === undefined ? undefined : { ingress: [{ ip: address }] }],
    ),
  };
}

function quotaValue(root: Described): JsonObject {
  const used: JsonObject = {};
  const hard: JsonObject = {};
  for (const { text } of root.children.flatMap((child) => child.items).concat(root.items)) {
    const [name, first, second] = text.split(/\s+/);
    if (name === undefined || first === undefined || second === undefined || !/^\d/.test(first)) continue;
    used[name] = first;
    hard[name] = second;
  }
  return { status: { hard, used }, spec: { hard } };
}

function scalerValue(root: Described): JsonObject {
  const [kind, name] = (told(root, 'Reference') ?? '').split('/');
  const pods = /(\d+) current \/ (\d+) desired/.exec(told(root, 'Deployment pods') ?? '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'scaleTargetRef'], kind === undefined || name === undefined ? undefined : { kind, name }],
      [['spec', 'minReplicas'], number(told(root, 'Min replicas'))],
      [['spec', 'maxReplicas'], number(told(root, 'Max replicas'))],
      [['status', 'currentReplicas'], count(pods?.[1])],
      [['status', 'desiredReplicas'], count(pods?.[2])],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

function nodeValue(root: Described): JsonObject {
  const taints = [
    told(root, 'Taints') ?? '',
    ...(childOf(root, 'Taints')?.items ?? []).map(({ text }) => text),
  ].filter((text) => text !== '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'unschedulable'], told(root, 'Unschedulable') === 'true' ? true : undefined],
      [
        ['spec', 'taints'],
        taints.length === 0
          ? undefined
          : taints.map((text) => {
              const found = /^([^=:]+)(?:=([^:]*))?:(\w+)$/.exec(text);
              return { key: found?.[1] ?? text, value: found?.[2] ?? '', effect: found?.[3] ?? '' };
            }),
      ],
      [['status', 'allocatable'], quantities(childOf(root, 'Allocatable'))],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

function claimValue(root: Described): JsonObject {
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'storageClassName'], told(root, 'StorageClass')],
      [['spec', 'volumeName'], told(root, 'Volume')],
      [['status', 'phase'], told(root, 'Status')],
    ),
  };
}

function budgetValue(root: Described): JsonObject {
  const amount = (text: string | undefined) => (text === undefined ? undefined : (count(text) ?? text));
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'minAvailable'], amount(told(root, 'Min available'))],
      [['spec', 'maxUnavailable'], amount(told(root, 'Max unavailable'))],
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [
        ['status', 'disruptionsAllowed'],
        number(told(root, 'Status', 'Allowed disruptions') ?? told(root, 'Allowed disruptions')),
      ],
      [['status', 'currentHealthy'], number(told(root, 'Status', 'Current') ?? told(root, 'Current'))],
      [['status', 'desiredHealthy'], number(told(root, 'Status', 'Desired') ?? told(root, 'Desired'))],
    ),
  };
}

function jobValue(root: Described): JsonObject {
  const pods = /(\d+) (?:Running|Active)(?: \([^)]*\))? \/ (\d+) Succeeded \/ (\d+) Failed/.exec(
    told(root, 'Pods Statuses') ?? '',
  );
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'completions'], number(told(root, 'Completions'))],
      [['spec', 'parallelism'], number(told(root, 'Parallelism'))],
      [['spec', 'backoffLimit'], number(told(root, 'Backoff Limit'))],
      [['spec', 'template'], template(root)],
      [['status', 'active'], count(pods?.[1])],
      [['status', 'succeeded'], count(pods?.[2])],
      [['status', 'failed'], count(pods?.[3])],
    ),
  };
}

function daemonValue(root: Described): JsonObject {
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'template'], template(root)],
      [['status', 'desiredNumberScheduled'], number(told(root, 'Desired Number of Nodes Scheduled'))],
      [['status', 'currentNumberScheduled'], number(told(root, 'Current Number of Nodes Scheduled'))],
      [
        ['status', 'updatedNumberScheduled'],
        number(told(root, 'Number of Nodes Scheduled with Up-to-date Pods')),
      ],
      [['status', 'numberAvailable'], number(told(root, 'Number of Nodes Scheduled with Available Pods'))],
      [['status', 'numberMisscheduled'], number(told(root, 'Number of Nodes Misscheduled'))],
    ),
  };
}

function endpointsValue(root: Described): JsonObject {
  const subsets = childOf(root, 'Subsets');
  const addresses = (key: string) =>
    told(subsets, key)
      ?.split(',')
      .map((ip) => ({ ip: ip.trim() }));
  const ready = addresses('Addresses');
  const notReady = addresses('NotReadyAddresses');
  return {
    ...metadata(root),
    subsets:
      ready === undefined && notReady === undefined
        ? []
        : [
            {
              ...(ready === undefined ? {} : { addresses: ready }),
              ...(notReady === undefined ? {} : { notReadyAddresses: notReady }),
            },
          ],
  };
}

/** `Endpoints: 10.1.0.4:8080,10.1.0.5:8080 + 1 more...` of a Service; `<none>` where nothing is behind it. */
export function endpointsOfService(text: string): JsonObject {
  const addresses = text
    .split(/[,\s]+/)
    .filter((word) => /^[\d.a-f:]+:\d+$/.test(word))
    .map((word) => ({ ip: word.replace(/:\d+$/, '') }));
  return { subsets: addresses.length === 0 ? [] : [{ addresses }] };
}

/** How each kind's description reads, in the shape of its object. Keys of ConfigMaps and Secrets only. */
export const DESCRIBED: Readonly<Record<string, (root: Described) => JsonObject>> = {
  Pod: podValue,
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  DaemonSet: daemonValue,
  Job: jobValue,
  CronJob: (root) => ({
    ...metadata(root),
    ...fields(
      [['spec', 'schedule'], told(root, 'Schedule')],
      [
        ['spec', 'suspend'],
        told(root, 'Suspend') === undefined ? undefined : told(root, 'Suspend') === 'True',
      ],
    ),
  }),
  Service: serviceValue,
  Endpoints: endpointsValue,
  Ingress: ingressValue,
  ResourceQuota: quotaValue,
  HorizontalPodAutoscaler: scalerValue,
  Node: nodeValue,
  PersistentVolumeClaim: claimValue,
  PodDisruptionBudget: budgetValue,
  ConfigMap: metadata,
  Secret: (root) => ({ ...metadata(root), ...fields([['type'], told(root, 'Type')]) }),
  Namespace: (root) => ({ ...metadata(root), ...fields([['status', 'phase'], told(root, 'Status')]) }),
};

/** What a description is of, where no command says it: fields that only one kind shows. */
export function inferKind(root: Described): string | undefined {
  const has = (key: string) => childOf(root, key) !== undefined;
  if (has('StrategyType')) return 'Deployment';
  if (has('Desired Number of Nodes Scheduled')) return 'DaemonSet';
  if (has('Schedule')) return 'CronJob';
  if (has('Completions') || has('Pods Statuses')) return 'Job';
  if (has('Update Strategy')) return 'StatefulSet';
  if (has('Pod Template')) return /current/.test(told(root, 'Replicas') ?? '') ? 'ReplicaSet' : 'StatefulSet';
  if (has('Containers') && has('Status')) return 'Pod';
  if (has('Session Affinity') || has('TargetPort')) return 'Service';
  if (has('Subsets')) return 'Endpoints';
  if (has('Rules') && (has('Ingress Class') || has('Default backend'))) return 'Ingress';
  if (has('Allowed disruptions') || has('Min available') || has('Max unavailable'))
    return 'PodDisruptionBudget';
  if (has('Min replicas')) return 'HorizontalPodAutoscaler';
  if (has('Allocatable') || has('Unschedulable')) return 'Node';
  if (has('StorageClass') && has('Access Modes')) return 'PersistentVolumeClaim';
  if (root.children.some((child) => child.items.some(({ text }) => /^Resource\s+Used\s+Hard/.test(text))))
    return 'ResourceQuota';
  return undefined;
}
