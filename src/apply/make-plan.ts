import { getNumber, getObject, getString, mapBounded } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { isWorkload, objectKey } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { dryRun, elsewhere, withoutDropped } from './dry-run.ts';
import type { DryRun, DryRunContext } from './dry-run.ts';
import { fieldChanges, fingerprint, firstLine, wouldWriteNothing } from './field-changes.ts';
import { readObject, readObjects } from './live-read.ts';
import { isKeptKind } from './order.ts';
import { identityOf, permissionsOf } from './permissions.ts';
import type { Need, Permissions, Verb } from './permissions.ts';
import { whereObject } from './plan.ts';
import type { Plan, PlanAction, PlanItem, PlannedField, PlannedObject, PlanProblem } from './plan.ts';
import { takenFields } from './taken-fields.ts';
import type { TakenField } from './taken-fields.ts';
import { isKnownUnchanged } from './unchanged.ts';
import { relationsOf } from './relations.ts';
import { missingReferences, stillUnfit } from './relations-in-cluster.ts';

export interface PlanRequest {
  /** What is wanted, each in its namespace. */
  readonly set: readonly RenderedFacts[];
  /** What an earlier delivery of the same application applied and this one no longer has; as it is stored. */
  readonly extra: readonly KubeObject[];
  /** False: what is extra is shown and left. */
  readonly prune: boolean;
  /** Namespaces, definitions and volume claims are pruned too. */
  readonly pruneKept: boolean;
  /** An object whose change the server forbids for good is deleted and made anew. */
  readonly recreate: boolean;
  /** What hashes of Secrets are made with: the same one makes the same plan comparable. */
  readonly salt: string;
  /** Who the API server takes us for, where that was asked already. */
  readonly identity?: Promise<string | undefined>;
  /** Services that select nothing and the like are told, and do not keep the set from being applied. */
  readonly looseRelations: boolean;
}

const AT_ONCE = 24;
const TORN_TRIES = 3;

interface Asked {
  readonly facts: RenderedFacts;
  readonly desired: KubeObject;
  readonly before: KubeObject | undefined;
  readonly dry: DryRun;
}

/**
 * Everything that can be known before the first write: what would change, and everything that stands in the way, at
 * once. Costs a dry run for each object, a read for each that is there, and one question for each verb on each kind.
 * Throws only when the API server is away or does not accept our credentials.
 */
export async function makePlan(client: KubeClient, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const set = request.set.map(({ object }) => object);
  const context: DryRunContext = {
    client,
    signal,
    set,
    coming: new Set(set.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name)),
  };
  const permissions = permissionsOf(client, signal);
  const relations = relationsOf(request.set);
  const [asked, unfit, missing, identity] = await Promise.all([
    askAll(request, context, permissions),
    stillUnfit(client, relations.problems, signal),
    missingReferences(client, relations.references, request.set, signal),
    request.identity ?? identityOf(client, signal),
  ]);
  const items = [
    ...(await mapBounded(asked, AT_ONCE, (one) => itemOf(one, request, context))),
    ...request.extra.map((object) => extraItem(object, request)),
  ];
  const needs = items.flatMap(needOf);
  const denied = await permissions.denied(needs);
  const loose = [...unfit, ...missing.problems].map(({ facts, path, message }) =>
    problemOf(facts.object, 'relation', message, firstLine(facts, path) ?? whereObject(facts)),
  );
  const problems: PlanProblem[] = [
    ...items.flatMap(({ problem }) => problem ?? []),
    ...denied.map(({ object, verb, resource, reason }) => {
      const place = object.metadata.namespace === undefined ? '' : ` in ${object.metadata.namespace}`;
      const words = reason === '' ? '' : `: ${reason}`;
      const message = `${identity ?? 'this identity'} may not ${verb} ${resource}${place}${words}`;
      return problemOf(object, 'permission', message, undefined);
    }),
    ...(request.looseRelations ? [] : loose),
  ];
  return {
    items: items.map(({ item }) => item),
    problems: withoutEchoes(problems),
    warnings: [
      ...(request.looseRelations
        ? loose.map(({ kind, name, message }) => `${kind}/${name}: ${message}`)
        : []),
      ...missing.warnings,
      ...items.flatMap(({ item }) => contestedIn(item)),
      ...asked.flatMap(({ dry, desired }) =>
        dry.state === 'accepted' ? dry.warnings.map((text) => `${objectName(desired)}: ${text}`) : [],
      ),
    ],
    identity,
    allowed: {
      verbs: [...new Set(needs.flatMap(({ verbs }) => verbs))],
      kinds: new Set(needs.map(({ object }) => object.kind)).size,
    },
    dryRun: {
      asked: asked.filter(({ dry }) => dry.state === 'refused' || dry.checked !== 'none').length,
      refused: asked.filter(({ dry }) => dry.state === 'refused').length,
      later: asked.filter(
        ({ dry }) =>
          dry.state === 'accepted' && (dry.checked === 'elsewhere' || dry.checked === 'definition'),
      ).length,
    },
  };
}

