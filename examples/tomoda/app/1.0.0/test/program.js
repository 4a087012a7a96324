import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** Starts one mode on a free port; `stop` tells it to end and gives its exit code. */
export async function start(mode, env = {}) {
  const child = spawn(process.execPath, ['server.js', mode], {
    cwd: folder,
    env: { ...process.env, PORT: '0', DRAIN_MS: '200', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const exit = new Promise((resolve) => child.on('exit', resolve));
  const port = await new Promise((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const found = /listens on port (\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exit.then(() => reject(new Error(`it ended: ${output}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      return exit;
    },
  };
}
