import { setMaxListeners } from 'node:events';
import type { RenderedSet } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTexts, FileTree, GitMirror } from '../../git/index.ts';
import { asLandfallError, mapBounded, sleep } from '../../kernel/index.ts';
import type { Clock, LandfallError } from '../../kernel/index.ts';
import type { Hold } from '../../ledger/index.ts';
import type { Platform } from '../../oci/index.ts';
import type { Ancestry } from './ancestry.ts';
import { newChoosers } from './choosers.ts';
import type { ImageRule, Updater } from './configuration/index.ts';
import { changeOf, outcomeOf, settled, updatedImage } from './cycle-parts.ts';
import { currentAtMarkers, currentIn, type CurrentImage } from './current.ts';
import { decideImage, type ImageDecision } from './decision.ts';
import { readUpdateHistory, type UpdateHistory } from './history.ts';
import { branchOf, messageOf, type RenderTemplate, type UpdatePart } from './message.ts';
import { busy, renderFailed, tagMoved } from './problems.ts';
import type { Publish } from './publish.ts';
import type { Registries } from './registries.ts';
import type { UpdateReport } from './report.ts';
import type { EditImages, ImageEdits } from './write.ts';

/** What a cycle works with. */
export interface CycleSources {
  readonly clock: Clock;
  readonly registries: Registries;
  readonly ancestry: Ancestry;
  readonly edit: EditImages;
  readonly template: RenderTemplate;
  /** Where the deployment repository of an updater is, with its credentials. */
  readonly repository: (updater: Updater, signal: AbortSignal) => Promise<GitMirror>;
  /** What would be delivered of an updater's application from a tree at a commit. */
  readonly render: (
    updater: Updater,
    tree: FileTree,
    commit: string,
    signal: AbortSignal,
  ) => Promise<RenderedSet>;
  readonly platforms: (updater: Updater, signal: AbortSignal) => Promise<readonly Platform[]>;
  /** Of kind `updates`, for the application of an updater. */
  readonly holds: (updater: Updater, signal: AbortSignal) => Promise<readonly Hold[]>;
  readonly publish: Publish;
}

