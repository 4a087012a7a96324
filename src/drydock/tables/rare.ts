import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age, humanDuration } from './age.ts';
import { columns, type Printer } from './column.ts';

/** Kinds that are rarely looked at. Source: pkg/printers/internalversion/printers.go. */

const meta = (object: JsonObject) => maybeMap(object, 'metadata') ?? {};
const spec = (object: JsonObject) => maybeMap(object, 'spec') ?? {};
const status = (object: JsonObject) => maybeMap(object, 'status') ?? {};
const name = (object: JsonObject) => stringAt(meta(object), 'name');
const created = (object: JsonObject, now: number) => age(meta(object).creationTimestamp, now);

function requestCondition(object: JsonObject): string {
  const types = new Set(mapsAt(status(object), 'conditions').map((condition) => condition.type));
  const decision = types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending';
  const failed = types.has('Failed') ? ',Failed' : '';
  return `${decision}${failed}${stringAt(status(object), 'certificate') === '' ? '' : ',Issued'}`;
}

export const certificateRequestPrinter: Printer = {
  columns: columns('Name, Age, SignerName, Requestor, RequestedDuration, Condition'),
  cells(object, now) {
    const seconds = numberAt(spec(object), 'expirationSeconds');
    return [
      name(object),
      created(object, now),
      stringAt(spec(object), 'signerName') || '<none>',
      stringAt(spec(object), 'username'),
      seconds === 0 ? '<none>' : humanDuration(seconds * 1000),
      requestCondition(object),
    ];
  },
};

export const podTemplatePrinter: Printer = {
  columns: columns('Name, Containers, Images, Pod Labels'),
  cells(object) {
    const template = maybeMap(object, 'template') ?? {};
    const containers = mapsAt(spec(template), 'containers');
    const labels = Object.entries(maybeMap(meta(template), 'labels') ?? {});
    return [
      name(object),
      containers.map((container) => stringAt(container, 'name')).join(','),
      containers.map((container) => stringAt(container, 'image')).join(','),
      labels.length === 0
        ? '<none>'
        : labels
            .map(([key, value]) => `${key}=${typeof value === 'string' ? value : ''}`)
            .toSorted()
            .join(','),
    ];
  },
};

export const volumeAttachmentPrinter: Printer = {
  columns: columns('Name, Attacher, PV, Node, Attached:boolean, Age'),
  cells: (object, now) => [
    name(object),
    stringAt(spec(object), 'attacher'),
    stringAt(maybeMap(spec(object), 'source'), 'persistentVolumeName'),
    stringAt(spec(object), 'nodeName'),
    status(object).attached === true,
    created(object, now),
  ],
};

export const csiNodePrinter: Printer = {
  columns: columns('Name, Drivers:integer, Age'),
  cells: (object, now) => [name(object), mapsAt(spec(object), 'drivers').length, created(object, now)],
};

export const csiDriverPrinter: Printer = {
  columns: columns(
    'Name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests, RequiresRepublish:boolean, Modes, Age',
  ),
  cells(object, now) {
    const own = spec(object);
    const modes = Array.isArray(own.volumeLifecycleModes) ? own.volumeLifecycleModes : [];
    const tokens = mapsAt(own, 'tokenRequests').map((request) => stringAt(request, 'audience'));
    return [
      name(object),
      own.attachRequired !== false,
      own.podInfoOnMount === true,
      own.storageCapacity === true,
      tokens.length === 0 ? '<unset>' : tokens.join(','),
      own.requiresRepublish === true,
      modes.length === 0 ? '<none>' : modes.filter((mode) => typeof mode === 'string').join(','),
      created(object, now),
    ];
  },
};

export const componentStatusPrinter: Printer = {
  columns: columns('Name, Status, Message, Error'),
  cells(object) {
    const healthy = mapsAt(object, 'conditions').find(({ type }) => type === 'Healthy');
    const words = { True: 'Healthy', False: 'Unhealthy' } as const;
    const state =
      healthy?.status === 'True' || healthy?.status === 'False' ? words[healthy.status] : 'Unknown';
    return [name(object), state, stringAt(healthy, 'message'), stringAt(healthy, 'error')];
  },
};

export const apiServicePrinter: Printer = {
  columns: columns('Name, Service, Available, Age'),
  cells(object, now) {
    const service = maybeMap(spec(object), 'service');
    const available = mapsAt(status(object), 'conditions').find(({ type }) => type === 'Available');
    const isUp = stringAt(available, 'status') === 'True';
    return [
      name(object),
      service === undefined ? 'Local' : `${stringAt(service, 'namespace')}/${stringAt(service, 'name')}`,
      isUp ? 'True' : `${stringAt(available, 'status') || 'Unknown'} (${stringAt(available, 'reason')})`,
      created(object, now),
    ];
  },
};

export const flowSchemaPrinter: Printer = {
  columns: columns('Name, PriorityLevel, MatchingPrecedence:integer, DistinguisherMethod, Age, MissingPL'),
  cells(object, now) {
    const dangling = mapsAt(status(object), 'conditions').find(({ type }) => type === 'Dangling');
    return [
      name(object),
      stringAt(maybeMap(spec(object), 'priorityLevelConfiguration'), 'name'),
      numberAt(spec(object), 'matchingPrecedence'),
      stringAt(maybeMap(spec(object), 'distinguisherMethod'), 'type') || '<none>',
      created(object, now),
      stringAt(dangling, 'status') || '?',
    ];
  },
};

export const priorityLevelPrinter: Printer = {
  columns: columns('Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age'),
  cells(object, now) {
    const type = stringAt(spec(object), 'type');
    const limits = maybeMap(spec(object), type === 'Exempt' ? 'exempt' : 'limited');
    const queuing = maybeMap(maybeMap(limits, 'limitResponse'), 'queuing');
    const shown = (map: JsonObject | undefined, key: string) =>
      typeof map?.[key] === 'number' ? String(map[key]) : '<none>';
    return [
      name(object),
      type,
      shown(limits, 'nominalConcurrencyShares'),
      shown(queuing, 'queues'),
      shown(queuing, 'handSize'),
      shown(queuing, 'queueLengthLimit'),
      created(object, now),
    ];
  },
};
