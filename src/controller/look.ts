import { asLandfallError } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { RenderedSet } from '../boundaries/render/index.ts';
import { findIgnored } from '../boundaries/sync/index.ts';
import type { ApplicationSource, ApplicationSpec, CompareOptions, Jq } from '../boundaries/sync/index.ts';
import { compareWith, compareWithoutTarget, readLive } from './comparison.ts';
import type { Comparison } from './comparison.ts';
import type { LiveObjects } from './live.ts';
import type { Level, Turn } from './queue.ts';
import { comparedStatus } from './status.ts';
import type { Condition } from './status.ts';
import type { NoTarget, Target, TargetLoader } from './target.ts';

/** One application in one turn. */
export interface Subject {
  /** `namespace/name` of the Application. */
  readonly key: string;
  readonly application: KubeObject;
  readonly spec: ApplicationSpec;
}

/** What Git asks for beside what the cluster holds. */
export interface Looked {
  readonly target: Target | NoTarget;
  readonly comparison: Comparison;
  readonly conditions: readonly Condition[];
}

export interface Looker {
  /** The commit and its objects; a NoTarget is the application's fault, a throw is nobody's. */
  findTarget(
    subject: Subject,
    source: ApplicationSource,
    revision: string | undefined,
    level: Level,
    turn: Turn,
  ): Promise<Target | NoTarget>;
  look(subject: Subject, target: Target | NoTarget, how: 'watched' | 'fresh', turn: Turn): Promise<Looked>;
  statusOf(subject: Subject, looked: Looked, extra: readonly Condition[], reconciled: boolean): JsonObject;
  forget(key: string): void;
}

export interface LookerOptions {
  readonly clock: Clock;
  readonly targets: TargetLoader;
  readonly live: LiveObjects;
  readonly instanceOf: (application: KubeObject) => string;
  readonly jq: Jq;
}

/** As Argo CD: a Git server that is away for a moment is not yet an error of the application. */
const GIT_GRACE = 180_000;

export function createLooker(options: LookerOptions): Looker {
  const { clock, targets, live, instanceOf, jq } = options;
  const unreachableSince = new Map<string, number>();
  return {
    async findTarget({ key, application, spec }, source, revision, level, turn) {
      let commit: string | undefined;
      let set: RenderedSet;
      try {
        const wanted = revision === undefined ? source : { ...source, targetRevision: revision };
        commit = await turn.outside(() => targets.resolve(wanted, level, turn.signal));
        set = await targets.render(source, commit, level, turn.signal);
        unreachableSince.delete(key);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
        if (error.kind === 'unavailable' && commit === undefined) {
          const since = unreachableSince.get(key) ?? clock.now();
          unreachableSince.set(key, since);
          if (clock.now() - since < GIT_GRACE) throw error;
        }
        return { commit, error: error.message };
      }
      if (set.failure !== undefined) return { commit, error: set.failure.message };
      return targets.place({ instance: instanceOf(application), spec }, commit, set, turn.signal);
    },
    async look({ application, spec }, target, how, turn) {
      const instance = instanceOf(application);
      const objects = 'objects' in target ? target.objects : [];
      const stored = await readLive(live, objects, application, instance, how, turn.signal);
      if (!('objects' in target)) return withoutTarget(target, stored);
      let found: CompareOptions['found'];
      try {
        found = {
          desired: await findIgnored(spec.ignoreDifferences, objects, jq, turn.signal),
          live: await findIgnored(spec.ignoreDifferences, stored, jq, turn.signal),
        };
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind !== 'invalid-input') throw error;
        return withoutTarget({ commit: target.commit, error: error.message }, stored);
      }
      const comparison = compareWith(target, stored, spec, { instance, found });
      const repeated = target.repeated.map((name): Condition => ({
        type: 'RepeatedResourceWarning',
        message: `Resource ${name.replaceAll('|', '/')} appeared more than once among application resources.`,
      }));
      const shared = comparison.shared.map((message): Condition => ({
        type: 'SharedResourceWarning',
        message,
      }));
      return { target, comparison, conditions: [...repeated, ...shared] };
    },
    statusOf({ application, spec }, looked, extra, reconciled) {
      return comparedStatus({
        application,
        spec,
        comparison: looked.comparison,
        target: 'objects' in looked.target ? looked.target : undefined,
        commit: looked.target.commit,
        conditions: [...looked.conditions, ...extra],
        reconciled,
        now: clock.now(),
      });
    },
    forget: (key) => {
      unreachableSince.delete(key);
    },
  };
}

function withoutTarget(target: NoTarget, stored: readonly KubeObject[]): Looked {
  const message = `Failed to load target state: ${target.error}`;
  return {
    target,
    comparison: compareWithoutTarget(stored),
    conditions: [{ type: 'ComparisonError', message }],
  };
}
