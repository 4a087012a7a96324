import { getIn, jsonEqual, LandfallError } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { fieldPath, fieldTargets, isHidden, objectKey, valueOf, writersOf } from '../boundaries/index.ts';
import type { Material } from './judge.ts';
import type { Trace, TraceRow } from './trace.ts';

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
  const targets = fieldTargets(material.rendered, attribute, ({ object }) => object);
  for (const { item: facts, path } of targets) {
    const name = `${facts.object.kind}/${facts.object.metadata.name}`;
    const secret = isHidden(facts, path);
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
      const writer = writersOf(live, path, facts.object)[0];
      const differs = asked !== undefined && !(stored !== undefined && jsonEqual(asked, stored));
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
