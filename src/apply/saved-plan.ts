import { LandfallError, jsonEqual, parseJson } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { LedgerSubject } from '../ledger/index.ts';
import type { Plan, PlannedObject } from './plan.ts';

/** A plan that was written down to be reviewed, and to be carried out exactly so or not at all. */
export interface PlanDocument {
  readonly apiVersion: 'landfall.dev/v1';
  readonly kind: 'Plan';
  readonly createdAt: string;
  readonly subject: LedgerSubject;
  /** Which cluster that is; left out where it did not say so, and in plans that were made before it was asked. */
  readonly clusterUid?: string;
  readonly revision: string;
  /** Digest of what is wanted. */
  readonly set: string;
  /** What hashes of this plan are made with. */
  readonly salt: string;
  /** How it was asked for, to ask for the same again. */
  readonly asked: JsonObject;
  readonly objects: readonly PlannedObject[];
}

/** Throws `invalid-input` for a text that is no plan of ours. */
export async function parsePlan(text: string, source: string): Promise<PlanDocument> {
  // Only those who carry out a plan wait for the schema.
  const { planProblem } = await import('./plan-schema.ts');
  const value = parseJson(text, source);
  const problem = planProblem(value);
  if (problem === undefined) return value as unknown as PlanDocument;
  throw new LandfallError(`${source} is no plan: ${problem}.`, {
    kind: 'invalid-input',
    code: 'plan-malformed',
    object: source,
    hint: 'Write one with landfall plan … --out FILE.',
  });
}

/** What a review sees of an object, without what moves by itself. */
function reviewed(object: PlannedObject): JsonObject {
  const {
    resourceVersion: _version,
    notes: _notes,
    where: _where,
    checked: _checked,
    fields,
    ...rest
  } = object;
  const shown = fields.map(({ where: _line, ...field }) => field);
  return { ...(rest as unknown as JsonObject), fields: shown };
}

/** What a plan is carried out on. */
interface PlanPlace {
  readonly subject: LedgerSubject;
  /** Undefined where the cluster does not say who it is. */
  readonly clusterUid: string | undefined;
}

/**
 * Throws `conflict` where a plan was made for another cluster, or for another application there. The address says which
 * cluster it is only where one of the two does not.
 */
function assertSameSubject(
  { subject: was, clusterUid, createdAt }: PlanDocument,
  { subject: now, clusterUid: uid }: PlanPlace,
): void {
  const known = clusterUid !== undefined && uid !== undefined;
  const another = known ? clusterUid !== uid : was.cluster !== now.cluster;
  const differs = another
    ? 'cluster'
    : (['namespace', 'application'] as const).find((part) => was[part] !== now[part]);
  if (differs === undefined) return;
  const what =
    was[differs] === now[differs] ? 'and another one answers there now' : `and this is ${now[differs]}`;
  throw new LandfallError(
    `The plan of ${createdAt} was made for the ${differs} ${was[differs]}, ${what}; nothing was changed.`,
    {
      kind: 'conflict',
      code: 'plan-other-subject',
      object: was.application,
      hint: 'Use the context that it was made with (--context, --kubeconfig), or make a plan of this one.',
    },
  );
}

/**
 * Throws `conflict` where a plan, made anew, is not the one that was reviewed: the files moved, or somebody wrote one
 * of the objects since. A status that moved on is no matter.
 */
export function assertAsReviewed(document: PlanDocument, place: PlanPlace, set: string, plan: Plan): void {
  assertSameSubject(document, place);
  const refuse = (code: string, message: string) =>
    new LandfallError(`${message}; nothing was changed.`, {
      kind: 'conflict',
      code,
      object: document.subject.application,
      hint: 'Make a new plan and have it reviewed: landfall plan … --out FILE.',
    });
  if (document.set !== set) {
    throw refuse('plan-files-moved', 'The files say something else than when the plan was made');
  }
  const key = ({ apiVersion, kind, namespace = '', name }: PlannedObject) =>
    [apiVersion, kind, namespace, name].join(' ');
  const before = new Map(document.objects.map((item) => [key(item), item]));
  const moved = plan.items
    .map(({ planned: now }) => now)
    .filter((now) => {
      const was = before.get(key(now));
      before.delete(key(now));
      return was === undefined || !jsonEqual(reviewed(was), reviewed(now));
    });
  const names = [...moved, ...before.values()].map(({ kind, namespace, name }) =>
    objectName({ kind, metadata: namespace === undefined ? { name } : { name, namespace } }),
  );
  if (names.length === 0) return;
  const shown = names.slice(0, 5).join(', ');
  const more = names.length > 5 ? ` and ${names.length - 5} more` : '';
  throw refuse('plan-cluster-moved', `The cluster moved since the plan was made: ${shown}${more}`);
}
