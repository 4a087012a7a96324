import { LandfallError } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { applicationSpec } from '../boundaries/sync/index.ts';
import type { Clusters } from './clusters/index.ts';
import {
  cleanDeletionHooks,
  deletionSteps,
  runDeletionHooks,
  setFinalizers,
  withoutStep,
} from './deletion-hooks.ts';
import type { DeletionHook, HookWork } from './deletion-hooks.ts';
import { FINALIZERS, finishDeletion } from './finalize.ts';
import type { Ending } from './finalize.ts';
import type { Subject } from './look.ts';
import type { Turn } from './queue.ts';
import type { Settings } from './settings/index.ts';
import type { NoTarget, Target } from './target.ts';

export interface FinishOptions {
  readonly home: KubeClient;
  readonly clusters: Clusters;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly instanceOf: (application: KubeObject) => string;
  /** The application with its cluster and project; a list says why it cannot be honoured. */
  readonly subjectOf: (application: KubeObject, turn: Turn) => Promise<Subject | readonly string[]>;
  readonly settings: Settings;
  /** What Git asked for when it was last compared. */
  readonly targetOf: (subject: Subject, turn: Turn) => Promise<Target | NoTarget>;
}

/**
 * The end of an Application, one step a turn: hooks before it, its objects, hooks after it, and the hooks themselves.
 * Done when nothing of ours holds it any more.
 */
export async function finish(options: FinishOptions, application: KubeObject, turn: Turn): Promise<Ending> {
  const { home } = options;
  const finalizers = application.metadata.finalizers ?? [];
  const steps = deletionSteps(finalizers);
  const spec = applicationSpec(application);
  const cluster = await options.clusters.of(spec.destination, turn.signal);
  const reachable = 'problem' in cluster ? undefined : cluster;
  if (steps.before && reachable !== undefined) {
    await runHooks(options, application, 'PreDelete', turn);
    return { done: false };
  }
  if (finalizers.some((name) => FINALIZERS.has(name))) {
    const { clock, logger } = options;
    const { tracking } = await options.settings.get(turn.signal);
    const instance = options.instanceOf(application);
    const work = { home, clock, logger, instance, tracking, cluster: reachable };
    const ended = await finishDeletion({ ...work, options: spec.policy.options }, application, turn.signal);
    const last = !steps.before && !steps.after && steps.clean.length === 0;
    return ended.done && !last ? { done: false } : ended;
  }
  if (steps.after && reachable !== undefined) {
    await runHooks(options, application, 'PostDelete', turn);
    return { done: false };
  }
  const [type] = steps.clean;
  if (type !== undefined && reachable !== undefined) {
    const { work, objects } = await hookWork(options, application, turn);
    await cleanDeletionHooks(work, type, objects);
    await setFinalizers(home, application, withoutStep(application, type, 'cleanup'), turn.signal);
    return { done: false };
  }
  const held = finalizers.filter((name) => !name.includes('-delete-finalizer.argocd.argoproj.io'));
  // Nobody can run a hook on a cluster that is not configured any more.
  if (held.length < finalizers.length) await setFinalizers(home, application, held, turn.signal);
  return { done: true };
}

async function runHooks(
  options: FinishOptions,
  application: KubeObject,
  type: DeletionHook,
  turn: Turn,
): Promise<void> {
  const { work, objects } = await hookWork(options, application, turn);
  if (!(await runDeletionHooks(work, type, objects))) return;
  options.logger.info('Ran the hooks for the end of an application', { application: work.instance, type });
  await setFinalizers(options.home, application, withoutStep(application, type, 'run'), turn.signal);
}

async function hookWork(
  options: FinishOptions,
  application: KubeObject,
  turn: Turn,
): Promise<{ readonly work: HookWork; readonly objects: readonly KubeObject[] }> {
  const subject = await options.subjectOf(application, turn);
  const failed = (why: string) =>
    new LandfallError(`The hooks for the end of ${application.metadata.name} cannot be run: ${why}`, {
      kind: 'unavailable',
      code: 'deletion-hooks-unknown',
      object: application.metadata.name,
    });
  if (!('cluster' in subject)) throw failed(subject.join('; '));
  const target = await options.targetOf(subject, turn);
  if (!('objects' in target)) throw failed(target.error);
  const seconds = Date.parse(application.metadata.deletionTimestamp ?? '') / 1000;
  return {
    objects: target.objects,
    work: {
      client: subject.cluster.client,
      instance: options.instanceOf(application),
      tracking: subject.settings.tracking,
      destination: subject.spec.destination.namespace,
      suffix: String(Math.floor(seconds)),
      signal: turn.signal,
    },
  };
}
