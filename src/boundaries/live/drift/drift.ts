import { getIn, jsonEqual } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { objectName } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { Reading } from '../../reading.ts';
import type { RenderedFacts } from '../../rendered.ts';
import { asStored, fieldDifferences, fieldPath } from '../compare.ts';
import type { FieldDifference } from '../compare.ts';
import { objectKey } from '../snapshot.ts';
import { additions } from './additions.ts';
import { attributionOf } from './attribution.ts';
import { INJECTED, injected } from './injected.ts';
import { judgeAddition, judgeChange } from './judgement.ts';
import type { Judgement } from './judgement.ts';
import type { KnownWriter } from './writers.ts';

/**
 * `changed`: Git asks for another value. `absent`: Git asks for the object, and it is not there. `added`: somebody put
 * in what Git does not ask for. `left-over`: Git asks for the object no more, and it is still there.
 */
export type DriftKind = 'changed' | 'absent' | 'added' | 'left-over';

/** One way in which the cluster is not what Git asks for. Plain data; values of Secrets are never in it. */
export interface Drift {
  readonly kind: DriftKind;
  readonly apiVersion: string;
  readonly object: string;
  readonly namespace: string | undefined;
  /** `spec.replicas`; empty where the whole object is meant. */
  readonly field: string;
  readonly path: readonly (string | number)[];
  readonly desired: JsonValue | undefined;
  readonly live: JsonValue | undefined;
  /** File and line that ask for the value. */
  readonly where: string | undefined;
  readonly writer: KnownWriter | undefined;
  /** True where the field belongs to that writer by design; nobody has to decide anything. */
  readonly expected: boolean;
  /** Stable, kebab-case. */
  readonly reason: string;
  /** Who or what it was, in words. */
  readonly by: string;
  /** What somebody who runs this has to do about it. */
  readonly response: string;
}

/** One rendered object beside what the cluster stores. */
export interface DriftSubject {
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  /** File and line that ask for a field. */
  readonly why: (path: readonly (string | number)[]) => string | undefined;
  /** Whether a value of it came from a Secret. */
  readonly hidden?: RenderedFacts['hidden'];
  /** Names of the autoscalers that own its replica count; unknown where they could not be listed. */
  readonly autoscalers: readonly string[] | 'unknown';
  /** Whether a rule of the Application leaves the difference to others. */
  readonly ignored: (difference: FieldDifference, live: KubeObject) => boolean | 'unknown';
  /** Another application that the stored object says it belongs to. */
  readonly claimedBy?: string;
  /** Names of the mutating webhooks that take objects of this kind; left out where nobody asked for them. */
  readonly webhooks?: readonly string[];
}

/** An object that carries the application's mark and that Git no longer asks for. */
export interface LeftOver {
  readonly live: KubeObject;
  /** Whether a sync of this application may remove it. */
  readonly prunes: boolean;
}

export interface DriftQuestion {
  readonly subjects: readonly DriftSubject[];
  readonly leftOvers: readonly LeftOver[];
  /** A sync is running or asked for: what differs may be nothing but that. */
  readonly syncing: boolean;
  /**
   * What was applied last, by {@link objectKey}, where that was another commit than the tracked one: a field that
   * still holds its value has not drifted, it has not been synced yet.
   */
  readonly applied: ReadonlyMap<string, KubeObject> | undefined;
  /** Nothing of it was ever applied: what is not there has not gone. Default false. */
  readonly neverSynced?: boolean;
  /** Whether a delivery controller of that name is the one that delivers this. Default: any is. */
  readonly isOwn?: (manager: string) => boolean;
}

const HIDDEN = '(not shown)';

function identity(object: KubeObject): Pick<Drift, 'apiVersion' | 'object' | 'namespace'> {
  return {
    apiVersion: object.apiVersion,
    object: `${object.kind}/${object.metadata.name}`,
    namespace: object.metadata.namespace,
  };
}

function shownOf(
  { object, hidden }: DriftSubject,
  path: readonly (string | number)[],
  value: JsonValue | undefined,
) {
  const data = object.kind === 'Secret' && (path[0] === 'data' || path[0] === 'stringData');
  const secret = data || hidden?.(path) === true;
  return secret && value !== undefined ? HIDDEN : value;
}

function isPending(
  question: DriftQuestion,
  object: KubeObject,
  difference?: FieldDifference,
  live?: KubeObject,
): boolean {
  if (question.syncing) return true;
  if (question.applied === undefined) return false;
  const before = question.applied.get(objectKey(object));
  if (before === undefined || difference === undefined) return before === undefined;
  const then = getIn(before, ...difference.path);
  // Of a list that is only in another order, what is stored has more than what was applied.
  if (Array.isArray(then) && Array.isArray(difference.live) && live !== undefined)
    return fieldDifferences(before, live).every(({ path }) => fieldPath(path) !== fieldPath(difference.path));
  return then === undefined || difference.live === undefined
    ? then === difference.live
    : jsonEqual(then, difference.live);
}

