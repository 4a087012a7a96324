import { getArray, getIn, getString, isJsonObject, jsonEqual } from '../../../kernel/index.ts';
import type { JsonValue } from '../../../kernel/index.ts';
import { objectName } from '../../../kube/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { Reading } from '../../reading.ts';
import type { RenderedFacts } from '../../rendered.ts';
import { fieldDifferences, fieldPath } from '../compare.ts';
import type { FieldDifference } from '../compare.ts';
import { writersOf } from '../managers.ts';
import { objectKey } from '../snapshot.ts';
import { additions } from './additions.ts';
import { knownWriter, writerWords } from './writers.ts';
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
}

const HIDDEN = '(not shown)';

interface Judgement {
  readonly expected: boolean;
  readonly reason: string;
  readonly by: string;
  readonly response: string;
}

const COMMIT_OR_REVERT = 'Commit it to the overlay, or let the controller put back what Git says.';

function byWriter(writer: KnownWriter | undefined): string {
  return writer === undefined
    ? 'nobody that the object names'
    : `${writer.manager} (${writerWords(writer.kind)})`;
}

const ROTATORS =
  /^(?:ExternalSecret|ClusterExternalSecret|SealedSecret|Certificate|VaultStaticSecret|SecretProviderClass)$/;

function rotatedBy(live: KubeObject, writer: KnownWriter | undefined): string | undefined {
  if (live.kind !== 'Secret') return undefined;
  const owner = (live.metadata.ownerReferences ?? []).find((reference) => ROTATORS.test(reference.kind));
  if (owner !== undefined) return `${owner.kind}/${owner.name} (it owns this Secret)`;
  return writer?.kind === 'rotation' ? byWriter(writer) : undefined;
}

function judgeReplicas(subject: DriftSubject): Judgement | undefined {
  const { autoscalers } = subject;
  if (autoscalers === 'unknown' || autoscalers.length === 0) return undefined;
  return {
    expected: true,
    reason: 'autoscaled',
    by: `HorizontalPodAutoscaler/${autoscalers.join(', ')} (an autoscaler)`,
    response:
      'Leave spec.replicas out of Git: the autoscaler owns it, and every sync sets it back for a moment.',
  };
}

function judgeChange(
  subject: DriftSubject,
  live: KubeObject,
  difference: FieldDifference,
  writer: KnownWriter | undefined,
  pending: boolean,
): Judgement {
  const by = byWriter(writer);
  if (pending) {
    return {
      expected: true,
      reason: 'not-synced-yet',
      by: 'nobody: the tracked commit has not been applied yet',
      response: 'Wait for the sync, or ask for one: landfall sync.',
    };
  }
  const ignored = subject.ignored(difference, live);
  if (ignored === true) {
    return {
      expected: true,
      reason: 'ignored',
      by,
      response: 'Nothing: ignoreDifferences of the Application leaves this field to others.',
    };
  }
  const scaled = fieldPath(difference.path) === 'spec.replicas' ? judgeReplicas(subject) : undefined;
  if (scaled !== undefined) return scaled;
  const rotator = rotatedBy(live, writer);
  if (rotator !== undefined) {
    return {
      expected: true,
      reason: 'secret-rotated',
      by: rotator,
      response:
        'Keep the data out of Git: let the external source own it, and commit only the reference to it.',
    };
  }
  switch (writer?.kind) {
    case 'person':
      return { expected: false, reason: 'changed-by-hand', by, response: COMMIT_OR_REVERT };
    case 'autoscaler':
      return {
        expected: false,
        reason: 'autoscaler-gone',
        by: `${by}, and no autoscaler targets it now`,
        response: COMMIT_OR_REVERT,
      };
    case 'admission':
      return {
        expected: false,
        reason: 'changed-on-admission',
        by,
        response:
          'Document that webhook, and ignore just this field, or ask Git for the value that it insists on.',
      };
    case undefined:
    case 'delivery':
      return {
        expected: false,
        reason: 'rewritten',
        by: `${by}; its own apply was changed on the way, as an admission webhook does`,
        response: 'Find the webhook that rewrites it; document it, and ignore just this field.',
      };
    case 'rotation':
    case 'controller':
    case 'unknown':
    default:
      return {
        expected: false,
        reason: 'changed-by-another',
        by,
        response: 'Decide who owns the field: take it out of Git, or keep that writer from it.',
      };
  }
}

