import { asLandfallError, getString, sleep } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import { objectName, refOf } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { FIELD_MANAGER } from '../../../apply/index.ts';
import { annotationList, hookDeletePolicies } from '../../../boundaries/sync/index.ts';
import { hookHealth } from '../../sync/index.ts';

/** Which run a hook in the cluster is of. */
const RUN = 'landfall.dev/hook-run';
const LOOK = 1000;

/** When helm runs hooks that belong to no install and no upgrade. */
export type HookTime = 'pre-delete' | 'post-delete' | 'pre-rollback' | 'post-rollback' | 'test';

export interface HookRun {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly hooks: readonly KubeObject[];
  /** Tells this run from others of the same hooks; the same one goes on. */
  readonly id: string;
  /** For each hook. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface HookReport {
  readonly state: 'done' | 'running' | 'failed';
  /** What is waited for, or what has failed. */
  readonly message: string;
  /** How each hook went that was begun. */
  readonly seen: readonly { readonly name: string; readonly phase: 'Running' | 'Succeeded' | 'Failed' }[];
}

/** Those of one time, in the order of their weights and names, as helm runs them. */
export function hooksAt(objects: readonly KubeObject[], time: HookTime): readonly KubeObject[] {
  const weight = (object: KubeObject) =>
    Number(object.metadata.annotations?.['helm.sh/hook-weight'] ?? 0) || 0;
  return objects
    .filter((object) => {
      const listed = annotationList(object, 'helm.sh/hook');
      return listed.includes(time) || (time === 'test' && listed.includes('test-success'));
    })
    .toSorted((a, b) => weight(a) - weight(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
}

/**
 * Goes as far as it gets without waiting: one hook after the other, each until it is complete; those whose policy says
 * so are deleted at the end. Helm's rules: what is in the way goes first where the policy says so.
 */
export async function stepHooks(run: HookRun): Promise<HookReport> {
  const { client, clock, hooks, id, timeoutMs, signal } = run;
  const seen: { name: string; phase: 'Running' | 'Succeeded' | 'Failed' }[] = [];
  for (const hook of hooks) {
    const name = objectName(hook);
    const live = await client.get(refOf(hook), signal);
    if (live?.metadata.annotations?.[RUN] !== id) {
      if (live !== undefined) {
        if (!hookDeletePolicies(hook).includes('BeforeHookCreation')) {
          return { state: 'failed', message: `${name} already exists`, seen };
        }
        await remove(client, live, signal);
        return { state: 'running', message: `${name} of an earlier run to be gone`, seen };
      }
      await create(client, hook, id, signal);
      seen.push({ name, phase: 'Running' });
      return { state: 'running', message: name, seen };
    }
    const { phase, message } = hookHealth(live);
    const begun = Date.parse(getString(live, 'metadata', 'creationTimestamp') ?? '');
    const isLate = phase === 'Running' && clock.now() - begun > timeoutMs;
    seen.push({ name, phase: isLate ? 'Failed' : phase });
    if (phase === 'Failed' || isLate) {
      if (hookDeletePolicies(hook).includes('HookFailed')) await remove(client, live, signal);
      const why = isLate ? `not complete after ${Math.round(timeoutMs / 1000)} s` : message;
      return { state: 'failed', message: `${name} failed: ${why}`, seen };
    }
    if (phase === 'Running') return { state: 'running', message: name, seen };
  }
  for (const hook of hooks) {
    if (!hookDeletePolicies(hook).includes('HookSucceeded')) continue;
    const live = await client.get(refOf(hook), signal);
    if (live !== undefined) await remove(client, live, signal);
  }
  return { state: 'done', message: '', seen };
}

/** As `stepHooks`, again and again until they have ended. */
export async function runHooks(run: HookRun): Promise<HookReport> {
  for (;;) {
    const report = await stepHooks(run);
    if (report.state !== 'running') return report;
    await sleep(run.clock, LOOK, run.signal);
  }
}

async function create(client: KubeClient, hook: KubeObject, id: string, signal: AbortSignal): Promise<void> {
  const annotations = { ...hook.metadata.annotations, [RUN]: id };
  await client.apply(
    { ...hook, metadata: { ...hook.metadata, annotations } },
    { fieldManager: FIELD_MANAGER, force: true, before: null },
    signal,
  );
}

async function remove(client: KubeClient, live: KubeObject, signal: AbortSignal): Promise<void> {
  const { uid } = live.metadata;
  try {
    await client.delete(
      refOf(live),
      { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) },
      signal,
    );
  } catch (thrown) {
    if (asLandfallError(thrown).kind !== 'not-found') throw thrown;
  }
}