function driftOf(subject: DriftSubject, question: DriftQuestion): readonly Drift[] {
  const { object } = subject;
  const base = identity(object);
  if (subject.live.state === 'unreadable') return [];
  if (subject.live.state === 'absent') {
    const pending = question.neverSynced === true || isPending(question, object);
    return [
      {
        ...base,
        kind: 'absent',
        field: '',
        path: [],
        desired: undefined,
        live: undefined,
        where: subject.why(['metadata', 'name']),
        writer: undefined,
        expected: pending,
        reason: pending ? 'not-synced-yet' : 'deleted',
        by: pending
          ? 'nobody: the tracked commit has not been applied yet'
          : 'somebody deleted it, or it was never made',
        response: 'Let the controller make it again, or take it out of Git.',
      },
    ];
  }
  const live = subject.live.value;
  const changed = fieldDifferences(object, live).map((difference): Drift => {
    const attribution = attributionOf(live, difference.path, difference.live, object);
    const isReplicas = fieldPath(difference.path) === 'spec.replicas';
    return {
      ...base,
      kind: 'changed',
      field: fieldPath(difference.path),
      path: difference.path,
      desired: shownOf(subject, difference.path, difference.desired),
      live: shownOf(subject, difference.path, difference.live),
      where: subject.why(difference.path),
      writer: attribution.state === 'named' ? attribution.writer : undefined,
      ...judgeChange(live, attribution, {
        pending: isPending(question, object, difference, live),
        ignored: subject.ignored(difference, live) === true,
        autoscalers: isReplicas && subject.autoscalers !== 'unknown' ? subject.autoscalers : [],
        claimedBy: subject.claimedBy,
        webhooks: subject.webhooks ?? [],
        isOwn: question.isOwn ?? (() => true),
      }),
    };
  });
  const added = [...additions(asStored(object), live), ...injected(object, live)].map(
    ({ path, live: value, writer }): Drift => ({
      ...base,
      kind: 'added',
      field: fieldPath(path),
      path,
      desired: undefined,
      live: shownOf(subject, path, value),
      where: undefined,
      writer,
      ...judgeAddition(writer, live, subject.webhooks ?? []),
    }),
  );
  return [...changed, ...added];
}

function leftOverDrift({ live, prunes }: LeftOver): Drift {
  const finalizers = live.metadata.finalizers ?? [];
  const options = live.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
  const held = live.metadata.deletionTimestamp !== undefined;
  const kept = /Prune=(?:false|confirm)/.test(options);
  const judgement: Judgement = held
    ? {
        expected: false,
        reason: 'prune-held',
        by: `it is being deleted${finalizers.length > 0 ? `, and held by the finalizer ${finalizers.join(', ')}` : ''}`,
        response:
          'Find out why the owner of that finalizer does not finish; removing it by hand skips its cleaning up.',
      }
    : kept
      ? {
          expected: true,
          reason: 'prune-kept',
          by: `its annotation says ${/Prune=\w+/.exec(options)?.[0] ?? ''}`,
          response: 'Delete it by hand once nothing needs it.',
        }
      : {
          expected: false,
          reason: prunes ? 'prune-pending' : 'prune-off',
          by: prunes
            ? 'Git no longer asks for it, and no sync has removed it'
            : 'Git no longer asks for it, and this application does not prune',
          response: prunes
            ? 'Ask for a sync: landfall sync.'
            : 'Ask for a sync that prunes: landfall sync --prune.',
        };
  return {
    ...identity(live),
    kind: 'left-over',
    field: '',
    path: [],
    desired: undefined,
    live: undefined,
    where: undefined,
    writer: undefined,
    ...judgement,
  };
}

/**
 * Everything in which the cluster differs from what Git asks for, with who did it: what nobody explains first. Pure;
 * an object that cannot be read is in no drift, and callers say so.
 */
export function decideDrift(question: DriftQuestion): readonly Drift[] {
  const all = [
    ...question.subjects.flatMap((subject) => driftOf(subject, question)),
    ...question.leftOvers.map(leftOverDrift),
  ];
  const rank = (drift: Drift) => (drift.expected ? 1 : 0);
  return all.toSorted((a, b) => rank(a) - rank(b));
}

/** Objects whose drift is not known, with the reason. */
export function unreadSubjects(
  subjects: readonly DriftSubject[],
): readonly { readonly object: string; readonly why: string }[] {
  return subjects.flatMap(({ object, live }) =>
    live.state === 'unreadable' ? [{ object: objectName(object), why: live.why }] : [],
  );
}

/** Whether it was done on the way into the cluster, by what leaves no name. */
export function isOnAdmission({ reason, writer }: Drift): boolean {
  return reason === 'rewritten' || (reason === 'added-on-admission' && writer?.manager === INJECTED.manager);
}
