import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { isoTime, number, pairsIn, quantities } from './describe-parts.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { count, fields } from './objects.ts';

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

export function containersIn(at: Described | undefined): {
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

export function volumes(at: Described | undefined): JsonValue[] | undefined {
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

export function template(root: Described, ...path: readonly string[]): JsonObject {
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
