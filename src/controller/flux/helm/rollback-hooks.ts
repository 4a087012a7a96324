import { getIn } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import type { SyncJournals } from '../../journals.ts';
import type { Turn } from '../../queue.ts';
import type { FluxTarget } from '../failure.ts';
import { hooksAt, runHooks } from './hooks.ts';
import type { HookTime } from './hooks.ts';
import { keptHooks } from './kept-hooks.ts';
import type { ReleaseOptions } from './release-options.ts';
import { actionTimeout } from './remediation.ts';

/**
 * The journals, with the hooks of the release that is gone back to run around what they take back. A hook that fails
 * is told, and keeps nothing from going back. What a process that died left half done goes back without them.
 */
export function withRollbackHooks(
  options: ReleaseOptions,
  release: KubeObject,
  target: FluxTarget,
  turn: Turn,
): SyncJournals | undefined {
  const { journals, clock, events } = options;
  if (journals === undefined) return undefined;
  const { client } = target;
  const { signal } = turn;
  const run = `${release.metadata.uid ?? ''}.${clock.now()}`;
  let isOpen = false;
  let isOver = false;

  async function hooks(time: HookTime): Promise<void> {
    if (getIn(release, 'spec', 'rollback', 'disableHooks') === true) return;
    const kept = await keptHooks(client, release, signal);
    const list = hooksAt(kept?.objects ?? [], time);
    if (list.length === 0) return;
    const timeoutMs = actionTimeout(release, 'rollback');
    const id = `${run}.${time}`;
    const report = await runHooks({ client, clock, hooks: list, id, timeoutMs, signal });
    if (report.state !== 'failed') return;
    const message = `${time} hooks failed, and the release goes back all the same: ${report.message}`;
    await events.record(release, 'Warning', 'RollbackFailed', message, signal);
  }

  async function around<T>(goBack: () => Promise<T | undefined>): Promise<T | undefined> {
    if (isOver) return goBack();
    isOver = true;
    await hooks('pre-rollback');
    const back = await goBack();
    if (back !== undefined) await hooks('post-rollback');
    return back;
  }

  return {
    ...journals,
    open(...args) {
      const open = journals.open(...args);
      return async (...planned) => {
        const set = await open(...planned);
        isOpen = true;
        return { ...set, restore: (passing) => around(() => set.restore(passing)) };
      };
    },
    withdraw: (...args) => around(() => journals.withdraw(...args)),
    giveUp: (...args) => (isOpen ? around(() => journals.giveUp(...args)) : journals.giveUp(...args)),
  };
}
