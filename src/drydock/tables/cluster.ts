import type { JsonObject } from '../../kernel/index.ts';
import { mapsAt, maybeMap, numberAt, stringAt } from '../kinds/json-access.ts';
import { age } from './age.ts';
import { columns, type Printer } from './column.ts';

const meta = (object: JsonObject) => maybeMap(object, 'metadata') ?? {};
const spec = (object: JsonObject) => maybeMap(object, 'spec') ?? {};
const name = (object: JsonObject) => stringAt(meta(object), 'name');
const created = (object: JsonObject, now: number) => age(meta(object).creationTimestamp, now);

function subjects(object: JsonObject, kind: string): string {
  return mapsAt(object, 'subjects')
    .filter((subject) => subject.kind === kind)
    .map((subject) =>
      kind === 'ServiceAccount'
        ? `${stringAt(subject, 'namespace')}/${stringAt(subject, 'name')}`
        : stringAt(subject, 'name'),
    )
    .join(', ');
}

export const bindingPrinter: Printer = {
  columns: columns('Name, Role, Age, *Users, *Groups, *ServiceAccounts'),
  cells(object, now) {
    const role = maybeMap(object, 'roleRef');
    return [
      name(object),
      `${stringAt(role, 'kind')}/${stringAt(role, 'name')}`,
      created(object, now),
      subjects(object, 'User'),
      subjects(object, 'Group'),
      subjects(object, 'ServiceAccount'),
    ];
  },
};

export const leasePrinter: Printer = {
  columns: columns('Name, Holder, Age'),
  cells: (object, now) => [name(object), stringAt(spec(object), 'holderIdentity'), created(object, now)],
};

export const priorityClassPrinter: Printer = {
  columns: columns('Name, Value:integer, Global-Default:boolean, Age, *PreemptionPolicy'),
  cells: (object, now) => [
    name(object),
    numberAt(object, 'value'),
    object.globalDefault === true,
    created(object, now),
    stringAt(object, 'preemptionPolicy'),
  ],
};

export const storageClassPrinter: Printer = {
  columns: columns('Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion:boolean, Age'),
  cells(object, now) {
    const isDefault =
      maybeMap(meta(object), 'annotations')?.['storageclass.kubernetes.io/is-default-class'] === 'true';
    return [
      isDefault ? `${name(object)} (default)` : name(object),
      stringAt(object, 'provisioner'),
      stringAt(object, 'reclaimPolicy'),
      stringAt(object, 'volumeBindingMode'),
      object.allowVolumeExpansion === true,
      created(object, now),
    ];
  },
};

export const controllerRevisionPrinter: Printer = {
  columns: columns('Name, Controller, Revision:integer, Age'),
  cells(object, now) {
    const owner = mapsAt(meta(object), 'ownerReferences').find((reference) => reference.controller === true);
    const group = stringAt(owner, 'apiVersion').split('/')[0] ?? '';
    return [
      name(object),
      owner === undefined
        ? '<none>'
        : `${stringAt(owner, 'kind').toLowerCase()}.${group}/${stringAt(owner, 'name')}`,
      numberAt(object, 'revision'),
      created(object, now),
    ];
  },
};

export const policyPrinter: Printer = {
  columns: columns('Name, Validations:integer, ParamKind, Age'),
  cells(object, now) {
    const params = maybeMap(spec(object), 'paramKind');
    return [
      name(object),
      mapsAt(spec(object), 'validations').length,
      params === undefined ? '<unset>' : `${stringAt(params, 'apiVersion')}/${stringAt(params, 'kind')}`,
      created(object, now),
    ];
  },
};

export const policyBindingPrinter: Printer = {
  columns: columns('Name, PolicyName, ParamRef, Age'),
  cells(object, now) {
    const params = maybeMap(spec(object), 'paramRef');
    const space = stringAt(params, 'namespace');
    const named = stringAt(params, 'name') || '*';
    const shown = params === undefined ? '<unset>' : space === '' ? named : `${space}/${named}`;
    return [name(object), stringAt(spec(object), 'policyName'), shown, created(object, now)];
  },
};

export const webhookConfigurationPrinter: Printer = {
  columns: columns('Name, Webhooks:integer, Age'),
  cells: (object, now) => [name(object), mapsAt(object, 'webhooks').length, created(object, now)],
};

export const runtimeClassPrinter: Printer = {
  columns: columns('Name, Handler, Age'),
  cells: (object, now) => [name(object), stringAt(object, 'handler'), created(object, now)],
};
