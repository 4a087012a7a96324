import { getString } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { shortReference } from '../names.ts';
import type { Reading } from '../reading.ts';
import { isHidden } from '../rendered.ts';
import type { RenderedFacts } from '../rendered.ts';
import { objectSource } from '../source.ts';
import { endsByItself, isWorkload, templateContainers } from '../workload.ts';
import type { PullPolicy } from '../workload.ts';
import { fieldDifferences, fieldPath } from './compare.ts';
import type { FieldDifference } from './compare.ts';
import { addedByHand } from './by-hand.ts';
import { attributionOf } from './drift/attribution.ts';
import { writersOf } from './managers.ts';

export interface LiveSubject {
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  /** File and line that ask for a field. */
  readonly why: (path: readonly (string | number)[]) => string | undefined;
  /** Whether a value of it came from a Secret. */
  readonly hidden?: RenderedFacts['hidden'];
  /** An autoscaler owns the replica count; unknown where they could not be listed. */
  readonly autoscaled: boolean | 'unknown';
  /** Whether a difference is left to others by the rules of the Application; left out where it has none. */
  readonly ignored?: (difference: FieldDifference, live: KubeObject) => boolean | 'unknown';
}

interface Judged {
  readonly subject: LiveSubject;
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
  readonly where: string | undefined;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function driftText(subject: LiveSubject, live: KubeObject, difference: FieldDifference): string {
  const values = isHidden(subject, difference.path)
    ? 'differs (values are not shown)'
    : `Git ${shown(difference.desired)}, live ${shown(difference.live)}`;
  const writer = writersOf(live, difference.path, subject.object)[0];
  const by =
    writer === undefined
      ? ''
      : `, written by ${writer.manager}${writer.time === undefined ? '' : ` at ${writer.time}`}`;
  return `${objectName(live)} ${fieldPath(difference.path)}: ${values}${by}`;
}

function judge(subject: LiveSubject, syncing: boolean): Judged {
  const name = objectName(subject.object);
  const base = { subject, where: undefined };
  if (subject.live.state === 'unreadable')
    return { ...base, state: 'unknown', reason: 'unreadable', text: subject.live.why };
  if (subject.live.state === 'absent' && endsByItself(subject.object))
    return {
      ...base,
      state: 'unknown',
      reason: 'job-gone',
      text: `${name} is not there; it is deleted some time after its end, and how it ended is not known`,
    };
  if (subject.live.state === 'absent')
    return {
      ...base,
      state: syncing ? 'moving' : 'broken',
      reason: 'missing',
      text: `${name} is not stored in the cluster`,
    };
  const live = subject.live.value;
  if (live.metadata.deletionTimestamp !== undefined) {
    const held = live.metadata.finalizers?.length ? `, held by ${live.metadata.finalizers.join(', ')}` : '';
    return { ...base, state: 'broken', reason: 'deleting', text: `${name} is being deleted${held}` };
  }
  const isReplicas = (difference: FieldDifference) => fieldPath(difference.path) === 'spec.replicas';
  const isIgnored = (difference: FieldDifference) => subject.ignored?.(difference, live) ?? false;
  const differences = fieldDifferences(subject.object, live).filter(
    (difference) =>
      !(subject.autoscaled === true && isReplicas(difference)) && isIgnored(difference) !== true,
  );
  const undecided = (difference: FieldDifference) =>
    (subject.autoscaled === 'unknown' && isReplicas(difference)) || isIgnored(difference) === 'unknown';
  const first = differences.find((difference) => !undecided(difference)) ?? differences[0];
  if (first === undefined) return agreeing(subject, live, isIgnored) ?? { ...base, ...STORED, text: name };
  if (undecided(first)) {
    const scaler = isIgnored(first) !== 'unknown';
    const told = driftText(subject, live, first);
    return {
      ...base,
      state: 'unknown',
      reason: scaler ? 'autoscalers-unreadable' : 'ignore-rule-unread',
      text: scaler
        ? `${told}; whether an autoscaler did it is not known, since they may not be listed`
        : `${told}; whether a jqPathExpression of ignoreDifferences covers it is not evaluated`,
    };
  }
  const more = differences.length > 1 ? ` (and ${differences.length - 1} more)` : '';
  return {
    subject,
    state: syncing ? 'moving' : 'broken',
    reason: 'drift',
    text: `${driftText(subject, live, first)}${more}`,
    where: subject.why(first.path),
  };
}

const STORED = { state: 'proven', reason: 'stored' } as const;

/**
 * An object whose fields all are what Git asks for, or are left to others, and that runs something else all the same.
 * An image that the Application ignores is what the delivery is about: that nobody compares it proves nothing.
 */
function agreeing(
  subject: LiveSubject,
  live: KubeObject,
  isIgnored: (difference: FieldDifference) => boolean | 'unknown',
): Judged | undefined {
  const { object } = subject;
  const images = templateContainers(object).map(({ imagePath }) => imagePath);
  const hidden = fieldDifferences(object, live).find(
    (difference) =>
      isIgnored(difference) === true &&
      images.some((image) => difference.path.every((step, index) => step === image[index])),
  );
  if (hidden !== undefined)
    return {
      subject,
      state: 'broken',
      reason: 'image-ignored',
      text: `${driftText(subject, live, hidden)}; ignoreDifferences of the Application hides it`,
      where: subject.why(hidden.path),
    };
  const [added] = addedByHand(object, live).filter(
    ({ path, live: value }) => isIgnored({ path, desired: null, live: value }) !== true,
  );
  if (added === undefined) return undefined;
  const { writer, path } = added;
  const at = writer.time === undefined ? '' : ` at ${writer.time}`;
  // A variable may hold a secret: its name is enough.
  const name = getString(added.live, 'name');
  const isSecret = object.kind === 'Secret';
  const what = name ?? (isSecret || typeof added.live === 'object' ? undefined : shown(added.live));
  const known = writer.kind !== 'unknown';
  return {
    subject,
    state: known ? 'broken' : 'unknown',
    reason: known ? 'added-by-hand' : 'added-by-unknown',
    text: `${objectName(live)} ${fieldPath(path)}${what === undefined ? '' : ` (${what})`}: Git does not ask for it, ${writer.manager} wrote it${at}`,
    where: undefined,
  };
}

/**
 * True when the object differs from what Git asks for, and everything that differs was written by somebody else than a
 * delivery controller: nothing of the commit is missing, it was changed after it had been applied.
 */
export function changedByOthers(subject: LiveSubject): boolean {
  const { object, live } = subject;
  if (live.state !== 'read' || live.value.metadata.deletionTimestamp !== undefined) return false;
  const stored = live.value;
  const differences = fieldDifferences(object, stored).filter(
    (difference) => subject.ignored?.(difference, stored) !== true,
  );
  return (
    differences.length > 0 &&
    differences.every((difference) => {
      const attribution = attributionOf(stored, difference.path, difference.live, object);
      return attribution.state === 'named'
        ? attribution.writer.kind !== 'delivery'
        : attribution.state === 'taken-out';
    })
  );
}

/** The pull policy that is in force: what is stored, since the API server writes its default into the object. */
export function storedPullPolicies(
  subjects: readonly { readonly live: Reading<KubeObject> }[],
): readonly PullPolicy[] {
  const found = subjects.flatMap((subject) =>
    subject.live.state === 'read'
      ? templateContainers(subject.live.value).flatMap((container) =>
          container.role === 'main' && container.pullPolicy ? [container.pullPolicy] : [],
        )
      : [],
  );
  return [...new Set(found)];
}

function claimsOf(subject: LiveSubject, at: string): Claim[] {
  if (subject.live.state !== 'read') return [];
  const live = subject.live.value;
  const base = { boundary: 'live' as const, subject: objectName(live), source: objectSource(live), at };
  const claims: Claim[] = [];
  if (live.metadata.generation !== undefined)
    claims.push({ ...base, attribute: 'generation', value: String(live.metadata.generation) });
  for (const container of templateContainers(live)) {
    const of = { ...base, subject: `${base.subject}/${container.name}` };
    claims.push({ ...of, attribute: 'image', value: container.image });
    if (container.pullPolicy !== undefined)
      claims.push({ ...of, attribute: 'imagePullPolicy', value: container.pullPolicy });
  }
  for (const difference of fieldDifferences(subject.object, live)) {
    const value = isHidden(subject, difference.path) ? 'differs' : shown(difference.live);
    claims.push({ ...base, attribute: fieldPath(difference.path), value });
  }
  return claims;
}

/**
 * Boundary 5: does the API server store it, and has nobody changed it since? Compared is every field that Git asks
 * for; fields that an autoscaler owns are left to it. `syncing` says that the controller is still at it.
 */
export function decideLive(
  subjects: readonly LiveSubject[],
  leadingImage: string | undefined,
  syncing: boolean,
  at: string,
): BoundaryReport {
  if (subjects.length === 0) {
    return {
      boundary: 'live',
      state: 'unknown',
      reason: 'nothing-rendered',
      headline: 'nothing to look for',
      detail: 'no object was rendered',
      claims: [],
    };
  }
  const judged = subjects.map((subject) => judge(subject, syncing));
  const state = worst(judged.map((item) => item.state));
  const leading = judged.find((item) => item.state === state);
  const workload = subjects.find((subject) => isWorkload(subject.object) && subject.live.state === 'read');
  const live = workload?.live.state === 'read' ? workload.live.value : undefined;
  const image =
    live &&
    templateContainers(live).find(
      (container) => leadingImage === undefined || container.image === leadingImage,
    )?.image;
  const policies = storedPullPolicies(subjects);
  return {
    boundary: 'live',
    state,
    reason: leading?.reason ?? 'stored',
    headline: image === undefined ? `${subjects.length} objects` : shortReference(image),
    detail:
      state === 'proven'
        ? policies.length > 0
          ? `imagePullPolicy ${policies.join(', ')}`
          : 'stored as asked'
        : (leading?.text ?? ''),
    ...(leading?.where !== undefined
      ? { where: leading.where }
      : live?.metadata.generation === undefined
        ? {}
        : { where: `generation ${live.metadata.generation}` }),
    claims: subjects.flatMap((subject) => claimsOf(subject, at)),
  };
}
