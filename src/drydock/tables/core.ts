import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age, humanDuration } from './age.ts';
import { columns, type Printer } from './column.ts';

const meta = (object: JsonObject) => maybeMap(object, 'metadata') ?? {};
const spec = (object: JsonObject) => maybeMap(object, 'spec') ?? {};
const status = (object: JsonObject) => maybeMap(object, 'status') ?? {};
const name = (object: JsonObject) => stringAt(meta(object), 'name');
const created = (object: JsonObject, now: number) => age(meta(object).creationTimestamp, now);

function count(object: JsonObject, ...fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + Object.keys(maybeMap(object, field) ?? {}).length, 0);
}

/** What kinds get that have no printer of their own. */
export const defaultPrinter: Printer = {
  columns: columns('Name, Created At'),
  cells: (object) => [name(object), stringAt(meta(object), 'creationTimestamp')],
};

export const customPrinter: Printer = {
  columns: columns('Name, Age'),
  cells: (object, now) => [name(object), created(object, now)],
};

export const namespacePrinter: Printer = {
  columns: columns('Name, Status, Age'),
  cells: (object, now) => [name(object), stringAt(status(object), 'phase'), created(object, now)],
};

export const configMapPrinter: Printer = {
  columns: columns('Name, Data:integer, Age'),
  cells: (object, now) => [name(object), count(object, 'data', 'binaryData'), created(object, now)],
};

export const secretPrinter: Printer = {
  columns: columns('Name, Type, Data:integer, Age'),
  cells: (object, now) => [
    name(object),
    stringAt(object, 'type'),
    count(object, 'data'),
    created(object, now),
  ],
};

export const serviceAccountPrinter: Printer = {
  columns: columns('Name, Secrets:integer, Age'),
  cells: (object, now) => [name(object), mapsAt(object, 'secrets').length, created(object, now)],
};

function roles(labels: JsonObject | undefined): string {
  const found = new Set<string>();
  for (const [key, value] of Object.entries(labels ?? {})) {
    const role = /^node-role\.kubernetes\.io\/(.+)$/.exec(key)?.[1];
    if (role !== undefined) found.add(role);
    else if (key === 'kubernetes.io/role' && typeof value === 'string' && value !== '') found.add(value);
  }
  return found.size === 0 ? '<none>' : [...found].sort().join(',');
}

function nodeStatus(node: JsonObject): string {
  const words: string[] = [];
  const ready = mapsAt(status(node), 'conditions').find((condition) => condition.type === 'Ready');
  if (ready === undefined) words.push('Unknown');
  else words.push(ready.status === 'True' ? 'Ready' : 'NotReady');
  if (spec(node).unschedulable === true) words.push('SchedulingDisabled');
  return words.join(',');
}

function nodeAddress(node: JsonObject, type: string): string {
  const found = mapsAt(status(node), 'addresses').find((address) => address.type === type);
  return stringAt(found, 'address') || '<none>';
}

export const nodePrinter: Printer = {
  columns: columns(
    'Name, Status, Roles, Age, Version, *Internal-IP, *External-IP, *OS-Image, *Kernel-Version, *Container-Runtime',
  ),
  cells(object, now) {
    const info = maybeMap(status(object), 'nodeInfo');
    return [
      name(object),
      nodeStatus(object),
      roles(maybeMap(meta(object), 'labels')),
      created(object, now),
      stringAt(info, 'kubeletVersion'),
      nodeAddress(object, 'InternalIP'),
      nodeAddress(object, 'ExternalIP'),
      stringAt(info, 'osImage') || '<unknown>',
      stringAt(info, 'kernelVersion') || '<unknown>',
      stringAt(info, 'containerRuntimeVersion') || '<unknown>',
    ];
  },
};

function seen(event: JsonObject, now: number): readonly [last: string, first: string, count: number] {
  const first = stringAt(event, 'firstTimestamp') || stringAt(event, 'eventTime');
  const series = maybeMap(event, 'series');
  const times = numberAt(series, 'count') || numberAt(event, 'count') || 1;
  const last = stringAt(series, 'lastObservedTime') || stringAt(event, 'lastTimestamp') || first;
  const since = (time: string) => (time === '' ? '<unknown>' : humanDuration(now - Date.parse(time)));
  return [since(last), since(first), times];
}

