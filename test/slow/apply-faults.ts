/**
 * Every call of an apply of thirty objects, in every way it can go wrong: whatever happens, the set is wholly old or
 * wholly new once `landfall recover` has run. `tsx test/slow/apply-faults.ts [ORDEAL…]`; exit 1 where one is neither.
 */
import { symlink } from 'node:fs/promises';
import path from 'node:path';
import { openBinary } from '../cli/binary.ts';
import { openOrdeals, ORDEALS, suffer } from '../apply/ordeal.ts';

const MOST_CALLS = 1000;
const named = process.argv.slice(2);
const [stage, binary] = await Promise.all([openOrdeals(), openBinary()]);
const modules = path.resolve(import.meta.dirname, '../../node_modules');
await symlink(modules, path.join(binary.folder, 'node_modules')).catch(() => {});
let broken = 0;
try {
  for (const ordeal of ORDEALS.filter((each) => named.length === 0 || named.includes(each))) {
    const ends = new Map<string, number>();
    for (let nth = 1; nth <= MOST_CALLS; nth += 1) {
      const { hit, state, text } = await suffer(stage, ordeal, nth, binary.script);
      if (!hit) break;
      const end = state === 'old' || state === 'new' ? state : 'neither';
      ends.set(end, (ends.get(end) ?? 0) + 1);
      if (end !== 'neither') continue;
      broken += 1;
      process.stderr.write(`${ordeal}, call ${nth}:\n${state}\n${text}\n`);
    }
    const counts = [...ends].map(([end, count]) => `${count} ${end}`).join(', ');
    process.stdout.write(`${ordeal}: ${counts}\n`);
  }
} finally {
  await stage.close();
  await binary.remove();
}
process.exitCode = broken === 0 ? 0 : 1;
