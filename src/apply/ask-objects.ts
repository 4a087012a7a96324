import { getNumber, getObject, getString, mapBounded } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { isWorkload, objectKey } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';
import { dryRun, withoutDropped } from './dry-run.ts';
import type { DryRun, DryRunContext } from './dry-run.ts';
import { readObject, readObjects } from './live-read.ts';
import type { Permissions } from './permissions.ts';
import { isKnownUnchanged } from './unchanged.ts';
import type { PlanRequest } from './plan-request.ts';
import { VERBS } from './verbs.ts';

const AT_ONCE = 24;
const TORN_TRIES = 3;

/** An object of the set, what is there of it, and what the server says to it. */
export interface Asked {
  readonly facts: RenderedFacts;
  readonly desired: KubeObject;
  readonly before: KubeObject | undefined;
  readonly dry: DryRun;
}

/** What is there, and a dry run of everything that is not known to be unchanged. */
export async function askObjects(
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
  return mapBounded(found, AT_ONCE, async ({ facts, live: before, same }) =>
    before !== undefined && same
      ? { facts, desired: facts.object, before, dry: unchanged(before) }
      : askObject(facts, before, request, context),
  );
}

/** Asks until what is compared is one and the same object: it may move between two questions. */
async function askObject(
  facts: RenderedFacts,
  stored: KubeObject | undefined,
  request: PlanRequest,
  context: DryRunContext,
): Promise<Asked> {
  let before = stored;
  for (let tries = 0; ; tries += 1) {
    let desired = facts.object;
    let dry = await dryRun(desired, context);
    if (tries < TORN_TRIES && isTorn(dry, before)) {
      before = await readObject(context.client, refOf(desired), context.signal);
      continue;
    }
    const scaled = before === undefined ? undefined : await scaledBy(desired, before, request, context);
    if (scaled !== undefined && before !== undefined && dry.state === 'accepted') {
      const { replicas, by } = scaled;
      desired = { ...desired, spec: { ...getObject(desired, 'spec'), replicas } };
      const again = await dryRun(desired, context);
      const note = `spec.replicas stays ${replicas}: ${by} decides it`;
      dry = again.state === 'accepted' ? { ...again, notes: [...again.notes, note] } : again;
    }
    if (before === undefined) return { facts, desired, before, dry };
    const whole = await withoutDropped(dry, desired, before, context);
    if (whole.state !== 'moved') return { facts, desired, before, dry: whole };
    if (tries >= TORN_TRIES) {
      const refused = { state: 'refused', why: 'invalid', message: whole.message, path: undefined } as const;
      return { facts, desired, before, dry: refused };
    }
    before = await readObject(context.client, refOf(desired), context.signal);
  }
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
