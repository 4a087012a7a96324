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
// Ctrl-C reaches the whole process group; this process only has to outlive the child and pass its answer on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT') child.kill(signal);
  });
}
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
});
