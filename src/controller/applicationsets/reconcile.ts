import { asLandfallError, getArray, getObject, getString, jsonEqual } from '../../kernel/index.ts';
import type { Clock, Logger } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { Turn } from '../queue.ts';
import { mergePatch } from '../status.ts';
import { applicationsOf } from './applications.ts';
import type { Reason } from './applications.ts';
import { askAgainAfter } from './generators.ts';
import type { GeneratorSources } from './generators.ts';
import { applicationSetStatus } from './set-status.ts';
import { progressively, triggerSyncs } from './progress.ts';
import type { Progress } from './progress.ts';
import { isReversed, rollingSync, stepsOf } from './rollout/index.ts';
import {
  APPLICATION_SET_KIND,
  MANAGER,
  isOwner,
  ownedBy,
  refOf,
  references,
  writeApplication,
} from './write-application.ts';
import type { WriteOptions } from './write-application.ts';

export const SET_REFRESH_ANNOTATION = 'argocd.argoproj.io/application-set-refresh';

export interface SetOptions extends WriteOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** What generators read in this turn. */
  readonly sources: (set: KubeObject, turn: Turn) => GeneratorSources;
  /** In Argo CD's words why a generated Application cannot be honoured; it is not written then. */
  readonly problemOf: (application: KubeObject, turn: Turn) => Promise<string | undefined>;
  /** Ms between two looks at Git, where a generator does not say. */
  readonly pollMs: number;
}

interface Failure {
  readonly message: string;
  readonly reason:
    | Reason
    | 'ApplicationValidationError'
    | 'UpdateApplicationError'
    | 'CreateApplicationError'
    | 'DeleteApplicationError'
    | 'ApplicationSetRolloutError';
}

const RETRY = 180_000;
/** Between two looks at Applications that go one after the other. */
const DELETION_WAIT = 10_000;

/** One ApplicationSet, made into its Applications: what is there already and right costs no write. */
export async function reconcileSet(
  options: SetOptions,
  set: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  const { client, pollMs } = options;
  const policy = policyOf(set);
  if (set.metadata.deletionTimestamp !== undefined) {
    if (!policy.deletes) await disown(options, set, turn);
    else if (isReversed(set) && !(await deleteNext(options, set, turn))) return { again: DELETION_WAIT };
    await release(client, set, turn);
    return undefined;
  }
  if (isReversed(set)) await hold(client, set, turn);
  const { failure, progress } = await bringAbout(options, set, policy, turn);
  await writeStatus(options, set, { failure, progress }, turn);
  const generators = getArray(set, 'spec', 'generators');
  const again = askAgainAfter(generators, pollMs);
  if (failure !== undefined) return { again: Math.min(RETRY, again ?? RETRY) };
  return again === undefined ? undefined : { again };
}

interface Policy {
  readonly updates: boolean;
  readonly deletes: boolean;
}

function policyOf(set: KubeObject): Policy {
  const name = getString(set, 'spec', 'syncPolicy', 'applicationsSync') || 'sync';
  return {
    updates: name === 'sync' || name === 'create-update',
    deletes: name === 'sync' || name === 'create-delete',
  };
}

async function bringAbout(
  options: SetOptions,
  set: KubeObject,
  policy: Policy,
  turn: Turn,
): Promise<{ readonly failure?: Failure | undefined; readonly progress?: Progress | undefined }> {
  const made = await applicationsOf(set, options.sources(set, turn));
  if ('error' in made) {
    const error = asLandfallError(made.error);
    // Nobody's template: the queue tries again, and nothing is taken away meanwhile.
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    return { failure: { message: error.message, reason: made.reason } };
  }
  if (rollingSync(set)?.length === 0) {
    return { failure: { message: 'No steps defined for rollout', reason: 'ApplicationSetRolloutError' } };
  }
  const { valid, invalid } = await validated(options, set, made.applications, turn);
  const current = ownedBy(options, set);
  const progress = await progressively(options, set, made.applications, current, turn);
  for (const application of valid
    .map(progress?.manual ?? ((one) => one))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    try {
      await writeApplication(options, set, application, policy.updates, turn);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled' || error.kind === 'bug' || error.kind === 'unavailable') throw error;
      return {
        progress,
        failure: {
          message: error.message,
          reason: policy.updates ? 'UpdateApplicationError' : 'CreateApplicationError',
        },
      };
    }
  }
  if (progress !== undefined && policy.updates) await triggerSyncs(options, progress, valid, turn);
  if (policy.deletes) {
    // What was generated stays, also where it is not valid now.
    const wanted = new Set(made.applications.map((application) => application.metadata.name));
    for (const application of current.filter((item) => !wanted.has(item.metadata.name))) {
      if (application.metadata.deletionTimestamp !== undefined) continue;
      await remove(options, set, application, turn);
    }
  }
  return { failure: invalid, progress };
}

