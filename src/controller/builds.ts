import { setMaxListeners } from 'node:events';
import { withoutCredentials } from '../git/index.ts';
import type { GitMirror } from '../git/index.ts';
import { asLandfallError, sleep } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import { ENDED_BUILDS } from '../ledger/index.ts';
import type { Build, Ledger } from '../ledger/index.ts';
import { buildMessage, tellMessage } from '../notify/index.ts';
import type { BuildRecord, RegistryClient } from '../oci/index.ts';
import { decidePending, declaredBuilds, lastLines, lookForBuilds, runBuild } from '../pipeline/index.ts';
import type { DeclaredBuild, DeclaredNow } from '../pipeline/index.ts';
import { buildChannels } from './build-channels.ts';
import type { Declaration, Declarations } from './declarations.ts';
import type { Level } from './queue.ts';
import { repositoryKey } from './webhook.ts';

export interface BuildLoopOptions {
  readonly declarations: Pick<Declarations, 'read'>;
  /** Once what is tracked is known; before that nothing is looked for. */
  readonly ready?: Promise<void>;
  /** A source repository, with the credentials that it needs. */
  readonly open: (url: string, signal: AbortSignal) => Promise<GitMirror>;
  readonly ledger: Pick<Ledger, 'builds' | 'notices'>;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where workspaces are made. */
  readonly folder: string;
  /** Where secrets of builds and channels are looked up. */
  readonly env: NodeJS.ProcessEnv;
  readonly onPushed?: (record: BuildRecord) => Promise<void>;
  /** Ms between two looks at source repositories. Default 180,000. */
  readonly pollMs?: number;
  /** Ms between two looks at what people and other processes have decided. Default 2,000. */
  readonly tickMs?: number;
  /** Builds that run at a time; 0: this process runs none. Default 2. */
  readonly concurrency?: number;
}

export interface BuildLoop {
  /** Somebody pushed: triggers of these repositories look now. Gives how many there are. */
  pushed(keys: ReadonlySet<string>): number;
  /** Lets running builds be ended, and gives them back. */
  close(): Promise<void>;
}

const POLL_MS = 180_000;
const TICK_MS = 2_000;
const CONCURRENCY = 2;
const LAST_LINES = 8;

/**
 * Finds what is to be built, waits for approvals, runs what may run, and tells how it ended. Several processes may do so
 * at once: whatever two of them find is one build, and one of them runs it.
 */
