import {
  LandfallError,
  asLandfallError,
  getArray,
  getObject,
  getString,
  mapBounded,
  sleep,
} from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { refOf, splitApiVersion } from '../kube/index.ts';
import type { ApplyOutcome, FieldValidation, KubeObject } from '../kube/index.ts';
import { FIELD_MANAGER } from './comparison.ts';
import { applyGroups, broughtBySet } from './order.ts';
import type { SyncRequest } from './operation.ts';
import { applied, refusal, result } from './outcome.ts';
import type { SyncOutcome, SyncWork } from './outcome.ts';
import { prune } from './prune.ts';
import { setProblem } from './validate.ts';

const AT_ONCE = 6;
const ESTABLISH_WAIT = 30_000;
const PAUSE = 500;

/**
 * One operation: the whole set passes a server-side dry run before the first write, then it is applied in the order
 * of its dependencies, then what left Git is pruned. Stops at the first group that fails. Throws only when the API
 * server went away or the controller closes: nothing is known then, and the operation goes on later.
 */
export async function runSync(work: SyncWork): Promise<SyncOutcome> {
  const { request, comparison, spec } = work;
  const chosen = comparison.pairs.filter((pair) => isChosen(pair.desired ?? pair.live, request));
  const desired = chosen.flatMap((pair) => pair.desired ?? []);
  const problem = setProblem(desired);
  if (problem !== undefined) return { phase: 'Failed', message: problem, results: [] };
  if (comparison.pairs.every((pair) => pair.desired === undefined) && !spec.policy.allowEmpty) {
    return {
      phase: 'Error',
      message:
        'the source renders to no object; nothing is applied and nothing is pruned (spec.syncPolicy.automated.allowEmpty allows it)',
      results: [],
    };
  }
  const namespace = await missingNamespace(work, desired);
  const before = new Map(chosen.map((pair) => [pair.desired, pair.live ?? null]));
  const dry = await preflight(work, desired, before, namespace);
  if (dry.failures.length > 0) {
    return {
      phase: 'Failed',
      message: 'one or more objects failed to apply (dry run)',
      results: dry.failures,
    };
  }
  if (request.dryRun) {
    const results = desired.map((object) =>
      result(object, 'Synced', `${applied(object, dry.outcomes.get(object) ?? 'changed')} (dry run)`),
    );
    return { phase: 'Succeeded', message: 'successfully synced (dry run)', results };
  }
  const results: JsonObject[] = [];
  if (namespace !== undefined) {
    const made = await applyOne(work, namespace, undefined, 'PreSync');
    results.push(made);
    if (failed(made)) return { phase: 'Failed', message: 'the namespace failed to apply', results };
  }
  for (const group of applyGroups(desired)) {
    const done = await mapBounded(group, AT_ONCE, (object) =>
      dry.outcomes.get(object) === 'unchanged'
        ? Promise.resolve(result(object, 'Synced', applied(object, 'unchanged')))
        : applyOne(work, object, before.get(object), 'Sync'),
    );
    results.push(...done);
    if (done.some(failed))
      return { phase: 'Failed', message: 'one or more objects failed to apply', results };
    await established(work, group);
  }
  results.push(
    ...(await prune(
      work,
      chosen.flatMap((pair) => (pair.requiresPruning && pair.live ? [pair.live] : [])),
    )),
  );
  if (results.some(failed))
    return { phase: 'Failed', message: 'one or more objects failed to be pruned', results };
  return {
    phase: 'Succeeded',
    message:
      results.length === 0 ? 'successfully synced (no more tasks)' : 'successfully synced (all tasks run)',
    results,
  };
}

function failed(item: JsonObject): boolean {
  return item['status'] === 'SyncFailed';
}

function isChosen(object: KubeObject | undefined, request: SyncRequest): boolean {
  if (object === undefined) return false;
  if (request.only.length === 0) return true;
  const { group } = splitApiVersion(object.apiVersion);
  return request.only.some(
    (item) =>
      item.kind === object.kind &&
      item.group === group &&
      item.name === object.metadata.name &&
      (item.namespace === '' || item.namespace === object.metadata.namespace),
  );
}

function validation(work: SyncWork): FieldValidation {
  return work.request.options.includes('Validate=false') ? 'Ignore' : 'Strict';
}

/** The destination's namespace, where CreateNamespace asks for it, the set does not bring it and it is not there. */
async function missingNamespace(
  work: SyncWork,
  desired: readonly KubeObject[],
): Promise<KubeObject | undefined> {
  if (!work.request.options.includes('CreateNamespace=true')) return undefined;
  const name = work.spec.destination.namespace;
  if (desired.some((object) => object.kind === 'Namespace' && object.metadata.name === name))
    return undefined;
  const found = await work.client.get({ apiVersion: 'v1', kind: 'Namespace', name }, work.signal);
  return found === undefined ? { apiVersion: 'v1', kind: 'Namespace', metadata: { name } } : undefined;
}

