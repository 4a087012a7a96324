import { LandfallError } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { engineHealth, hookDeletePolicies, hookTypes, withTracking } from '../boundaries/sync/index.ts';
import type { Tracking } from '../boundaries/sync/index.ts';
import { FIELD_MANAGER } from '../apply/index.ts';

export type DeletionHook = 'PreDelete' | 'PostDelete';

/** Argo CD's finalizers: the Application stays until its hooks for the end have run, and until they are cleaned up. */
const RUNS: Readonly<Record<DeletionHook, string>> = {
  PreDelete: 'pre-delete-finalizer.argocd.argoproj.io',
  PostDelete: 'post-delete-finalizer.argocd.argoproj.io',
};
const cleanup = (type: DeletionHook) => `${RUNS[type]}/cleanup`;
const TYPES: readonly DeletionHook[] = ['PreDelete', 'PostDelete'];

/** What is still to be done for the end of an Application, in that order, as its finalizers say. */
export function deletionSteps(finalizers: readonly string[]) {
  const has = (name: string) => finalizers.includes(name);
  return {
    before: has(RUNS.PreDelete),
    after: has(RUNS.PostDelete),
    clean: TYPES.filter((type) => has(cleanup(type))),
  };
}

/** The finalizers that an Application needs for the hooks that Git has now; undefined when it has just those. */
export function hookFinalizers(
  application: KubeObject,
  objects: readonly KubeObject[],
): readonly string[] | undefined {
  const before = application.metadata.finalizers ?? [];
  const all = TYPES.flatMap((type) => [RUNS[type], cleanup(type)]);
  const wanted = TYPES.filter((type) => objects.some((object) => hookTypes(object).includes(type))).flatMap(
    (type) => [RUNS[type], cleanup(type)],
  );
  const kept = before.filter((name) => !all.includes(name) || wanted.includes(name));
  const after = [...kept, ...wanted.filter((name) => !before.includes(name))];
  return after.length === before.length && after.every((name) => before.includes(name)) ? undefined : after;
}

export interface HookWork {
  readonly client: KubeClient;
  readonly instance: string;
  readonly tracking: Tracking;
  /** The destination's namespace. */
  readonly destination: string;
  /** Tells hooks of this deletion that are named when they run. */
  readonly suffix: string;
  readonly signal: AbortSignal;
}

/**
 * Runs the hooks of that type that Git has. False while one runs. Throws when one has failed: it is deleted, so that it
 * runs again the next time.
 */
export async function runDeletionHooks(
  work: HookWork,
  type: DeletionHook,
  objects: readonly KubeObject[],
): Promise<boolean> {
  let done = true;
  for (const hook of hooksOf(work, type, objects)) {
    const live = await work.client.get(refOf(hook), work.signal);
    if (live === undefined) {
      await work.client.apply(hook, { fieldManager: FIELD_MANAGER, force: true, before: null }, work.signal);
      done = false;
      continue;
    }
    const health = engineHealth(live);
    if (health?.status === 'Degraded') {
      await work.client.delete(refOf(live), { propagationPolicy: 'Background' }, work.signal);
      throw new LandfallError(`The ${type} hook ${objectName(live)} failed: ${health.message ?? ''}`, {
        kind: 'unavailable',
        code: 'deletion-hook-failed',
        object: objectName(live),
        hint: 'It runs again in a while; mend it in Git, or take the finalizer off the Application.',
      });
    }
    if (health?.status === 'Progressing' || health?.status === 'Suspended') done = false;
  }
  return done;
}

/** Deletes the hooks whose policy says so, now that they have succeeded. */
export async function cleanDeletionHooks(
  work: HookWork,
  type: DeletionHook,
  objects: readonly KubeObject[],
): Promise<void> {
  for (const hook of hooksOf(work, type, objects)) {
    if (!hookDeletePolicies(hook).includes('HookSucceeded')) continue;
    await work.client.delete(refOf(hook), { propagationPolicy: 'Background' }, work.signal);
  }
}

function hooksOf(work: HookWork, type: DeletionHook, objects: readonly KubeObject[]): readonly KubeObject[] {
  return objects
    .filter((object) => hookTypes(object).includes(type))
    .map((object) => {
      const { generateName, ...metadata } = object.metadata;
      const name =
        (metadata.name as string | undefined) ?? `${generateName ?? ''}${type.toLowerCase()}-${work.suffix}`;
      const named = { ...object, metadata: { ...metadata, name } };
      return withTracking(named, work.instance, work.destination, work.tracking);
    });
}

/** Takes finalizers off an Application, or sets them; another writer's change makes it fail, to be tried again. */
export async function setFinalizers(
  home: KubeClient,
  application: KubeObject,
  finalizers: readonly string[],
  signal: AbortSignal,
): Promise<KubeObject> {
  const { resourceVersion } = application.metadata;
  const value: JsonValue[] = [...finalizers];
  return home.patch(
    refOf(application),
    'merge',
    { metadata: { finalizers: value, ...(resourceVersion === undefined ? {} : { resourceVersion }) } },
    { fieldManager: 'landfall-controller' },
    signal,
  );
}

/** The finalizers without the one that a step was for. */
export function withoutStep(
  application: KubeObject,
  type: DeletionHook,
  step: 'run' | 'cleanup',
): readonly string[] {
  const gone = step === 'run' ? RUNS[type] : cleanup(type);
  return (application.metadata.finalizers ?? []).filter((name) => name !== gone);
}