export function startBuilds(options: BuildLoopOptions): BuildLoop {
  const { clock, logger, ledger, registry } = options;
  const { builds } = ledger;
  const stop = new AbortController();
  // Every look and every running build listens to it.
  setMaxListeners(0, stop.signal);
  const running = new Set<Promise<void>>();
  /** By deployment repository: what it declared when it was read last. */
  let declarations: ReadonlyMap<string, Declaration> | undefined;
  let wake: (() => void) | undefined;
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

  async function readDeclarations(level: Level): Promise<void> {
    const { known, unread } = await options.declarations.read(level, stop.signal);
    const found = new Map<string, Declaration>();
    // Two spellings of one repository declare the same builds once.
    for (const each of known.toSorted((a, b) => (a.url < b.url ? -1 : 1))) {
      const key = repositoryKey(each.url);
      if (!found.has(key)) found.set(key, each);
    }
    for (const { url, problem } of unread) {
      const before = declarations?.get(repositoryKey(url));
      report(withoutCredentials(url), problem.message);
      // What it declared is still looked for; what has to be fresh says that it is not.
      if (before !== undefined && !found.has(repositoryKey(url))) stale.add(repositoryKey(url));
      if (before !== undefined) found.set(repositoryKey(url), before);
    }
    for (const { url } of known) {
      stale.delete(repositoryKey(url));
      report(withoutCredentials(url), undefined);
    }
    declarations = found;
  }
  /** Repositories that could not be read the last time. */
  const stale = new Set<string>();

  function declared(): readonly DeclaredBuild[] {
    return [...(declarations?.values() ?? [])].flatMap(({ file, url, commit }) =>
      file === undefined ? [] : declaredBuilds(file, url, commit),
    );
  }

  async function declaredNow(build: Build, fresh: boolean): Promise<DeclaredNow> {
    if (fresh) await readDeclarations('asked');
    const key = repositoryKey(build.declaredIn);
    const declaration = declarations?.get(key);
    if (declaration === undefined || stale.has(key)) return 'unknown';
    return (
      declared().find((each) => each.name === build.trigger && each.declaredIn === build.declaredIn) ?? 'gone'
    );
  }

  async function lookAtSources(level: Level): Promise<void> {
    await readDeclarations(level);
    for (const each of declared()) {
      const subject = `${each.declaredIn} ${each.name}`;
      try {
        const mirror = await options.open(each.plan.repository, stop.signal);
        await mirror.fetch(stop.signal);
        const { found, superseded, problem } = await lookForBuilds(builds, each, mirror, stop.signal);
        report(subject, problem);
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
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([
        woken,
        sleep(clock, options.pollMs ?? POLL_MS, stop.signal).catch(() => undefined),
      ]);
      level = awaited.size > 0 ? 'asked' : 'git';
      awaited.clear();
    }
  }

  async function decide(): Promise<void> {
    if (declarations === undefined) return;
    for (const { build, state, message } of await decidePending(builds, declaredNow, clock))
      logger.info('A waiting build was decided', { build: build.id, trigger: build.trigger, state, message });
  }

  async function startQueued(): Promise<void> {
    while (running.size < (options.concurrency ?? CONCURRENCY) && !stop.signal.aborted) {
      const build = await builds.claim();
      if (build === undefined) return;
      logger.info('A build began', {
        build: build.id,
        trigger: build.trigger,
        commit: build.commit,
        run: build.runs,
      });
      const work = runBuild(
        {
          builds,
          openSource: options.open,
          registry,
          clock,
          logger,
          folder: options.folder,
          env: options.env,
          ...(options.onPushed === undefined ? {} : { onPushed: options.onPushed }),
        },
        build,
        stop.signal,
      ).then(
        (state) =>
          logger.info('A build ended', {
            build: build.id,
            trigger: build.trigger,
            state: state ?? 'given back',
          }),
        (thrown: unknown) =>
          logger.error('A build could not be ended', {
            build: build.id,
            error: asLandfallError(thrown).message,
          }),
      );
      running.add(work);
      void work.finally(() => running.delete(work));
    }
  }

  async function tellAll(): Promise<void> {
    if (declarations === undefined) return;
    const untold = await builds.list({ untold: true, states: ['PENDING', ...ENDED_BUILDS] }, 50);
    for (const build of untold.toReversed()) {
      const channels = buildChannels(build, [...declarations.values()]);
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

  async function ledgerLoop(): Promise<void> {
    while (!stop.signal.aborted) {
      for (const work of [decide, startQueued, tellAll]) {
        try {
          await work();
          report(work.name, undefined);
        } catch (thrown) {
          if (!stop.signal.aborted) report(work.name, asLandfallError(thrown).message);
        }
      }
      await sleep(clock, options.tickMs ?? TICK_MS, stop.signal).catch(() => undefined);
    }
  }

  const loops = Promise.all([sourcesLoop(), ledgerLoop()]);
  return {
    pushed(keys) {
      const concerned = declared().filter(
        ({ plan, declaredIn }) =>
          keys.has(repositoryKey(plan.repository)) || keys.has(repositoryKey(declaredIn)),
      );
      const declares = [...keys].some((key) => declarations?.has(key) === true);
      // Nothing was read yet: the first look is on its way, or one more is made.
      if (concerned.length > 0 || declares || declarations === undefined) {
        for (const key of keys) awaited.add(key);
        wake?.();
      }
      return concerned.length;
    },
    async close() {
      stop.abort();
      wake?.();
      await loops;
      await Promise.allSettled(running);
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
