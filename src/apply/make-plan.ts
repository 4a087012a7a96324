import { getNumber, getString, mapBounded } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { isWorkload, objectKey } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { dryRun, elsewhere } from './dry-run.ts';
import type { DryRun, DryRunContext } from './dry-run.ts';
import { fieldChanges, fingerprint, firstLine, wouldWriteNothing } from './field-changes.ts';
import { readObject, readObjects } from './live-read.ts';
import { isKeptKind } from './order.ts';
import { deniedVerbs, identityOf } from './permissions.ts';
import type { Need, Verb } from './permissions.ts';
import { whereObject } from './plan.ts';
import type { Plan, PlanAction, PlanItem, PlannedField, PlannedObject, PlanProblem } from './plan.ts';
import { keysOf, mayBeMadeBy, relationsOf } from './relations.ts';
import type { Relation } from './relations.ts';

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
  /** Services that select nothing and the like are told, and do not keep the set from being applied. */
  readonly looseRelations: boolean;
}

const AT_ONCE = 24;

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
  const relations = relationsOf(request.set);
  const [asked, unfit, missing, identity] = await Promise.all([
    askAll(request, context),
    stillUnfit(client, relations.problems, signal),
    missingReferences(client, relations.references, request.set, signal),
    identityOf(client, signal),
  ]);
  const items = [
    ...(await mapBounded(asked, AT_ONCE, (one) => itemOf(one, request, context))),
    ...request.extra.map((object) => extraItem(object, request)),
  ];
  const needs = items.flatMap(needOf);
  const denied = await deniedVerbs(client, needs, signal);
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
      asked: asked.length,
      refused: asked.filter(({ dry }) => dry.state === 'refused').length,
      later: asked.filter(({ dry }) => dry.state === 'accepted' && dry.checked !== 'dry-run').length,
    },
  };
}

/** The dry run of the whole set, beside a read of what is there. */
async function askAll(request: PlanRequest, context: DryRunContext): Promise<readonly Asked[]> {
  const { client, signal } = context;
  const answers = await mapBounded(request.set, AT_ONCE, (facts) => dryRun(facts.object, context));
  const there = request.set
    .filter((_, index) => {
      const dry = answers[index];
      return dry !== undefined && (dry.state === 'refused' ? mayExist(dry.why) : !dry.created);
    })
    .map(({ object }) => object);
  const live = await readObjects(client, there, signal);
  return mapBounded(request.set, AT_ONCE, async (facts, index) => {
    let dry = answers[index] as DryRun;
    let before = live.get(objectKey(facts.object));
    let desired = facts.object;
    // It moved between the two: what is compared has to be one and the same.
    for (let tries = 0; tries < 3 && isTorn(dry, before); tries += 1) {
      dry = await dryRun(desired, context);
      before = await readObject(client, refOf(desired), signal);
    }
    const scaled = before === undefined ? undefined : await scaledBy(desired, before, request, context);
    if (scaled !== undefined && before !== undefined && dry.state === 'accepted') {
      desired = {
        ...desired,
        spec: { ...(desired['spec'] as object), replicas: scaled.replicas },
      } as KubeObject;
      const again = await dryRun(desired, context);
      dry =
        again.state === 'accepted'
          ? {
              ...again,
              notes: [...again.notes, `spec.replicas stays ${scaled.replicas}: ${scaled.by} decides it`],
            }
          : again;
    }
    return { facts, desired, before, dry };
  });
}

function mayExist(why: Extract<DryRun, { state: 'refused' }>['why']): boolean {
  return why === 'invalid' || why === 'immutable' || why === 'denied';
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
    return { item: made('unchanged', 'dry-run', dry.notes), problem: undefined };
  }
  const item = made('change', dry.checked, dry.notes);
  const owners = item.planned.fields.length === 0 ? ['nothing but who owns its fields'] : [];
  return {
    item: { ...item, planned: { ...item.planned, notes: [...owners, ...item.planned.notes] } },
    problem: undefined,
  };
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

/** A Service may mean pods that are in the cluster already. */
async function stillUnfit(
  client: KubeClient,
  relations: readonly Relation[],
  signal: AbortSignal,
): Promise<readonly Relation[]> {
  const kept = await mapBounded(relations, AT_ONCE, async (relation) => {
    const { unlessPods, facts } = relation;
    const { namespace } = facts.object.metadata;
    if (unlessPods === undefined || namespace === undefined) return relation;
    const labelSelector = Object.entries(unlessPods)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    const found = await client
      .list({ apiVersion: 'v1', kind: 'Pod' }, { namespace, labelSelector }, signal)
      .then(
        ({ items }) => items.length > 0,
        () => false,
      );
    return found ? undefined : relation;
  });
  return kept.filter((relation) => relation !== undefined);
}

/** References that neither the set nor the cluster answers. What could not be read is told, and not held against it. */
async function missingReferences(
  client: KubeClient,
  references: ReturnType<typeof relationsOf>['references'],
  set: readonly RenderedFacts[],
  signal: AbortSignal,
) {
  const found = new Map<string, Promise<KubeObject | undefined | 'unknown'>>();
  const find = (reference: (typeof references)[number]) => {
    const { apiVersion, kind, namespace, name } = reference;
    const key = `${apiVersion} ${kind} ${namespace} ${name}`;
    const known =
      found.get(key) ??
      readObject(client, { apiVersion, kind, namespace, name }, signal).catch(() => 'unknown' as const);
    found.set(key, known);
    return known;
  };
  const problems: { facts: RenderedFacts; path: readonly (string | number)[]; message: string }[] = [];
  const warnings: string[] = [];
  await mapBounded(references, AT_ONCE, async (reference) => {
    const { from, path, kind, name, key } = reference;
    const live = await find(reference);
    const named = `${kind}/${name}`;
    if (live === 'unknown') {
      warnings.push(`${objectName(from.object)} needs ${named}, which could not be read`);
    } else if (live === undefined) {
      const maker = mayBeMadeBy(reference, set);
      if (maker !== undefined) {
        warnings.push(
          `${named} is not there yet; ${maker.kind}/${maker.metadata.name} of this set may make it`,
        );
        return;
      }
      problems.push({
        facts: from,
        path,
        message: `it needs ${named}, which neither this set nor the cluster has`,
      });
    } else if (key !== undefined && !keysOf(live).has(key)) {
      problems.push({ facts: from, path, message: `${named} in the cluster has no key ${key}` });
    }
  });
  return { problems, warnings };
}

/** True for a plan that would write nothing. */
export function isEmptyPlan(plan: Plan): boolean {
  return plan.items.every(({ planned }) => planned.action === 'unchanged' || planned.action === 'skip');
}