export interface CycleOptions {
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

const AT_ONCE = 6;
const LOOKS_AT_ONCE = 8;
/** Programs and requests that wait for the signal of one cycle at a time. */
const LISTENERS = 200;
/** A busy repository takes a commit of ours at the latest after so many of others. */
const ATTEMPTS = 15;

/** One look of one updater, before anything is done. */
interface Looked {
  readonly updater: Updater;
  readonly images: readonly ImageDecision[];
  readonly holds: readonly Hold[];
  readonly history: UpdateHistory;
}

export interface Cycle {
  /** What registries and source repositories said before is asked for again: a round of cycles begins. */
  forget(): void;
  /**
   * One cycle of updaters that write to the same branch: looks at every image, and makes one commit of all that is to
   * be changed. What cannot be read, must not be done, or fails is in the report of its updater and stops no other
   * one. Throws only what `signal` ends, and bugs.
   */
  run(
    updaters: readonly Updater[],
    options: CycleOptions,
    signal: AbortSignal,
  ): Promise<readonly UpdateReport[]>;
}

/** Updaters that can share a commit: the same branch of the same repository, and the same words. */
export function placeOf({ git, commit, images }: Updater): string {
  const { url, project, revision, push, pullRequest } = git;
  const own = push?.includes('{{') === true ? images.map(({ name }) => name) : [];
  return JSON.stringify([url, project, revision, push, pullRequest, commit, own]);
}

export function createCycle(sources: CycleSources): Cycle {
  const { clock } = sources;
  const chooser = newChoosers();

  async function look(
    updater: Updater,
    tree: FileTree,
    commit: string,
    history: UpdateHistory,
    signal: AbortSignal,
  ): Promise<Looked> {
    const current = await currentOf(updater, tree, commit, signal);
    const platforms = await sources.platforms(updater, signal);
    const images = await mapBounded(updater.images, AT_ONCE, (rule) =>
      decideImage(
        rule,
        current(rule),
        { registries: sources.registries, ancestry: sources.ancestry, chooser, platforms },
        signal,
      ),
    );
    return { updater, images, history, holds: await sources.holds(updater, signal) };
  }

  async function currentOf(
    updater: Updater,
    tree: FileTree,
    commit: string,
    signal: AbortSignal,
  ): Promise<(rule: ImageRule) => readonly CurrentImage[]> {
    if (updater.images.every(({ target }) => target.kind === 'setters')) {
      const markers = await currentAtMarkers(tree, updater.git.path);
      return ({ target }) => (target.kind === 'setters' ? (markers.get(target.policy) ?? []) : []);
    }
    const set = await sources.render(updater, tree, commit, signal);
    if (set.failure !== undefined) throw renderFailed(updater, set.failure.message, set.failure.hint);
    return (rule) => currentIn(set, rule);
  }

  function report(
    looked: Looked,
    rest: Partial<UpdateReport> & Pick<UpdateReport, 'outcome' | 'why'>,
  ): UpdateReport {
    const { updater, images, holds, history } = looked;
    return {
      updater,
      at: new Date(clock.now()).toISOString(),
      images,
      edits: [],
      warnings: [],
      holds,
      commit: undefined,
      branch: undefined,
      last: history.last(updater.key),
      ...rest,
    };
  }

  /** Why what is to be done is not done by itself; undefined where it is. */
  function stopped(looked: Looked): Pick<UpdateReport, 'outcome' | 'why' | 'hint'> | undefined {
    const { updater, holds, history } = looked;
    const [hold] = holds;
    if (updater.suspended)
      return { outcome: 'suspended', why: 'the updater is suspended in its own configuration' };
    if (hold !== undefined) {
      return {
        outcome: 'held',
        why: `held by ${hold.actor.name} since ${hold.since}: ${hold.reason}`,
        hint: `landfall holds lift ${hold.id}`,
      };
    }
    const made = history.inLastHour(updater.key, clock.now());
    if (made >= updater.perHour) {
      return {
        outcome: 'limited',
        why: `${made} commits were made for it in the last hour, at most ${updater.perHour} are`,
        hint: 'It goes on by itself; raise perHour where so many are wanted.',
      };
    }
    return undefined;
  }

  /** One attempt at the present tip; `moved` where somebody was faster. */
  async function attempt(
    updaters: readonly Updater[],
    mirror: GitMirror,
    options: CycleOptions,
    signal: AbortSignal,
  ): Promise<readonly UpdateReport[] | 'moved'> {
    const [first] = updaters;
    if (first === undefined) return [];
    await mirror.fetch(signal);
    const { commit: tip, ref } = await mirror.resolve(first.git.revision, signal);
    const tree = mirror.tree(tip);
    const history = await readUpdateHistory(mirror, tip, signal);
    const reports: UpdateReport[] = [];
    const parts: {
      readonly looked: Looked;
      readonly part: UpdatePart;
      readonly warnings: readonly string[];
    }[] = [];
    let files: FileTexts = {};
    const looks = await mapBounded(updaters, LOOKS_AT_ONCE, async (updater) => {
      try {
        return { looked: await look(updater, tree, tip, history, signal) };
      } catch (thrown) {
        signal.throwIfAborted();
        const nothing = { updater, images: [], holds: [], history };
        return { failed: failed(nothing, asLandfallError(thrown)) };
      }
    });
    for (const { looked, failed: failure } of looks) {
      if (looked === undefined) {
        reports.push(failure);
        continue;
      }
      const { updater } = looked;
      const wanted = looked.images.filter(({ state }) => state === 'update');
      if (wanted.length === 0) {
        reports.push(report(looked, settled(looked.images)));
        continue;
      }
      const stop = stopped(looked);
      if (stop !== undefined) {
        reports.push(report(looked, stop));
        continue;
      }
      try {
        const edits = await write(looked, wanted, treeWith(tree, files), tip, signal);
        if (edits.edits.length === 0) {
          reports.push(report(looked, { outcome: 'current', why: 'Git asks for it already' }));
          continue;
        }
        await checkAgain(wanted, signal);
        files = { ...files, ...edits.files };
        parts.push({
          looked,
          warnings: edits.warnings,
          part: { updater, images: wanted.flatMap(updatedImage), edits: edits.edits },
        });
      } catch (thrown) {
        signal.throwIfAborted();
        reports.push(failed(looked, asLandfallError(thrown)));
      }
    }
    const done = (rest: Pick<UpdateReport, 'outcome' | 'why'> & Partial<UpdateReport>) =>
      parts.map(({ looked, part, warnings }) => report(looked, { edits: part.edits, warnings, ...rest }));
    if (parts.length === 0) return reports;
    if (options.dryRun === true)
      return [...reports, ...done({ outcome: 'would-commit', why: 'nothing was committed: only asked' })];
    try {
      const message = messageOf(
        parts.map(({ part }) => part),
        sources.template,
      );
      const [{ part }] = parts as [(typeof parts)[0]];
      const published = await sources.publish(
        {
          mirror,
          updater: first,
          base: branchName(ref ?? first.git.revision),
          tip,
          ...(first.git.push === undefined ? {} : { push: branchOf(first.git.push, part, sources.template) }),
          files,
          message,
        },
        signal,
      );
      if (published === 'moved') return 'moved';
      return [...reports, ...done(outcomeOf(published))];
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asLandfallError(thrown);
      return [...reports, ...parts.map(({ looked }) => failed(looked, error))];
    }
  }

  function failed(looked: Looked, error: LandfallError): UpdateReport {
    if (error.kind === 'bug') throw error;
    return report(looked, {
      outcome: 'failed',
      why: `nothing was committed: ${error.message}`,
      code: error.code,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  }

  /** All images of one updater, by where each is written, one upon the other. */
  async function write(
    { updater }: Looked,
    wanted: readonly ImageDecision[],
    tree: FileTree,
    commit: string,
    signal: AbortSignal,
  ): Promise<ImageEdits> {
    const groups = new Map<string, ImageDecision[]>();
    for (const decision of wanted) {
      const key = JSON.stringify(decision.rule.target);
      groups.set(key, [...(groups.get(key) ?? []), decision]);
    }
    let all: ImageEdits = { files: {}, edits: [], warnings: [] };
    for (const decisions of groups.values()) {
      const [one] = decisions;
      if (one === undefined) continue;
      const made = await sources.edit({
        tree: treeWith(tree, all.files),
        folder: updater.git.path,
        application: updater.application,
        changes: decisions.map(changeOf),
        target: one.rule.target,
        render: (changed) => sources.render(updater, changed, commit, signal),
        signal,
      });
      all = {
        files: { ...all.files, ...made.files },
        edits: [...all.edits, ...made.edits],
        warnings: [...all.warnings, ...made.warnings],
      };
    }
    return all;
  }

  /** What was checked must still be what the tags are: just before it is committed, and by nobody's memory. */
  async function checkAgain(wanted: readonly ImageDecision[], signal: AbortSignal): Promise<void> {
    await mapBounded(wanted, AT_ONCE, async ({ rule, chosen }) => {
      if (chosen?.digest === undefined) return;
      const now = await sources.registries.digestNow(rule, chosen.tag, signal);
      if (now !== chosen.digest) throw tagMoved(rule, chosen.tag, chosen.digest, now);
    });
  }

  return {
    forget() {
      sources.registries.forget();
      sources.ancestry.forget();
    },
    async run(updaters, options, signal) {
      const [first] = updaters;
      if (first === undefined) return [];
      setMaxListeners(LISTENERS, signal);
      let mirror: GitMirror;
      try {
        mirror = await sources.repository(first, signal);
        for (let tried = 0; tried < ATTEMPTS; tried += 1) {
          const reports = await attempt(updaters, mirror, options, signal);
          if (reports !== 'moved') return reports;
          // Others commit, too: not all of them again at the same moment.
          await sleep(clock, 50 * (1 + (tried % 5)), signal);
        }
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asLandfallError(thrown);
        return updaters.map((updater) =>
          failed({ updater, images: [], holds: [], history: NO_HISTORY }, error),
        );
      }
      return updaters.map((updater) =>
        failed({ updater, images: [], holds: [], history: NO_HISTORY }, busy(mirror, first)),
      );
    },
  };
}

const NO_HISTORY: UpdateHistory = { last: () => undefined, inLastHour: () => 0, find: () => undefined };

function branchName(ref: string): string {
  return ref.replace(/^refs\/heads\//, '');
}
