import { getIn, LandfallError, nearest } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';

/** kubectl's short names of the kinds that people name most. */
const SHORT_KINDS: Readonly<Record<string, string>> = {
  cm: 'configmap',
  cj: 'cronjob',
  deploy: 'deployment',
  ds: 'daemonset',
  hpa: 'horizontalpodautoscaler',
  ing: 'ingress',
  netpol: 'networkpolicy',
  ns: 'namespace',
  pdb: 'poddisruptionbudget',
  po: 'pod',
  rs: 'replicaset',
  sa: 'serviceaccount',
  sts: 'statefulset',
  svc: 'service',
};

export interface FieldTarget<T> {
  readonly item: T;
  readonly path: readonly (string | number)[];
}

/** `spec.containers[0].image` as steps; list items also by name (`containers[notifier]`), keys with dots in quotes. */
function parsePath(text: string, object: JsonValue): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const match of text.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    const [, field, index = ''] = match;
    const list = getIn(object, ...steps);
    if (field !== undefined) {
      steps.push(Array.isArray(list) && /^\d+$/.test(field) ? Number(field) : field);
      continue;
    }
    const quoted = /^(['"])(.*)\1$/.exec(index);
    if (quoted !== null) steps.push(quoted[2] ?? '');
    else if (/^\d+$/.test(index)) steps.push(Number(index));
    else {
      const found = Array.isArray(list) ? list.findIndex((item) => getIn(item, 'name') === index) : -1;
      steps.push(found < 0 ? index : found);
    }
  }
  return steps;
}

function matches(object: KubeObject, wanted: string): boolean {
  const [kind = '', name] = wanted.split('/');
  const full = SHORT_KINDS[kind.toLowerCase()] ?? kind.toLowerCase();
  const own = object.kind.toLowerCase();
  return (own === full || `${own}s` === full) && (name === undefined || name === object.metadata.name);
}

/**
 * What `deploy/payment-api:spec.replicas` names among objects; without an object, the field of all of them. Throws
 * `invalid-input` with the nearest names when no object is meant.
 */
export function fieldTargets<T>(
  items: readonly T[],
  text: string,
  objectOf: (item: T) => KubeObject,
): readonly FieldTarget<T>[] {
  const colon = text.indexOf(':');
  const object = colon < 0 ? undefined : text.slice(0, colon);
  if (text.slice(colon + 1).trim() === '') {
    throw new LandfallError(`'${text}' names no field.`, {
      kind: 'invalid-input',
      code: 'field-missing',
      object: text,
      hint: 'Write it as deploy/payment-api:spec.replicas.',
    });
  }
  const candidates = object === undefined ? items : items.filter((item) => matches(objectOf(item), object));
  if (object !== undefined && candidates.length === 0) {
    const names = items.map((item) => `${objectOf(item).kind.toLowerCase()}/${objectOf(item).metadata.name}`);
    const near = nearest(object, names);
    throw new LandfallError(`No rendered object is ${object}.`, {
      kind: 'invalid-input',
      code: 'object-not-rendered',
      object,
      hint: `Rendered are ${(near.length > 0 ? near : names).slice(0, 8).join(', ') || 'no objects at all'}.`,
    });
  }
  return candidates.map((item) => ({ item, path: parsePath(text.slice(colon + 1), objectOf(item)) }));
}
