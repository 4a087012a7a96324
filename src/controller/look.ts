import { asLandfallError } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { RenderedSet } from '../boundaries/render/index.ts';
import { findIgnored } from '../boundaries/sync/index.ts';
import type { ApplicationSource, ApplicationSpec, CompareOptions, Jq } from '../boundaries/sync/index.ts';
import { objectKey } from '../boundaries/index.ts';
import { compareWith, compareWithoutTarget, readLive } from './comparison.ts';
import type { Comparison, Mark } from './comparison.ts';
import type { Cluster } from './clusters/index.ts';
import type { FailurePolicy } from './failure-policy.ts';
import { misunderstoodMarks } from './marks.ts';
import type { Project } from './projects/index.ts';
import { ignoreRules, isExcluded } from '../boundaries/settings/index.ts';
import type { ArgoSettings } from '../boundaries/settings/index.ts';
import { notManaged, switchedOff, unsupportedSettings, withoutExcluded } from './settled.ts';
import type { Level, Turn } from './queue.ts';
import { comparedStatus, isNamespaceChanged } from './status.ts';
import type { Condition } from './status.ts';
import type { NoTarget, Target, TargetLoader } from './target.ts';
import { unknownFields } from './validate.ts';

/** One application in one turn. */
export interface Subject {
  /** `namespace/name` of the Application. */
  readonly key: string;
  readonly application: KubeObject;
  readonly spec: ApplicationSpec;
  /** Where its objects go. */
  readonly cluster: Cluster;
  readonly project: Project;
  /** Of Argo CD, as they are now. */
  readonly settings: ArgoSettings;
  /** What becomes of a sync that fails. */
  readonly policy: FailurePolicy;
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
    sources: readonly ApplicationSource[],
    /** One for each source; left out: what the sources themselves name. */
    revisions: readonly string[] | undefined,
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
  readonly instanceOf: (application: KubeObject) => string;
  readonly jq: Jq;
}

/** As Argo CD: a Git server that is away for a moment is not yet an error of the application. */
const GIT_GRACE = 180_000;

export function createLooker(options: LookerOptions): Looker {
  const { clock, targets, instanceOf, jq } = options;
  const unreachableSince = new Map<string, number>();
  return {
    async findTarget({ key, application, spec, cluster, settings }, sources, revisions, level, turn) {
      const asker = {
        instance: instanceOf(application),
        tracking: settings.tracking,
        name: application.metadata.name,
        home: application.metadata.namespace ?? '',
        spec,
        cluster,
        settings,
      };
      const found: string[] = [];
      const sets: RenderedSet[] = [];
      let at = 0;
      try {
        const asked = sources.map((source, index) => {
          const revision = revisions?.[index];
          const wanted = revision === undefined ? source : { ...source, targetRevision: revision };
          return turn.outside(() => targets.resolve(wanted, level, asker, turn.signal));
        });
        for (const result of await Promise.allSettled(asked)) {
          if (result.status === 'rejected') throw result.reason;
          found.push(result.value);
          at += 1;
        }
        at = 0;
        for (const index of sources.keys()) {
          const set = await targets.render(sources, found, index, level, asker, turn.signal);
          if (set.failure !== undefined) {
            return { ...named(found), error: `${place(index, sources.length)}${set.failure.message}` };
          }
          sets.push(set);
          at += 1;
        }
        unreachableSince.delete(key);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
        const whole = found.length === sources.length;
        if (error.kind === 'unavailable' && !whole) {
          const since = unreachableSince.get(key) ?? clock.now();
          unreachableSince.set(key, since);
          if (error.code !== 'helm-missing' && clock.now() - since < GIT_GRACE) throw error;
        }
        const message = `${place(at, sources.length)}${error.message}`;
        return whole ? { ...named(found), error: message } : { commit: undefined, error: message };
      }
      return targets.place(asker, found, sets, turn.signal);
    },
    async look({ application, spec, cluster, project, settings }, whole, how, turn) {
      const { live, server } = cluster;
      const mark: Mark = { instance: instanceOf(application), tracking: settings.tracking };
      const { target, conditions: excluded } =
        'objects' in whole
          ? withoutExcluded(whole, settings, server)
          : { target: whole, conditions: [] as readonly Condition[] };
      const objects = 'objects' in target ? target.objects : [];
      const all = await readLive(live, objects, application, mark, how, turn.signal);
      // What the project does not let the application touch is not pruned by it either.
      const wanted = new Set(objects.map(objectKey));
      const stored = all.filter(
        (object) =>
          wanted.has(objectKey(object)) ||
          (project.refusal(object, cluster) === undefined && !isExcluded(object, settings, server)),
      );
      if (!('objects' in target)) return withoutTarget(target, stored);
      const off = switchedOff(target, settings);
      if (off !== undefined) return withoutTarget({ ...named(target.revisions), error: off }, stored);
      const foreign = notManaged(objects, cluster);
      if (foreign !== undefined) {
        const message = `Failed to load live state: ${foreign}`;
        const found = withoutTarget({ ...named(target.revisions), error: foreign }, stored);
        return { ...found, conditions: [{ type: 'ComparisonError', message }] };
      }
      const ignore = ignoreRules(spec.ignoreDifferences, settings, objects);
      let found: CompareOptions['found'];
      try {
        found = {
          desired: await findIgnored(ignore, objects, jq, turn.signal),
          live: await findIgnored(ignore, stored, jq, turn.signal),
        };
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind !== 'invalid-input') throw error;
        return withoutTarget({ commit: target.commit, error: error.message }, stored);
      }
      const compared = compareWith(target, stored, { ...spec, ignoreDifferences: ignore }, { mark, found });
      const comparison: Comparison = isNamespaceChanged(application)
        ? { ...compared, sync: 'OutOfSync' }
        : compared;
      const repeated = target.repeated.map((name): Condition => ({
        type: 'RepeatedResourceWarning',
        message: `Resource ${name.replaceAll('|', '/')} appeared more than once among application resources.`,
      }));
      const shared = comparison.shared.map((message): Condition => ({
        type: 'SharedResourceWarning',
        message,
      }));
      const unsupported = unsupportedSettings(objects, settings);
      const marks = misunderstoodMarks(objects);
      const conditions = [...repeated, ...shared, ...excluded, ...unsupported, ...marks];
      return { target, comparison, conditions };
    },
    statusOf({ application, spec, project }, looked, extra, reconciled) {
      return comparedStatus({
        application,
        spec,
        comparison: looked.comparison,
        target: 'objects' in looked.target ? looked.target : undefined,
        commit: looked.target.commit,
        revisions: looked.target.revisions,
        conditions: [...looked.conditions, ...unknownFields(application, project.unknown), ...extra],
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
  const condition: Condition =
    target.invalid === true
      ? { type: 'InvalidSpecError', message: target.error }
      : { type: 'ComparisonError', message: `Failed to load target state: ${target.error}` };
  return { target, comparison: compareWithoutTarget(stored), conditions: [condition] };
}

function named(revisions: readonly string[]) {
  return { commit: revisions.join(', '), revisions };
}

/** Which of several sources is meant, in Argo CD's words. */
function place(index: number, count: number): string {
  return count > 1 ? `failed to generate manifest for source ${index + 1} of ${count}: ` : '';
}