function judgeAddition(writer: KnownWriter, live: KubeObject): Judgement {
  const by = byWriter(writer);
  if (writer.kind === 'person') {
    return {
      expected: false,
      reason: 'added-by-hand',
      by,
      response: 'Commit it to the overlay, or take it out: no sync removes what Git never asked for.',
    };
  }
  const rotator = rotatedBy(live, writer);
  if (rotator !== undefined) {
    return { expected: true, reason: 'secret-rotated', by: rotator, response: 'Nothing: it owns the data.' };
  }
  return {
    expected: true,
    reason: writer.kind === 'admission' ? 'added-on-admission' : 'added-by-another',
    by,
    response: 'Nothing, if that writer is known here. Document it; Git does not own the field.',
  };
}

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

function isPending(question: DriftQuestion, object: KubeObject, difference?: FieldDifference): boolean {
  if (question.syncing) return true;
  if (question.applied === undefined) return false;
  const before = question.applied.get(objectKey(object));
  if (before === undefined || difference === undefined) return before === undefined;
  const then = getIn(before, ...difference.path);
  return then === undefined || difference.live === undefined
    ? then === difference.live
    : jsonEqual(then, difference.live);
}

function driftOf(subject: DriftSubject, question: DriftQuestion): readonly Drift[] {
  const { object } = subject;
  const base = identity(object);
  if (subject.live.state === 'unreadable') return [];
  if (subject.live.state === 'absent') {
    const pending = isPending(question, object);
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
    const found = writersOf(live, difference.path, object)[0];
    const writer = found && knownWriter(found);
    return {
      ...base,
      kind: 'changed',
      field: fieldPath(difference.path),
      path: difference.path,
      desired: shownOf(subject, difference.path, difference.desired),
      live: shownOf(subject, difference.path, difference.live),
      where: subject.why(difference.path),
      writer,
      ...judgeChange(subject, live, difference, writer, isPending(question, object, difference)),
    };
  });
  const added = [...additions(object, live), ...injected(object, live)].map(
    ({ path, live: value, writer }): Drift => ({
      ...base,
      kind: 'added',
      field: fieldPath(path),
      path,
      desired: undefined,
      live: shownOf(subject, path, value),
      where: undefined,
      writer,
      ...judgeAddition(writer, live),
    }),
  );
  return [...changed, ...added];
}

/** Lists whose items nobody defaults: what stands there without an owner came in on admission. */
const INJECTABLE: readonly (readonly string[])[] = [
  ['spec', 'template', 'spec', 'containers'],
  ['spec', 'template', 'spec', 'initContainers'],
  ['spec', 'template', 'spec', 'volumes'],
];

const INJECTED: KnownWriter = {
  manager: 'an admission webhook',
  operation: 'Update',
  time: undefined,
  subresource: undefined,
  kind: 'admission',
};

/** Mutating webhooks own no field: what they add at creation stands in no managed field (kube-apiserver, create.go). */
function injected(object: KubeObject, live: KubeObject) {
  return INJECTABLE.flatMap((path) => {
    const wanted = new Set(getArray(object, ...path).map((item) => getString(item, 'name')));
    return getArray(live, ...path).flatMap((item, index) => {
      const at = [...path, index];
      if (!isJsonObject(item) || wanted.has(getString(item, 'name'))) return [];
      return writersOf(live, at).length > 0 ? [] : [{ path: at, live: item, writer: INJECTED }];
    });
  });
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
