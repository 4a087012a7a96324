import { setMaxListeners } from 'node:events';
import type { GitMirror } from '../git/index.ts';
import { asLandfallError, sleep } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import type { Build, Ledger } from '../ledger/index.ts';
import type { BuildRecord, RegistryClient } from '../oci/index.ts';
import { runBuild } from '../pipeline/index.ts';

export interface BuildWorkerOptions {
  /** A source repository, with the credentials that it needs. */
  readonly open: (url: string, signal: AbortSignal) => Promise<GitMirror>;
  readonly ledger: Pick<Ledger, 'builds'>;
  readonly registry: RegistryClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where workspaces are made. */
  readonly folder: string;
  /** Where secrets of builds are looked up. */
  readonly env: NodeJS.ProcessEnv;
  readonly onPushed?: (record: BuildRecord) => Promise<void>;
  /** Builds that run at a time; 0: this process runs none. Default 2. */
  readonly concurrency?: number;
}

export interface BuildWorkers {
  /** Begins what is queued, as far as there is place. Throws what the ledger cannot say. */
  begin(): Promise<void>;
  /** Waits until everything that runs has ended or was given back. */
  settled(): Promise<void>;
}

const CONCURRENCY = 2;
const TICK_MS = 500;

/** Runs builds out of the ledger until `stop` aborts; what runs then is given back. `onEnded` must not throw. */
export function createBuildWorkers(
  options: BuildWorkerOptions,
  stop: AbortSignal,
  onEnded: () => void,
): BuildWorkers {
  const { ledger, logger } = options;
  const { builds } = ledger;
  const running = new Set<Promise<void>>();
  /** Builds whose end could not be written down: whoever can takes them up once they are given back. */
  const owed = new Set<string>();

  async function run(build: Build): Promise<void> {
    const about = { build: build.id, trigger: build.trigger };
    logger.info('A build began', { ...about, commit: build.commit, run: build.runs });
    try {
      const state = await runBuild({ ...options, builds, openSource: options.open }, build, stop);
      logger.info('A build ended', { ...about, state: state ?? 'given back' });
    } catch (thrown) {
      owed.add(build.id);
      logger.error('The end of a build could not be kept', {
        ...about,
        error: asLandfallError(thrown).message,
      });
    }
  }

  return {
    async begin() {
      for (const id of owed) {
        await builds.release(id);
        owed.delete(id);
      }
      while (running.size < (options.concurrency ?? CONCURRENCY) && !stop.aborted) {
        const build = await builds.claim();
        if (build === undefined) return;
        const work = run(build);
        running.add(work);
        void work.finally(() => {
          running.delete(work);
          onEnded();
        });
      }
    },
    async settled() {
      await Promise.allSettled(running);
    },
  };
}

/** A process that does nothing but run builds that others find and people approve. Ends when `stop` aborts. */
export async function workOnBuilds(
  options: BuildWorkerOptions & { readonly tickMs?: number },
  stop: AbortSignal,
): Promise<void> {
  setMaxListeners(0, stop);
  let free: () => void = () => {};
  const workers = createBuildWorkers(options, stop, () => free());
  let problem = '';
  while (!stop.aborted) {
    const pause = new AbortController();
    free = () => pause.abort();
    try {
      await workers.begin();
      problem = '';
    } catch (thrown) {
      const { message } = asLandfallError(thrown);
      if (message !== problem) options.logger.warn('Builds cannot be looked for', { problem: message });
      problem = message;
    }
    const signal = AbortSignal.any([stop, pause.signal]);
    await sleep(options.clock, options.tickMs ?? TICK_MS, signal).catch(() => undefined);
  }
  await workers.settled();
}
