import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { asJson, asKube, maybeMap, stringAt } from './json-access.ts';
import type { KindRules, ResourceKind } from './kind.ts';

/** The names that differ between an Event of the core group, which is what is stored, and of events.k8s.io. */
const RENAMED: readonly (readonly [core: string, events: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['reportingComponent', 'reportingController'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
];

function renamed(object: KubeObject, apiVersion: string, names: ReadonlyMap<string, string>): KubeObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(asJson(object))) result[names.get(key) ?? key] = value;
  result.apiVersion = apiVersion;
  return asKube(result);
}

const TO_EVENTS = new Map(RENAMED);
const TO_CORE = new Map(RENAMED.map(([core, events]) => [events, core]));

export const eventConversion: NonNullable<ResourceKind['convert']> = {
  fromStored: (object) => renamed(object, 'events.k8s.io/v1', TO_EVENTS),
  toStored: (object) => renamed(object, 'v1', TO_CORE),
};

const SELECTABLE = [
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
  'reason',
  'reportingComponent',
  'source',
  'type',
];

export const eventRules: KindRules = {
  selectableFields: SELECTABLE,
  selectField(object, field) {
    const json = asJson(object);
    if (field.startsWith('involvedObject.')) {
      return stringAt(maybeMap(json, 'involvedObject'), field.slice('involvedObject.'.length));
    }
    if (field === 'source') {
      return stringAt(maybeMap(json, 'source'), 'component') || stringAt(json, 'reportingComponent');
    }
    return stringAt(json, field);
  },
};