/** What is there, and a dry run of everything that is not known to be unchanged. */
async function askAll(
  request: PlanRequest,
  context: DryRunContext,
  permissions: Permissions,
): Promise<readonly Asked[]> {
  const { client, signal } = context;
  const objects = request.set.map(({ object }) => object);
  const live = await readObjects(client, objects, signal);
  const found = request.set.map((facts) => {
    const before = live.get(objectKey(facts.object));
    const same = before !== undefined && isKnownUnchanged(facts.object, before);
    return { facts, live: before, same };
  });
  permissions.expect(
    found.flatMap(({ facts, live: before, same }) =>
      same ? [] : [{ object: facts.object, verbs: VERBS[before === undefined ? 'create' : 'change'] }],
    ),
  );
  return mapBounded(found, AT_ONCE, async ({ facts, live: stored, same }) => {
    let desired = facts.object;
    let before = stored;
    if (before !== undefined && same) return { facts, desired, before, dry: unchanged(before) };
    let dry = await dryRun(desired, context);
    // It moved between the two: what is compared has to be one and the same.
    for (let tries = 0; tries < TORN_TRIES && isTorn(dry, before); tries += 1) {
      before = await readObject(client, refOf(desired), signal);
      dry = await dryRun(desired, context);
    }
    const scaled = before === undefined ? undefined : await scaledBy(desired, before, request, context);
    if (scaled !== undefined && before !== undefined && dry.state === 'accepted') {
      const { replicas, by } = scaled;
      desired = { ...desired, spec: { ...getObject(desired, 'spec'), replicas } };
      const again = await dryRun(desired, context);
      const note = `spec.replicas stays ${replicas}: ${by} decides it`;
      dry = again.state === 'accepted' ? { ...again, notes: [...again.notes, note] } : again;
    }
    if (before !== undefined) dry = await withoutDropped(dry, desired, before, context);
    return { facts, desired, before, dry };
  });
}

/** The answer that a dry run would give. */
function unchanged(before: KubeObject): DryRun {
  return { state: 'accepted', checked: 'none', predicted: before, created: false, notes: [], warnings: [] };
}

function isTorn(dry: DryRun, before: KubeObject | undefined): boolean {
  if (dry.state !== 'accepted' || dry.predicted === undefined) return false;
  if (dry.created) return before !== undefined;
  return before?.metadata.resourceVersion !== dry.predicted.metadata.resourceVersion;
}

/** The autoscaler that decides the replicas of a workload, where Git says otherwise: its number is not taken back. */
async function scaledBy(
  desired: KubeObject,
  before: KubeObject,
  request: PlanRequest,
  { client, signal }: DryRunContext,
): Promise<{ readonly replicas: number; readonly by: string } | undefined> {
  const wanted = getNumber(desired, 'spec', 'replicas');
  const replicas = getNumber(before, 'spec', 'replicas');
  if (!isWorkload(desired) || wanted === undefined || replicas === undefined || wanted === replicas)
    return undefined;
  const targets = (autoscaler: KubeObject) =>
    autoscaler.kind === 'HorizontalPodAutoscaler' &&
    autoscaler.metadata.namespace === desired.metadata.namespace &&
    getString(autoscaler, 'spec', 'scaleTargetRef', 'kind') === desired.kind &&
    getString(autoscaler, 'spec', 'scaleTargetRef', 'name') === desired.metadata.name;
  const own = request.set.map(({ object }) => object).find(targets);
  const { namespace } = desired.metadata;
  const listed =
    own === undefined && namespace !== undefined
      ? await client
          .list({ apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' }, { namespace }, signal)
          .then(
            ({ items }) => items.find(targets),
            () => undefined,
          )
      : own;
  return listed && { replicas, by: `HorizontalPodAutoscaler/${listed.metadata.name}` };
}

interface ItemAndProblem {
  readonly item: PlanItem;
  readonly problem: PlanProblem | undefined;
}

async function itemOf(asked: Asked, request: PlanRequest, context: DryRunContext): Promise<ItemAndProblem> {
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
    const check =
      dry.why === 'denied'
        ? 'permission'
        : dry.why === 'schema'
          ? 'schema'
          : dry.why === 'no-namespace' || dry.why === 'no-kind'
            ? 'cluster'
            : 'dry-run';
    const where = (dry.path && firstLine(facts, dry.path)) ?? whereObject(facts);
    return {
      item: made(before === undefined ? 'create' : 'change', 'dry-run', []),
      problem: problemOf(desired, check, dry.message, where),
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
function contestedIn(item: PlanItem): readonly string[] {
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

function extraItem(object: KubeObject, request: PlanRequest): ItemAndProblem {
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

function problemOf(
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

/** What is said once need not be said for each object: the same namespace missing, the same verb refused. */
function withoutEchoes(problems: readonly PlanProblem[]): readonly PlanProblem[] {
  const denied = new Set(problems.filter(({ check }) => check === 'permission').map(({ kind }) => kind));
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const { check, kind, message } = problem;
    if (check === 'dry-run' && denied.has(kind) && /forbidden: User /.test(message)) return false;
    const key =
      check === 'cluster' || check === 'permission' ? `${check} ${message}` : JSON.stringify(problem);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const VERBS: Readonly<Record<PlanAction, readonly Verb[]>> = {
  // What is taken back is read, and deleted or patched.
  create: ['get', 'create', 'patch', 'delete'],
  change: ['get', 'patch'],
  recreate: ['get', 'create', 'patch', 'delete'],
  prune: ['get', 'create', 'patch', 'delete'],
  unchanged: [],
  skip: [],
};

function needOf({ item }: ItemAndProblem): Need[] {
  const object = item.desired ?? item.before;
  const verbs = VERBS[item.planned.action];
  return object === undefined || verbs.length === 0 ? [] : [{ object, verbs }];
}
