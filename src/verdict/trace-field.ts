import { LandfallError } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { getIn } from '../kernel/index.ts';
import { fieldPath, objectKey, valueOf, writersOf } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { nearest } from './application.ts';
import type { Material } from './judge.ts';
import type { Trace, TraceRow } from './trace.ts';

const SHORT_KINDS: Readonly<Record<string, string>> = {
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  svc: 'service',
  cm: 'configmap',
  ns: 'namespace',
  hpa: 'horizontalpodautoscaler',
  pdb: 'poddisruptionbudget',
  ing: 'ingress',
  sa: 'serviceaccount',
};

interface Target {
  readonly facts: RenderedFacts;
  readonly path: readonly (string | number)[];
}

/** `spec.template.spec.containers[0].image` as steps; list items also by name: `containers[notifier]`. */
function parsePath(text: string, object: JsonValue): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const match of text.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    const [, field, index] = match;
    if (field !== undefined) steps.push(field);
    else if (/^\d+$/.test(index ?? '')) steps.push(Number(index));
    else {
      const list = getIn(object, ...steps);
      const found = Array.isArray(list) ? list.findIndex((item) => getIn(item, 'name') === index) : -1;
      steps.push(found < 0 ? (index ?? '') : found);
    }
  }
  return steps;
}

function matches(facts: RenderedFacts, wanted: string): boolean {
  const [kind = '', name] = wanted.split('/');
  const full = SHORT_KINDS[kind.toLowerCase()] ?? kind.toLowerCase();
  const own = facts.object.kind.toLowerCase();
  return (own === full || `${own}s` === full) && (name === undefined || name === facts.object.metadata.name);
}

/** Finds what `deploy/payment-api:spec.replicas` or `spec.replicas` names among the rendered objects. */
function targetsOf(rendered: readonly RenderedFacts[], attribute: string): readonly Target[] {
  const colon = attribute.indexOf(':');
  const object = colon < 0 ? undefined : attribute.slice(0, colon);
  const field = attribute.slice(colon + 1);
  const candidates = object === undefined ? rendered : rendered.filter((facts) => matches(facts, object));
  if (object !== undefined && candidates.length === 0) {
    const names = rendered.map((facts) => `${facts.object.kind.toLowerCase()}/${facts.object.metadata.name}`);
    const near = nearest(object, names);
    throw new LandfallError(`No rendered object is ${object}.`, {
      kind: 'invalid-input',
      code: 'object-not-rendered',
      object,
      hint: `Rendered are ${(near.length > 0 ? near : names).slice(0, 8).join(', ') || 'no objects at all'}.`,
    });
  }
  return candidates.map((facts) => ({ facts, path: parsePath(field, facts.object) }));
}

function shown(value: JsonValue | undefined): string {
  if (value === undefined) return 'not set';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * One field of rendered objects at each boundary: every file and line that set it, newest first, what was rendered,
 * what the cluster holds and who wrote it. Throws `invalid-input` when nothing rendered or stored has the field.
 */
export function traceField(material: Material, attribute: string): Trace {
  const rows: TraceRow[] = [];
  const targets = targetsOf(material.rendered, attribute);
  for (const { facts, path } of targets) {
    const name = `${facts.object.kind}/${facts.object.metadata.name}`;
    const secret = facts.object.kind === 'Secret';
    const live = valueOf(material.snapshot.objects.get(objectKey(facts.object)));
    const asked = getIn(facts.object, ...path);
    const stored = live === undefined ? undefined : getIn(live, ...path);
    if (asked === undefined && stored === undefined) continue;
    const show = (value: JsonValue | undefined) =>
      secret && value !== undefined ? '(not shown)' : shown(value);
    for (const [index, source] of facts.why(path).entries()) {
      const by = source.by === undefined ? '' : ` by ${source.by}`;
      rows.push({
        boundary: 'intent',
        value: show(source.value),
        count: '',
        verdict: 'agrees',
        note: `${index === 0 ? '' : 'overridden, '}${source.file}:${source.line}${by}`,
        claims: [],
      });
    }
    rows.push({
      boundary: 'render',
      value: show(asked),
      count: '',
      verdict: 'agrees',
      note: name,
      claims: [],
    });
    if (live !== undefined) {
      const writer = writersOf(live, path)[0];
      const differs = asked !== undefined && JSON.stringify(asked) !== JSON.stringify(stored);
      rows.push({
        boundary: 'live',
        value: show(stored),
        count: '',
        verdict: differs ? 'differs' : 'agrees',
        note: writer === undefined ? name : `${name}, written by ${writer.manager}`,
        claims: [],
      });
    }
    if (fieldPath(path) === 'spec.replicas' && live !== undefined) {
      rows.push({
        boundary: 'health',
        value: shown(getIn(live, 'status', 'readyReplicas') ?? 0),
        count: '',
        verdict: 'open',
        note: 'ready',
        claims: [],
      });
      rows.push({
        boundary: 'rollout',
        value: shown(getIn(live, 'status', 'updatedReplicas') ?? 0),
        count: '',
        verdict: 'open',
        note: 'updated',
        claims: [],
      });
    }
  }
  if (rows.length === 0) {
    throw new LandfallError(`Neither the manifests nor the cluster have ${attribute}.`, {
      kind: 'invalid-input',
      code: 'field-not-found',
      object: attribute,
      hint: 'Name image, version, commit, replicas or revision, or a field: deploy/payment-api:spec.replicas.',
    });
  }
  return { attribute, rows };
}
