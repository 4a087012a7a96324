import { asLandfallError, mapBounded } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { ApplyOutcome, FieldValidation, KubeObject } from '../../kube/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import { broughtBySet } from '../order.ts';
import { refusal, result } from '../outcome.ts';
import type { SyncWork } from '../outcome.ts';
import { isPrecious } from './consent.ts';
import { objectOptions, optionValue } from './options.ts';
import type { SyncOptions } from './options.ts';
import type { SyncTask } from './tasks.ts';

const AT_ONCE = 6;

export interface Preflight {
  /** By task; what would happen to the object. */
  readonly outcomes: ReadonlyMap<string, ApplyOutcome>;
  /** Results of what the server refuses. */
  readonly failures: readonly JsonObject[];
  /** Tasks whose object the server does not change, and that is therefore made again. */
  readonly recreated: ReadonlySet<string>;
}

/** How one object is written: the application's options, and its own. */
export interface Manner {
  readonly how: 'apply' | 'replace';
  readonly force: boolean;
  readonly validation: FieldValidation;
}

export function mannerOf(task: SyncTask, options: SyncOptions, force: boolean): Manner {
  const own = objectOptions(task.desired);
  const stored = objectOptions(task.live);
  const says = (name: string) => optionValue(own, name) ?? optionValue(stored, name);
  const replace = says('Replace') ?? (options.replace ? 'true' : 'false');
  return {
    how: replace === 'true' && task.live !== undefined ? 'replace' : 'apply',
    force: says('Force') === 'true' || force,
    validation: options.validate && optionValue(own, 'Validate') !== 'false' ? 'Strict' : 'Ignore',
  };
}

/** The server-side dry run of the whole set: schema, admission, quota and permissions, before anything is written. */
export async function preflight(
  work: SyncWork,
  tasks: readonly SyncTask[],
  options: SyncOptions,
): Promise<Preflight> {
  const outcomes = new Map<string, ApplyOutcome>();
  const failures: JsonObject[] = [];
  const recreated = new Set<string>();
  const desired = tasks.flatMap((task) => task.desired ?? []);
  const coming = new Set(
    tasks.flatMap(({ desired: object, live }) =>
      object?.kind === 'Namespace' && live === undefined ? [object.metadata.name] : [],
    ),
  );
  await mapBounded(tasks, AT_ONCE, async (task) => {
    const object = task.desired;
    if (object === undefined) return;
    try {
      outcomes.set(task.key, await tryOne(work, task, object, { coming, desired, options, recreated }));
    } catch (thrown) {
      failures.push(
        result(object, 'SyncFailed', refusal(thrown), { syncPhase: task.phase, hook: task.hook }),
      );
    }
  });
  return {
    outcomes,
    recreated,
    failures: failures.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
  };
}

interface Surroundings {
  /** Namespaces that the sync itself makes. */
  readonly coming: ReadonlySet<string>;
  readonly desired: readonly KubeObject[];
  readonly options: SyncOptions;
  readonly recreated: Set<string>;
}

async function tryOne(
  work: SyncWork,
  task: SyncTask,
  object: KubeObject,
  around: Surroundings,
): Promise<ApplyOutcome> {
  const { client, signal } = work;
  const { how, force, validation } = mannerOf(task, around.options, work.request.force);
  const trying = { fieldManager: FIELD_MANAGER, force: true, dryRun: true, fieldValidation: validation };
  // Under a name that nobody has: a hook is made anew, whatever is left of an earlier one.
  const anew = (namespace: string | undefined) =>
    client.apply(underAnotherName(object, namespace), { ...trying, before: null }, signal);
  try {
    if (task.hook) {
      await anew(object.metadata.namespace);
      return 'created';
    }
    if (how === 'replace' && task.live !== undefined && !force) {
      const { resourceVersion } = task.live.metadata;
      const metadata = { ...object.metadata, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
      const write = { fieldManager: FIELD_MANAGER, dryRun: true, fieldValidation: validation };
      await client.update({ ...object, metadata }, write, signal);
      return 'changed';
    }
    return (await client.apply(object, { ...trying, before: task.live ?? null }, signal)).outcome;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    const { namespace } = object.metadata;
    if (error.code === 'kind-unknown') {
      const own = optionValue(objectOptions(object), 'SkipDryRunOnMissingResource') === 'true';
      // Its definition is part of the set, or comes from elsewhere: it is checked once that is there.
      const later = own || around.options.skipDryRunOnMissing || broughtBySet(object, around.desired);
      if (later) return 'created';
      throw error;
    }
    if (error.kind === 'not-found' && namespace !== undefined && around.coming.has(namespace)) {
      await anew('default');
      return 'created';
    }
    // What the server will not change is made again, where that is allowed.
    if (error.kind === 'invalid-input' && force && task.live !== undefined && !isPrecious(object)) {
      await anew(namespace);
      around.recreated.add(task.key);
      return 'changed';
    }
    throw error;
  }
}

function underAnotherName(object: KubeObject, namespace: string | undefined): KubeObject {
  const { namespace: _own, ...metadata } = object.metadata;
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(namespace === undefined ? {} : { namespace }),
      name: `landfall-dry-run-${metadata.name}`.slice(0, maxName(object)).replace(/[-.]+$/, ''),
    },
  };
}

/** Names of Services and Jobs are labels; those of most other kinds are domain names. */
function maxName(object: KubeObject): number {
  return ['Service', 'Namespace', 'Job'].includes(object.kind) ? 63 : 253;
}