export const eventPrinter: Printer = {
  columns: columns(
    'Last Seen, Type, Reason, Object, *Subobject, *Source, Message, *First Seen, *Count:integer, *Name',
  ),
  cells(object, now) {
    const about = maybeMap(object, 'involvedObject') ?? maybeMap(object, 'regarding');
    const source = maybeMap(object, 'source') ?? maybeMap(object, 'deprecatedSource');
    const [last, first, times] = seen(object, now);
    const component =
      stringAt(source, 'component') ||
      stringAt(object, 'reportingComponent') ||
      stringAt(object, 'reportingController');
    const host = stringAt(source, 'host');
    return [
      last,
      stringAt(object, 'type'),
      stringAt(object, 'reason'),
      `${stringAt(about, 'kind').toLowerCase()}/${stringAt(about, 'name')}`,
      stringAt(about, 'fieldPath'),
      host === '' ? component : `${component}, ${host}`,
      (stringAt(object, 'message') || stringAt(object, 'note')).trim(),
      first,
      times,
      name(object),
    ];
  },
};

const ACCESS_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(value: unknown): string {
  const given = Array.isArray(value) ? value.filter((mode): mode is string => typeof mode === 'string') : [];
  return given.map((mode) => ACCESS_MODES[mode] ?? mode).join(',');
}

export const persistentVolumeClaimPrinter: Printer = {
  columns: columns(
    'Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, *VolumeMode',
  ),
  cells(object, now) {
    const deleting = meta(object).deletionTimestamp !== undefined;
    const bound = stringAt(spec(object), 'volumeName') !== '';
    return [
      name(object),
      deleting ? 'Terminating' : stringAt(status(object), 'phase'),
      stringAt(spec(object), 'volumeName'),
      bound ? stringAt(maybeMap(status(object), 'capacity'), 'storage') : '',
      bound ? accessModes(status(object).accessModes) : '',
      stringAt(spec(object), 'storageClassName'),
      stringAt(spec(object), 'volumeAttributesClassName') || '<unset>',
      created(object, now),
      stringAt(spec(object), 'volumeMode'),
    ];
  },
};

export const persistentVolumePrinter: Printer = {
  columns: columns(
    'Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, *VolumeMode',
  ),
  cells(object, now) {
    const claim = maybeMap(spec(object), 'claimRef');
    return [
      name(object),
      stringAt(maybeMap(spec(object), 'capacity'), 'storage'),
      accessModes(spec(object).accessModes),
      stringAt(spec(object), 'persistentVolumeReclaimPolicy'),
      meta(object).deletionTimestamp === undefined ? stringAt(status(object), 'phase') : 'Terminating',
      claim === undefined ? '' : `${stringAt(claim, 'namespace')}/${stringAt(claim, 'name')}`,
      stringAt(spec(object), 'storageClassName'),
      stringAt(spec(object), 'volumeAttributesClassName') || '<unset>',
      stringAt(status(object), 'reason'),
      created(object, now),
      stringAt(spec(object), 'volumeMode'),
    ];
  },
};

function quotaText(object: JsonObject, wanted: (name: string) => boolean): string {
  const hard = maybeMap(status(object), 'hard') ?? {};
  const used = maybeMap(status(object), 'used') ?? {};
  return Object.keys(hard)
    .sort()
    .filter(wanted)
    .map((key) => `${key}: ${stringAt(used, key)}/${stringAt(hard, key)}`)
    .join(', ');
}

export const resourceQuotaPrinter: Printer = {
  columns: columns('Name, Request, Limit, Age'),
  cells: (object, now) => [
    name(object),
    quotaText(object, (key) => !key.startsWith('limits')),
    quotaText(object, (key) => key.startsWith('limits')),
    created(object, now),
  ],
};
