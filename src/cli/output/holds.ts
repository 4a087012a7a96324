import type { Hold } from '../../ledger/index.ts';
import { shownTimes, wrap } from './style.ts';
import type { Style } from './style.ts';

/** What is held, in a word. */
export const HELD: Readonly<Record<Hold['kind'], string>> = {
  revision: 'revision',
  updates: 'updates',
  promotion: 'promotions',
};

/** What a hold says, for the commands that only mention it: one line each. */
export function holdLines(holds: readonly Hold[], now: number, style: Style): readonly string[] {
  return holds.flatMap((hold) => {
    const what = hold.kind === 'revision' ? `revision ${hold.revision.slice(0, 8)}` : HELD[hold.kind];
    const text = `Held: ${what} since ${hold.since} by ${hold.actor.name}: ${hold.reason}. landfall holds lift ${hold.id}`;
    return wrap(shownTimes(text, now), style.width - 2).map((line) => style.yellow(line));
  });
}
