// `npm start`: install, build, then replay the incident on embedded defaults. Arguments go to `landfall demo`.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { root } from './ensure-installed.mjs';
import './build.mjs';

const child = spawn(
  process.execPath,
  [path.join(root, 'dist', 'landfall.js'), 'demo', ...process.argv.slice(2)],
  {
    stdio: 'inherit',
  },
);
// Signals are passed on, and this process outlives the child to pass its answer on. Ctrl-C in a terminal reaches the
// whole process group, so the child may see it twice; it takes two in quick succession for one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
