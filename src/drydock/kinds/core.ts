import { jsonEqual } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import type { FieldError } from '../machinery/status-errors.ts';
import { asJson, mapAt, mapsAt, maybeMap, setDefault, stringAt } from './json-access.ts';
import type { KindRules } from './kind.ts';

const IMMUTABLE = 'field is immutable when `immutable` is set';

function immutableData(fields: readonly string[]) {
  return (object: KubeObject, old: KubeObject): readonly FieldError[] => {
    if (asJson(old).immutable !== true) return [];
    const errors: FieldError[] = [];
    if (asJson(object).immutable !== true) {
      errors.push({ type: 'forbidden', field: 'immutable', detail: IMMUTABLE });
    }
    for (const field of fields) {
      if (!jsonEqual(asJson(object)[field] ?? {}, asJson(old)[field] ?? {})) {
        errors.push({ type: 'forbidden', field, detail: IMMUTABLE });
      }
    }
    return errors;
  };
}

function validateKeys(object: KubeObject, fields: readonly string[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const field of fields) {
    for (const [key, value] of Object.entries(maybeMap(asJson(object), field) ?? {})) {
      size += typeof value === 'string' ? value.length : 0;
      if (/^[-._a-zA-Z0-9]+$/.test(key) && key.length <= 253 && key !== '.' && !key.startsWith('..'))
        continue;
      errors.push({
        type: 'invalid',
        field: `${field}[${key}]`,
        value: key,
        detail:
          "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      });
    }
  }
  if (size > 1024 * 1024 * 1.5) {
    errors.push({ type: 'too-long', field: '', detail: 'may not be more than 1048576 bytes' });
  }
  return errors;
}

export const configMapRules: KindRules = {
  validate: (object) => validateKeys(object, ['data', 'binaryData']),
  validateUpdate: immutableData(['data', 'binaryData']),
};

export const secretRules: KindRules = {
  defaults: (object) => setDefault(asJson(object), 'type', 'Opaque'),
  /** stringData is written only: it becomes data. */
  prepareCreate: (object) => mergeStringData(object),
  prepareUpdate: (object) => mergeStringData(object),
  validate(object) {
    const errors = [...validateKeys(object, ['data'])];
    const data = maybeMap(asJson(object), 'data') ?? {};
    const needed: Readonly<Record<string, readonly string[]>> = {
      'kubernetes.io/tls': ['tls.crt', 'tls.key'],
      'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
      'kubernetes.io/ssh-auth': ['ssh-privatekey'],
    };
    for (const key of needed[stringAt(asJson(object), 'type')] ?? []) {
      if (data[key] === undefined) errors.push({ type: 'required', field: `data[${key}]`, detail: '' });
    }
    return errors;
  },
  validateUpdate(object, old) {
    const errors = [...immutableData(['data'])(object, old)];
    if (asJson(object).type !== asJson(old).type) {
      errors.push({
        type: 'invalid',
        field: 'type',
        value: asJson(object).type,
        detail: 'field is immutable',
      });
    }
    return errors;
  },
  selectableFields: ['type'],
  selectField: (object) => stringAt(asJson(object), 'type'),
};

function mergeStringData(object: KubeObject): void {
  const json = asJson(object);
  const given = maybeMap(json, 'stringData');
  if (given === undefined) return;
  const data = mapAt(json, 'data');
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === 'string') data[key] = Buffer.from(value).toString('base64');
  }
  delete json.stringData;
}

export const namespaceRules: KindRules = {
  defaults(object) {
    object.metadata.labels = {
      ...object.metadata.labels,
      'kubernetes.io/metadata.name': object.metadata.name,
    };
  },
  prepareCreate(object) {
    const json = asJson(object);
    json.spec = { finalizers: ['kubernetes'] };
    json.status = { phase: 'Active' };
  },
  prepareUpdate(object, old) {
    const json = asJson(object);
    json.spec = { ...maybeMap(asJson(old), 'spec') };
  },
  selectableFields: ['status.phase'],
  selectField: (object) => stringAt(maybeMap(asJson(object), 'status'), 'phase'),
};

export const nodeRules: KindRules = {
  selectableFields: ['spec.unschedulable'],
  selectField: (object) => (maybeMap(asJson(object), 'spec')?.unschedulable === true ? 'true' : 'false'),
};

export const endpointsRules: KindRules = {
  defaults(object) {
    for (const subset of mapsAt(asJson(object), 'subsets')) {
      for (const port of mapsAt(subset, 'ports')) setDefault(port, 'protocol', 'TCP');
    }
  },
};
