import { setMaxListeners } from 'node:events';
import { asLandfallError, sleep } from '../kernel/index.ts';
import { ENDED_BUILDS } from '../ledger/index.ts';
import type { Build, Ledger } from '../ledger/index.ts';
import { buildMessage, tellMessage } from '../notify/index.ts';
import { decidePending, lastLines, lookForBuilds } from '../pipeline/index.ts';
import { buildChannels } from './build-channels.ts';
import { createBuildDeclarations } from './build-declarations.ts';
import { createBuildNews } from './build-news.ts';
import { createBuildWorkers } from './build-workers.ts';
import type { BuildWorkerOptions } from './build-workers.ts';
import type { Declarations } from './declarations.ts';
import type { Level } from './queue.ts';
import { repositoryKey } from './webhook.ts';
import { whenAborted } from './when-aborted.ts';

export interface BuildLoopOptions extends BuildWorkerOptions {
  readonly declarations: Pick<Declarations, 'read'>;
  /** Once what is tracked is known; before that nothing is looked for. */
  readonly ready?: Promise<void>;
  readonly ledger: Pick<Ledger, 'builds' | 'notices'>;
  /** A build succeeded, wherever it ran; each process is told. */
  readonly onBuilt?: (build: Build) => void;
  /** Ms between two looks at source repositories. Default 180,000. */
  readonly pollMs?: number;
  /**
   * Ms between two looks at what people and other processes have decided; what this process does itself is looked at
   * at once. Default 500.
   */
  readonly tickMs?: number;
}

export interface BuildLoop {
  /** Somebody pushed: triggers of these repositories look now. Gives how many there are. */
  pushed(keys: ReadonlySet<string>): number;
  /** Lets running builds be ended, and gives them back. */
  close(): Promise<void>;
}

const POLL_MS = 180_000;
const TICK_MS = 500;
const LAST_LINES = 8;

/**
 * Finds what is to be built, waits for approvals, runs what may run, and tells how it ended. Several processes may do so
 * at once: whatever two of them find is one build, and one of them runs it.
 */
export function startBuilds(options: BuildLoopOptions): BuildLoop {
  const { clock, logger, ledger } = options;
  const { builds } = ledger;
  const tickMs = options.tickMs ?? TICK_MS;
  const stop = new AbortController();
  // Every look and every running build listens to it.
  setMaxListeners(0, stop.signal);
  const workers = createBuildWorkers(options, stop.signal, () => changed());
  let wake: (() => void) | undefined;
  /** Whether this process has written to the ledger since the last look at it, and what ends the pause before the next. */
  let fresh = false;
  let lookNow: () => void = () => {};
  function changed(): void {
    fresh = true;
    lookNow();
  }
  const awaited = new Set<string>();
  const problems = new Map<string, string>();

  /** Says a problem once, and again when it has changed. */
  function report(subject: string, problem: string | undefined): void {
    if (problems.get(subject) === problem) return;
    if (problem === undefined) problems.delete(subject);
    else {
      problems.set(subject, problem);
      logger.warn('Builds of a trigger cannot be looked for', { subject, problem });
    }
  }

  const declarations = createBuildDeclarations(options.declarations, report, {
    clock,
    retryMs: 40 * tickMs,
    signal: stop.signal,
  });

  async function lookAtSources(level: Level): Promise<void> {
    await declarations.read(level);
    for (const each of declarations.builds) {
      const subject = `${each.declaredIn} ${each.name}`;
      try {
        const mirror = await options.open(each.plan.repository, stop.signal);
        await mirror.fetch(stop.signal);
        const { found, superseded, problem } = await lookForBuilds(builds, each, mirror, stop.signal);
        report(subject, problem);
        if (superseded.length > 0 || found.some(({ outcome }) => outcome !== 'known')) changed();
        for (const { outcome, ref, commit, build } of found) {
          if (outcome !== 'known')
            logger.info('A trigger saw something new', {
              trigger: each.name,
              ref,
              commit,
              outcome,
              build: build?.id,
            });
        }
        for (const { id } of superseded) logger.info('A waiting build gave way', { build: id });
      } catch (thrown) {
        if (stop.signal.aborted) return;
        report(subject, asLandfallError(thrown).message);
      }
    }
  }

  async function sourcesLoop(): Promise<void> {
    await Promise.race([options.ready, whenAborted(stop.signal)]);
    let level: Level = 'git';
    while (!stop.signal.aborted) {
      try {
        await lookAtSources(level);
      } catch (thrown) {
        if (!stop.signal.aborted) report('declarations', asLandfallError(thrown).message);
      }
      if (awaited.size > 0) {
        awaited.clear();
        level = 'asked';
        continue;
      }
      const pause = new AbortController();
      wake = () => pause.abort();
      await sleep(clock, options.pollMs ?? POLL_MS, AbortSignal.any([stop.signal, pause.signal])).catch(
        () => undefined,
      );
      level = awaited.size > 0 ? 'asked' : 'git';
      awaited.clear();
    }
  }

  async function decide(): Promise<void> {
    if (!declarations.known) return;
    for (const { build, state, message } of await decidePending(
      builds,
      (build, fresh) => declarations.now(build, fresh),
      clock,
    ))
      logger.info('A waiting build was decided', { build: build.id, trigger: build.trigger, state, message });
  }

  async function tellAll(): Promise<void> {
    if (!declarations.known) return;
    const untold = await builds.list({ untold: true, states: ['PENDING', ...ENDED_BUILDS] }, 50);
    for (const build of untold.toReversed()) {
      const channels = buildChannels(build, declarations.files);
      if (channels.length > 0) {
        const steps = build.state === 'SUCCESS' ? [] : await builds.steps(build.id);
        const last = steps.findLast(({ state }) => state !== 'done' && state !== 'running');
        const news = { build, lastLines: last === undefined ? [] : lastLines(last, LAST_LINES) };
        await tellMessage(
          { clock, env: options.env, ledger, warn: (text) => logger.warn(text) },
          channels,
          buildMessage(news),
          stop.signal,
        );
        if (stop.signal.aborted) return;
      }
      await builds.told(build.id, build.state);
    }
  }

  const { onBuilt = () => {} } = options;
  const news = createBuildNews(builds, onBuilt);

  async function ledgerLoop(): Promise<void> {
    while (!stop.signal.aborted) {
      fresh = false;
      const works = { decisions: decide, workers: () => workers.begin(), news, notices: tellAll };
      for (const [name, work] of Object.entries(works)) {
        try {
          await work();
          report(name, undefined);
        } catch (thrown) {
          if (!stop.signal.aborted) report(name, asLandfallError(thrown).message);
        }
      }
      if (fresh) continue;
      const pause = new AbortController();
      lookNow = () => pause.abort();
      await sleep(clock, tickMs, AbortSignal.any([stop.signal, pause.signal])).catch(() => undefined);
    }
  }

  const loops = Promise.all([sourcesLoop(), ledgerLoop()]);
  return {
    pushed(keys) {
      const concerned = declarations.builds.filter(
        ({ plan, declaredIn }) =>
          keys.has(repositoryKey(plan.repository)) || keys.has(repositoryKey(declaredIn)),
      );
      // Nothing was read yet: the first look is on its way, or one more is made.
      if (concerned.length > 0 || declarations.declaresIn(keys) || !declarations.known) {
        for (const key of keys) awaited.add(key);
        wake?.();
      }
      return concerned.length;
    },
    async close() {
      stop.abort();
      wake?.();
      await loops;
      await workers.settled();
    },
  };
}