interface Preflight {
  readonly outcomes: ReadonlyMap<KubeObject, ApplyOutcome>;
  readonly failures: readonly JsonObject[];
}

/** The server-side dry run of the whole set: schema, admission, quota and permissions, before anything is written. */
async function preflight(
  work: SyncWork,
  desired: readonly KubeObject[],
  before: ReadonlyMap<KubeObject | undefined, KubeObject | null>,
  namespace: KubeObject | undefined,
): Promise<Preflight> {
  const outcomes = new Map<KubeObject, ApplyOutcome>();
  const failures: JsonObject[] = [];
  const coming = new Set(
    [...desired, ...(namespace === undefined ? [] : [namespace])]
      .filter((object) => object.kind === 'Namespace')
      .map((object) => object.metadata.name),
  );
  await mapBounded(desired, AT_ONCE, async (object) => {
    try {
      outcomes.set(object, await tryOne(work, object, before.get(object) ?? null, coming, desired));
    } catch (thrown) {
      failures.push(result(object, 'SyncFailed', refusal(thrown)));
    }
  });
  return {
    outcomes,
    failures: failures.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
  };
}

async function tryOne(
  work: SyncWork,
  object: KubeObject,
  stored: KubeObject | null,
  coming: ReadonlySet<string>,
  desired: readonly KubeObject[],
): Promise<ApplyOutcome> {
  const { client, signal } = work;
  const options = {
    fieldManager: FIELD_MANAGER,
    force: true,
    dryRun: true,
    fieldValidation: validation(work),
  };
  try {
    return (await client.apply(object, { ...options, before: stored }, signal)).outcome;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // Its definition is part of the set: it is checked once that is there.
    if (error.code === 'kind-unknown' && broughtBySet(object, desired)) return 'created';
    const { namespace } = object.metadata;
    const missing = error.kind === 'not-found' && namespace !== undefined && coming.has(namespace);
    if (!missing) throw error;
    // Its namespace is still to come: the same object under another name in a namespace that is there.
    const elsewhere: KubeObject = {
      ...object,
      metadata: {
        ...object.metadata,
        namespace: 'default',
        name: `landfall-dry-run-${object.metadata.name}`.slice(0, 253).slice(0, maxName(object)),
      },
    };
    await client.apply(elsewhere, { ...options, before: null }, signal);
    return 'created';
  }
}

/** Names of Services are labels of DNS; those of most other kinds are domain names. */
function maxName(object: KubeObject): number {
  return object.kind === 'Service' || object.kind === 'Namespace' ? 63 : 253;
}

async function applyOne(
  work: SyncWork,
  object: KubeObject,
  before: KubeObject | null | undefined,
  syncPhase: 'PreSync' | 'Sync',
): Promise<JsonObject> {
  try {
    const { outcome } = await work.client.apply(
      object,
      {
        fieldManager: FIELD_MANAGER,
        force: true,
        fieldValidation: validation(work),
        ...(before === undefined ? {} : { before }),
      },
      work.signal,
    );
    return result(object, 'Synced', applied(object, outcome), syncPhase);
  } catch (thrown) {
    return result(object, 'SyncFailed', refusal(thrown), syncPhase);
  }
}

/** Waits until the API server serves the definitions that were just applied, so that their objects can follow. */
async function established(work: SyncWork, group: readonly KubeObject[]): Promise<void> {
  const definitions = group.filter((object) => object.kind === 'CustomResourceDefinition');
  if (definitions.length === 0) return;
  work.client.forgetKinds();
  const end = work.clock.now() + ESTABLISH_WAIT;
  for (const definition of definitions) {
    for (;;) {
      const live = await work.client.get(refOf(definition), work.signal);
      const ready = getArray(getObject(live, 'status'), 'conditions').some(
        (item) => getString(item, 'type') === 'Established' && getString(item, 'status') === 'True',
      );
      if (ready) break;
      if (work.clock.now() >= end) {
        throw new LandfallError(
          `CustomResourceDefinition/${definition.metadata.name} was applied and is not served after ${ESTABLISH_WAIT / 1000} s.`,
          { kind: 'unavailable', code: 'crd-not-established', object: definition.metadata.name },
        );
      }
      await sleep(work.clock, PAUSE, work.signal);
    }
  }
  work.client.forgetKinds();
}
