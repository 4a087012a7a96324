import { LandfallError, nearest } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { FieldOrigin } from './provenance.ts';
import type { RenderedObject } from './rendered-object.ts';

/** One field of one object, as a person names it. */
export interface FieldQuestion {
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly path: readonly (string | number)[];
}

export interface FieldAnswer {
  readonly object: RenderedObject;
  readonly path: readonly (string | number)[];
  /** Newest first. */
  readonly origins: readonly FieldOrigin[];
}

/** The short names kubectl takes for the kinds people ask about most. */
const shortKinds: Readonly<Record<string, string>> = {
  cm: 'configmap',
  cj: 'cronjob',
  crd: 'customresourcedefinition',
  deploy: 'deployment',
  ds: 'daemonset',
  hpa: 'horizontalpodautoscaler',
  ing: 'ingress',
  netpol: 'networkpolicy',
  ns: 'namespace',
  pdb: 'poddisruptionbudget',
  po: 'pod',
  pv: 'persistentvolume',
  pvc: 'persistentvolumeclaim',
  rs: 'replicaset',
  sa: 'serviceaccount',
  sc: 'storageclass',
  sts: 'statefulset',
  svc: 'service',
};

/**
 * Reads `deploy/payment-api:spec.replicas`, with a namespace `deploy/shop/payment-api:spec.replicas`, and list
 * items by index or name: `spec.template.spec.containers[0].image`, `…containers[name=app].image`. A dot in a name
 * is written `\.` or in brackets: `metadata.labels[app.kubernetes.io/name]`.
 */
export function parseQuestion(text: string): FieldQuestion {
  const colon = text.indexOf(':');
  const parts = colon < 0 ? [] : text.slice(0, colon).split('/');
  const [kind = '', second = '', third] = parts;
  const path = parseFieldPath(text.slice(colon + 1));
  if (parts.length < 2 || parts.length > 3 || kind === '' || second === '' || path.length === 0) {
    throw new LandfallError(`'${text}' does not name a field of an object.`, {
      kind: 'invalid-input',
      code: 'field-question',
      object: text,
      hint: 'Write kind/name:path, for instance deploy/payment-api:spec.replicas.',
    });
  }
  return {
    kind: shortKinds[kind.toLowerCase()] ?? kind.toLowerCase().replace(/(?<=[^s])s$/, ''),
    namespace: third === undefined ? undefined : second,
    name: third ?? second,
    path,
  };
}

/** A path with dots, brackets and escapes, as its steps. A step `name=value` picks an item of a list. */
export function parseFieldPath(text: string): (string | number)[] {
  const steps: (string | number)[] = [];
  let current = '';
  const push = () => {
    if (current !== '') steps.push(current);
    current = '';
  };
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (character === '\\') current += text.charAt(++i);
    else if (character === '.') push();
    else if (character === '[') {
      push();
      const end = text.indexOf(']', i);
      const inner = text.slice(i + 1, end < 0 ? text.length : end).replace(/^["']|["']$/g, '');
      steps.push(/^\d+$/.test(inner) ? Number(inner) : inner);
      i = end < 0 ? text.length : end;
    } else current += character;
  }
  push();
  return steps;
}

/** Who set the field. Throws `not-found` with the nearest right name where there is no such object or field. */
export function answer(objects: readonly RenderedObject[], question: FieldQuestion): FieldAnswer[] {
  const ofKind = objects.filter((object) => object.kind.toLowerCase() === question.kind);
  const named = ofKind.filter(
    (object) =>
      object.name === question.name &&
      (question.namespace === undefined || object.namespace === question.namespace),
  );
  if (named.length === 0) throw noObject(objects, ofKind, question);
  const answers = named.flatMap((object) => {
    const path = resolveItems(object.value, question.path);
    const origins = object.why(path);
    return origins.length === 0 ? [] : [{ object, path, origins }];
  });
  if (answers.length > 0) return answers;
  throw noField(named, question);
}

/** Steps that pick an item of a list (`name=app`, or its name alone) as indexes into the lists of this value. */
export function resolveItems(value: JsonValue, path: readonly (string | number)[]): (string | number)[] {
  const resolved: (string | number)[] = [];
  let at: unknown = value;
  for (const step of path) {
    let next = step;
    if (Array.isArray(at) && typeof step === 'string') {
      const cut = step.indexOf('=');
      const [key, wanted] = cut < 0 ? ['name', step] : [step.slice(0, cut), step.slice(cut + 1)];
      const index = at.findIndex((item: unknown) => fieldOf(item, key) === wanted);
      if (index >= 0) next = index;
    }
    resolved.push(next);
    at = Array.isArray(at) ? (at as unknown[])[Number(next)] : fieldOf(at, String(next));
  }
  return resolved;
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function noObject(
  objects: readonly RenderedObject[],
  ofKind: readonly RenderedObject[],
  question: FieldQuestion,
): LandfallError {
  const label = `${question.kind}/${question.name}`;
  const [near] =
    ofKind.length > 0
      ? nearest(
          question.name,
          ofKind.map((object) => object.name),
        )
      : nearest(
          question.kind,
          objects.map((object) => object.kind),
        );
  const there =
    ofKind.length > 0
      ? ofKind.map((object) => object.name)
      : [...new Set(objects.map((object) => object.kind))];
  return new LandfallError(`There is no ${label} among the ${objects.length} rendered objects.`, {
    kind: 'not-found',
    code: 'no-such-object',
    object: label,
    hint: near === undefined ? `There are: ${there.slice(0, 8).join(', ')}.` : `Did you mean ${near}?`,
  });
}

function noField(named: readonly RenderedObject[], question: FieldQuestion): LandfallError {
  const [first] = named;
  let at: unknown = first?.value;
  const walked: string[] = [];
  let hint = 'Ask for a field that is in the rendered object.';
  for (const step of question.path) {
    const next = Array.isArray(at) ? (at as unknown[])[Number(step)] : fieldOf(at, String(step));
    if (next === undefined) {
      const keys = typeof at === 'object' && at !== null && !Array.isArray(at) ? Object.keys(at) : [];
      const [near] = nearest(String(step), keys);
      if (near !== undefined) hint = `Did you mean ${[...walked, near].join('.')}?`;
      else if (keys.length > 0) hint = `${walked.join('.') || 'It'} has: ${keys.slice(0, 10).join(', ')}.`;
      else if (Array.isArray(at)) hint = `${walked.join('.')} has ${at.length} items.`;
      break;
    }
    walked.push(String(step));
    at = next;
  }
  const label = `${question.kind}/${question.name}`;
  return new LandfallError(`${label} has no field ${question.path.join('.')}.`, {
    kind: 'not-found',
    code: 'no-such-field',
    object: label,
    hint,
  });
}
