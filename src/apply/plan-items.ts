import { objectName } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { elsewhere } from './dry-run.ts';
import type { DryRun, DryRunContext } from './dry-run.ts';
import { fieldChanges, fingerprint, firstLine, wouldWriteNothing } from './field-changes.ts';
import { isKeptKind } from './order.ts';
import type { Need } from './permissions.ts';
import { whereObject } from './plan.ts';
import type { PlanAction, PlanItem, PlannedField, PlannedObject, PlanProblem } from './plan.ts';
import { takenFields } from './taken-fields.ts';
import type { TakenField } from './taken-fields.ts';
import type { PlanRequest } from './plan-request.ts';
import type { Asked } from './ask-objects.ts';
import { VERBS } from './verbs.ts';

export interface ItemAndProblem {
  readonly item: PlanItem;
  readonly problem: PlanProblem | undefined;
}

const CHECKS: Readonly<Record<Extract<DryRun, { state: 'refused' }>['why'], PlanProblem['check']>> = {
  denied: 'permission',
  schema: 'schema',
  'no-namespace': 'cluster',
  'no-kind': 'cluster',
  immutable: 'dry-run',
  invalid: 'dry-run',
};

/** What becomes of an object of the set, and what keeps it from that. */
export async function itemOf(
  asked: Asked,
  request: PlanRequest,
  context: DryRunContext,
): Promise<ItemAndProblem> {
  const { facts, desired, before } = asked;
  let { dry } = asked;
  const made = (
    action: PlanAction,
    checked: PlannedObject['checked'],
    notes: readonly string[],
  ): PlanItem => {
    const predicted = dry.state === 'accepted' ? dry.predicted : undefined;
    const fields: readonly PlannedField[] =
      action === 'change' && before !== undefined && predicted !== undefined
        ? fieldChanges(before, predicted, facts, request.salt)
        : [];
    return {
      planned: plannedOf(desired, before, request.salt, {
        action,
        checked,
        notes,
        fields,
        where: whereObject(facts),
      }),
      desired: action === 'skip' ? undefined : desired,
      before: action === 'create' ? undefined : before,
      predicted,
    };
  };
  if (
    dry.state === 'refused' &&
    dry.why === 'immutable' &&
    before !== undefined &&
    !isKeptKind(desired.kind)
  ) {
    const reason = dry.message;
    if (request.recreate || asksForRecreation(desired)) {
      dry = await elsewhere(desired, undefined, context, 'it is there, and will be made anew');
      if (dry.state === 'accepted') {
        return { item: made('recreate', 'elsewhere', [reason, ...dry.notes]), problem: undefined };
      }
    } else {
      dry = { ...dry, message: `${reason} (--recreate deletes it and makes it anew)` };
    }
  }
  if (dry.state === 'refused') {
    const where = (dry.path && firstLine(facts, dry.path)) ?? whereObject(facts);
    return {
      item: made(before === undefined ? 'create' : 'change', 'dry-run', []),
      problem: problemOf(desired, CHECKS[dry.why], dry.message, where),
    };
  }
  if (before === undefined) return { item: made('create', dry.checked, dry.notes), problem: undefined };
  const { predicted } = dry;
  if (predicted !== undefined && wouldWriteNothing(before, predicted)) {
    return { item: made('unchanged', dry.checked, dry.notes), problem: undefined };
  }
  const item = made('change', dry.checked, dry.notes);
  const owners = [
    ...(item.planned.fields.length === 0 ? ['nothing but who owns its fields'] : []),
    ...takenFrom(item).map(({ field, by }) => `takes ${field} from ${by}`),
  ];
  return {
    item: { ...item, planned: { ...item.planned, notes: [...owners, ...item.planned.notes] } },
    problem: undefined,
  };
}

function takenFrom({ before, predicted }: PlanItem): readonly TakenField[] {
  return before === undefined || predicted === undefined ? [] : takenFields(before, predicted);
}

/** What somebody else applies as well: whoever applies last has it, until the other does. */
export function contestedIn(item: PlanItem): readonly string[] {
  if (item.planned.action !== 'change' || item.before === undefined) return [];
  const name = objectName(item.before);
  return takenFrom(item)
    .filter(({ isContested }) => isContested)
    .map(({ field, by }) => `${name}: ${by} applies ${field}, too; it will be taken from it`);
}

/** Argo CD's annotation for objects that may be replaced by force. */
function asksForRecreation(object: KubeObject): boolean {
  const options = (object.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '').split(',');
  const asked = options.map((option) => option.trim());
  return asked.includes('Force=true') && asked.includes('Replace=true');
}

/** What becomes of an object that is no longer asked for. */
export function extraItem(object: KubeObject, request: PlanRequest): ItemAndProblem {
  const options = object.metadata.annotations?.['argocd.argoproj.io/sync-options'] ?? '';
  const own = options.split(',').map((option) => option.trim());
  const reason = !request.prune
    ? 'no longer asked for; --prune deletes it'
    : own.includes('Prune=false')
      ? 'no longer asked for, and it says Prune=false of itself'
      : isKeptKind(object.kind) && !request.pruneKept && !own.includes('Prune=true')
        ? `no longer asked for; a ${object.kind} may hold what others have put into it, --prune-kept deletes it`
        : undefined;
  const action = reason === undefined ? 'prune' : 'skip';
  const notes = reason === undefined ? [] : [reason];
  return {
    item: {
      planned: plannedOf(object, object, request.salt, {
        action,
        checked: 'none',
        notes,
        fields: [],
        where: undefined,
      }),
      desired: undefined,
      before: object,
      predicted: undefined,
    },
    problem: undefined,
  };
}

function plannedOf(
  object: KubeObject,
  before: KubeObject | undefined,
  salt: string,
  rest: Pick<PlannedObject, 'action' | 'checked' | 'notes' | 'fields'> & {
    readonly where: string | undefined;
  },
): PlannedObject {
  const { namespace, name } = object.metadata;
  const { where, ...more } = rest;
  const { uid, resourceVersion } = before?.metadata ?? {};
  // A plan depends on what it touches, and on nothing else.
  const touches = rest.action !== 'unchanged' && rest.action !== 'skip';
  return {
    ...more,
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    ...(where === undefined ? {} : { where }),
    ...(uid === undefined || !touches ? {} : { uid }),
    ...(resourceVersion === undefined || !touches ? {} : { resourceVersion }),
    ...(before === undefined || !touches ? {} : { fingerprint: fingerprint(before, salt) }),
  };
}

/** A problem with an object; `where` is a file and line. */
export function problemOf(
  object: KubeObject,
  check: PlanProblem['check'],
  message: string,
  where: string | undefined,
): PlanProblem {
  const { namespace, name } = object.metadata;
  return {
    check,
    kind: object.kind,
    ...(namespace === undefined ? {} : { namespace }),
    name,
    message,
    ...(where === undefined ? {} : { where }),
  };
}

export function needOf({ item }: ItemAndProblem): Need[] {
  const object = item.desired ?? item.before;
  const verbs = VERBS[item.planned.action];
  return object === undefined || verbs.length === 0 ? [] : [{ object, verbs }];
}
