/**
 * `landfall serve` killed at every write of a sync of two waves, before it was carried out and after: once it is
 * started again the set is wholly new where somebody wants it, wholly old where nobody does. Exit 1 where it is neither.
 *
 * Without an argument each write is killed in one of the four manners (about a minute); `all` kills each in all four.
 */
import { systemClock } from '../../src/kernel/index.ts';
import { openKills } from '../apply/serve-kill.ts';
import { openBinary } from '../cli/binary.ts';

const MOST_WRITES = 100;
/** Fewer writes than this are no sync of two waves. */
const FEWEST_WRITES = 6;
const [argument] = process.argv.slice(2);
if (argument !== undefined && argument !== 'all') {
  process.stderr.write(`serve-kills.ts takes nothing or "all", and got ${argument}\n`);
  process.exit(2);
}
const manners = [true, false].flatMap((wanted) => [true, false].map((written) => ({ wanted, written })));
const step = argument === 'all' ? 1 : manners.length;

const began = systemClock.now();
const binary = await openBinary();
const stage = await openKills(binary);
const killed = new Set<number>();
let broken = 0;
try {
  for (const [index, { wanted, written }] of manners.entries()) {
    const name = `${written ? 'after' : 'before'} the write, ${wanted ? 'wanted' : 'not wanted'}`;
    let runs = 0;
    for (let nth = 1 + (step === 1 ? 0 : index); nth <= MOST_WRITES; nth += step) {
      const { hit, state } = await stage.suffer({ at: 'write', nth, written }, wanted);
      // It was through before it could be killed: there is no such write.
      if (!hit) break;
      runs += 1;
      killed.add(nth);
      if (state === (wanted ? 'new' : 'old')) continue;
      broken += 1;
      process.stderr.write(`${name}, write ${nth}: ${state}\n`);
    }
    process.stdout.write(`${name}: ${runs} runs\n`);
  }
} finally {
  await stage.close();
  await binary.remove();
}
// Every write up to the last has to have been killed, or something was left out.
const last = Math.max(0, ...killed);
const missed = Array.from({ length: last }, (_, at) => at + 1).filter((nth) => !killed.has(nth));
if (missed.length > 0 || last < FEWEST_WRITES) {
  broken += 1;
  process.stderr.write(
    `killed at ${killed.size} of ${last} writes (at least ${FEWEST_WRITES} were wanted); never at ${missed.join(', ') || 'a later one'}\n`,
  );
}
process.stdout.write(
  `${killed.size} writes of one sync, ${Math.round((systemClock.now() - began) / 1000)} s\n`,
);
process.exitCode = broken === 0 ? 0 : 1;
