import { LandfallError } from '../kernel/index.ts';
import type { Journal, JournalStep, Ledger } from '../ledger/index.ts';

/** Journals in memory, with the rules of the real ones. For tests of what writes them. */
export function memoryJournals(): {
  readonly journals: Ledger['journals'];
  /** Everything that was begun, as it stands. */
  readonly all: Map<string, Journal>;
  /** Called before every record; what it throws is the end of the process. */
  onStep: ((seq: number, state: JournalStep['state'] | undefined) => void) | undefined;
} {
  const all = new Map<string, Journal>();
  const get = (id: string) => {
    const found = all.get(id);
    if (found === undefined) throw new LandfallError('lost', { kind: 'conflict', code: 'journal-lost' });
    return found;
  };
  const held = {
    all,
    onStep: undefined as ((seq: number, state: JournalStep['state'] | undefined) => void) | undefined,
    journals: {
      begin(journal) {
        const open = [...all.values()].find(
          (each) =>
            each.application === journal.application && (each.state === 'open' || each.state === 'restoring'),
        );
        if (open !== undefined) {
          throw new LandfallError('held', { kind: 'conflict', code: 'journal-held' });
        }
        const id = `j${all.size + 1}`;
        all.set(id, { ...structuredClone(journal), id, state: 'open' });
        return Promise.resolve(id);
      },
      step(id, seq, change) {
        held.onStep?.(seq, change.state);
        const journal = get(id);
        const steps = journal.steps.map((step) => (step.seq === seq ? { ...step, ...change } : step));
        all.set(id, { ...journal, steps });
        return Promise.resolve();
      },
      state(id, state) {
        all.set(id, { ...get(id), state });
        return Promise.resolve();
      },
      get: (id) => Promise.resolve(all.get(id)),
      unfinished: () =>
        Promise.resolve(
          [...all.values()]
            .filter(({ state }) => state === 'open' || state === 'restoring')
            .map(({ steps: _steps, ...head }) => ({ ...head, holder: 'a dead process' })),
        ),
      elsewhere: () => Promise.resolve([]),
      proving: () => Promise.resolve([]),
      release: () => Promise.resolve(),
      forget: (id) => {
        all.set(id, { ...get(id), state: 'forgotten' });
        return Promise.resolve();
      },
      takeOver: (id) => Promise.resolve(get(id)),
    } satisfies Ledger['journals'],
  };
  return held;
}
