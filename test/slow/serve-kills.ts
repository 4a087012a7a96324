/**
 * `landfall serve` killed at every write of a sync of two waves, before it was carried out and after: once it is
 * started again the set is wholly new where somebody wants it, wholly old where nobody does. Exit 1 where it is neither.
 */
import { openKills } from '../apply/serve-kill.ts';
import { openBinary } from '../cli/binary.ts';

const MOST_WRITES = 100;
const binary = await openBinary();
const stage = await openKills(binary);
let broken = 0;
try {
  for (const wanted of [true, false]) {
    for (const written of [true, false]) {
      const name = `${written ? 'after' : 'before'} the write, ${wanted ? 'wanted' : 'not wanted'}`;
      let runs = 0;
      for (let nth = 1; nth <= MOST_WRITES; nth += 1) {
        const { hit, state } = await stage.suffer({ at: 'write', nth, written }, wanted);
        if (!hit) break;
        runs += 1;
        if (state === (wanted ? 'new' : 'old')) continue;
        broken += 1;
        process.stderr.write(`${name}, write ${nth}: ${state}\n`);
      }
      process.stdout.write(`${name}: ${runs} runs\n`);
    }
  }
} finally {
  await stage.close();
  await binary.remove();
}
process.exitCode = broken === 0 ? 0 : 1;
