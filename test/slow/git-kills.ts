/**
 * A commit to a remote killed after each of its calls of git: once it is made again it is there once, and whole. Exit 1
 * where it is not.
 */
import { isOnce, openKilledCommits } from '../git-kills.ts';

const stage = await openKilledCommits();
let broken = 0;
let made = 0;
try {
  for (const [index, command] of stage.calls.entries()) {
    const killed = await stage.suffer(index + 1);
    if (killed.found) made += 1;
    if (isOnce(killed)) continue;
    broken += 1;
    process.stderr.write(`after call ${index + 1}, git ${command}: ${JSON.stringify(killed)}\n`);
  }
  process.stdout.write(
    `${stage.calls.length} kills: ${made} after the push was through, ${stage.calls.length - made} before it\n`,
  );
} finally {
  await stage.close();
}
// Some have to die before their push, and some after it, or nothing was tested.
process.exitCode = broken === 0 && made > 0 && made < stage.calls.length ? 0 : 1;