async function validated(
  options: SetOptions,
  set: KubeObject,
  applications: readonly KubeObject[],
  turn: Turn,
): Promise<{ readonly valid: readonly KubeObject[]; readonly invalid: Failure | undefined }> {
  const valid: KubeObject[] = [];
  const problems: string[] = [];
  const names = new Set<string>();
  for (const application of applications) {
    const { name } = application.metadata;
    const problem =
      name === ''
        ? `ApplicationSet ${set.metadata.name} contains an application with no name; a name must be set in the template's metadata.name or via a templatePatch (generateName is not supported)`
        : names.has(name)
          ? `ApplicationSet ${set.metadata.name} contains applications with duplicate name: ${name}`
          : await options.problemOf(application, turn);
    names.add(name);
    if (problem === undefined) valid.push(application);
    else problems.push(problem);
  }
  const last = problems.at(-1);
  if (last === undefined) return { valid, invalid: undefined };
  const message = problems.length > 1 ? `${last} (and ${problems.length - 1} more)` : last;
  // Of two with one name neither is the right one: as Argo CD, the first stays.
  return { valid, invalid: { message, reason: 'ApplicationValidationError' } };
}

async function remove(
  options: SetOptions,
  set: KubeObject,
  application: KubeObject,
  turn: Turn,
): Promise<void> {
  const { client, events } = options;
  const { name, uid } = application.metadata;
  await client.delete(
    refOf(application),
    { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) },
    turn.signal,
  );
  await events.record(set, 'Normal', 'Deleted', `Deleted Application "${name}"`, turn.signal);
}

/** A set that may not delete lets its Applications go before it goes itself. */
async function disown(options: SetOptions, set: KubeObject, turn: Turn): Promise<void> {
  for (const application of ownedBy(options, set)) {
    const left = references(application).filter((reference) => !isOwner(reference, set));
    await options.client.patch(
      refOf(application),
      'merge',
      { metadata: { ownerReferences: left.length === 0 ? null : [...left] } },
      { fieldManager: MANAGER },
      turn.signal,
    );
  }
}

/** In the reverse order of their steps, one after the other. True: nothing of theirs is left. */
async function deleteNext(options: SetOptions, set: KubeObject, turn: Turn): Promise<boolean> {
  const current = ownedBy(options, set);
  const { stepOf } = stepsOf(rollingSync(set) ?? [], current);
  const [next] = current
    .filter(({ metadata }) => stepOf.has(metadata.name))
    .toSorted((a, b) => (stepOf.get(b.metadata.name) ?? 0) - (stepOf.get(a.metadata.name) ?? 0));
  if (next === undefined) return true;
  if (next.metadata.deletionTimestamp === undefined) await remove(options, set, next, turn);
  return false;
}

const SET_FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** A set whose Applications go in an order stays until they are gone. */
async function hold(client: KubeClient, set: KubeObject, turn: Turn): Promise<void> {
  const finalizers = set.metadata.finalizers ?? [];
  if (finalizers.includes(SET_FINALIZER)) return;
  await client.patch(
    setRef(set),
    'merge',
    { metadata: { finalizers: [...finalizers, SET_FINALIZER] } },
    { fieldManager: MANAGER },
    turn.signal,
  );
}

async function release(client: KubeClient, set: KubeObject, turn: Turn): Promise<void> {
  const finalizers = set.metadata.finalizers ?? [];
  if (!finalizers.includes(SET_FINALIZER)) return;
  await client.patch(
    setRef(set),
    'merge',
    { metadata: { finalizers: finalizers.filter((name) => name !== SET_FINALIZER) } },
    { fieldManager: MANAGER },
    turn.signal,
  );
}

function setRef(set: KubeObject) {
  const { name, namespace } = set.metadata;
  return { ...APPLICATION_SET_KIND, name, ...(namespace === undefined ? {} : { namespace }) };
}

async function writeStatus(
  options: SetOptions,
  set: KubeObject,
  { failure, progress }: { readonly failure: Failure | undefined; readonly progress: Progress | undefined },
  turn: Turn,
): Promise<void> {
  const { client, clock, logger } = options;
  const current = ownedBy(options, set);
  const before = { ...getObject(set, 'status'), ...progress?.written };
  const rolling = rollingSync(set) === undefined ? undefined : { conditions: progress?.conditions };
  const status = applicationSetStatus(before, { failure, rolling }, current, clock.now());
  if (failure !== undefined && !jsonEqual(before['conditions'], status['conditions'])) {
    logger.warn('An ApplicationSet could not be made into its Applications', {
      applicationSet: `${set.metadata.namespace ?? ''}/${set.metadata.name}`,
      reason: failure.reason,
      error: failure.message,
    });
  }
  const patch = mergePatch(before, status);
  if (patch !== undefined) {
    const { subresources } = await client.resource(APPLICATION_SET_KIND, turn.signal);
    await client.patch(
      setRef(set),
      'merge',
      { status: patch },
      { fieldManager: MANAGER, ...(subresources.includes('status') ? { subresource: 'status' } : {}) },
      turn.signal,
    );
  }
  if (set.metadata.annotations?.[SET_REFRESH_ANNOTATION] !== undefined && failure === undefined) {
    await client.patch(
      setRef(set),
      'merge',
      { metadata: { annotations: { [SET_REFRESH_ANNOTATION]: null } } },
      { fieldManager: MANAGER },
      turn.signal,
    );
  }
}
