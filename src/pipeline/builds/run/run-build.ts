import { asLandfallError } from '../../../kernel/index.ts';
import type { Build, BuildState } from '../../../ledger/index.ts';
import { DEFAULTS, planOf } from '../definition.ts';
import type { Ended, RunContext } from './context.ts';
import { endProcessesOf } from './processes.ts';
import { pushedBefore } from './records.ts';
import { workOn } from './work.ts';
import { createWorkspace, removeWorkspaces } from './workspace.ts';

/** A build that ended this many processes is not begun again. */
const MOST_RUNS = 3;
const HEARTBEAT_MS = 1_000;

/** Why a run has to stop. */
type Stop = 'cancel' | 'timeout' | 'lost' | 'shutdown';

/**
 * Runs one claimed build to its end and says how it ended, or nothing where another process goes on with it. Throws
 * nothing but what the ledger cannot write.
 */
export async function runBuild(
  context: RunContext,
  build: Build,
  shutdown: AbortSignal,
): Promise<BuildState | undefined> {
  const { builds, clock, logger } = context;
  const stop = new AbortController();
  let why: Stop | undefined;
  let words = '';
  function stopFor(reason: Stop, message = ''): void {
    why ??= reason;
    if (why === reason) words = message;
    stop.abort();
  }
  const onShutdown = () => stopFor('shutdown');
  if (shutdown.aborted) onShutdown();
  shutdown.addEventListener('abort', onShutdown, { once: true });
  const limitMs = planOf(build).timeout ?? DEFAULTS.buildMs;
  const limit = clock.after(limitMs, () => stopFor('timeout'));
  let beat = clock.after(0, () => void heartbeat());
  let over = false;

  async function heartbeat(): Promise<void> {
    try {
      const { cancel } = await builds.keep(build.id);
      if (cancel !== undefined) stopFor('cancel', cancel);
    } catch (thrown) {
      // A ledger that does not answer for a moment is no reason to stop; one that says that others go on is.
      if (asLandfallError(thrown).code === 'build-lost') stopFor('lost');
    }
    if (!over) beat = clock.after(context.heartbeatMs ?? HEARTBEAT_MS, () => void heartbeat());
  }

  try {
    const ended = await attempt(context, build, stop.signal);
    const final = finalOf(ended, why, words, limitMs);
    if (final === 'release') {
      await builds.release(build.id);
      return undefined;
    }
    if (final === 'lost') return undefined;
    await builds.end(build.id, final.state, final.message);
    return final.state;
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code !== 'build-lost') throw error;
    logger.warn('A build was taken up by another process', { build: build.id });
    return undefined;
  } finally {
    over = true;
    beat.cancel();
    limit.cancel();
    shutdown.removeEventListener('abort', onShutdown);
    await endProcessesOf(build.id);
    await removeWorkspaces(context.folder, build.id);
  }
}

/** What has succeeded has, whoever asked for an end meanwhile; else the reason to stop decides. */
function finalOf(
  ended: Ended,
  why: Stop | undefined,
  words: string,
  limitMs: number,
): Ended | 'release' | 'lost' {
  if (ended.state === 'SUCCESS' || why === undefined) return ended;
  if (why === 'lost') return 'lost';
  if (why === 'shutdown') return 'release';
  if (why === 'cancel') return { state: 'CANCELLED', message: words };
  return {
    state: 'TIMEOUT',
    message: `it took longer than ${Math.round(limitMs / 1000)} s${ended.message === '' ? '' : `: ${ended.message}`}`,
  };
}

async function attempt(context: RunContext, build: Build, signal: AbortSignal): Promise<Ended> {
  try {
    // What a process that was killed has left running would write into what is built now.
    if (build.runs > 1) await endProcessesOf(build.id);
    const before = await pushedBefore(context, build, signal);
    if (before !== undefined) return before;
    if (build.runs > MOST_RUNS)
      return { state: 'FAILURE', message: `${MOST_RUNS} processes that ran it died; it is not begun again` };
    const workspace = await createWorkspace(context.folder, build.id);
    return await workOn(context, build, workspace, signal);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.code === 'build-lost') throw error;
    if (error.kind === 'bug')
      context.logger.error('A build failed unexpectedly', { build: build.id, error: error.message });
    const hint = error.hint === undefined ? '' : ` ${error.hint}`;
    return { state: 'FAILURE', message: `${error.message}${hint}` };
  }
}
