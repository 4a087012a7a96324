import os from 'node:os';
import path from 'node:path';

function base(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const named = env[variable];
  return named !== undefined && path.isAbsolute(named)
    ? named
    : path.join(env['HOME'] ?? os.homedir(), fallback);
}

/** What may be thrown away at any time: mirrors of repositories. XDG_CACHE_HOME is honoured. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return path.join(base(env, 'XDG_CACHE_HOME', '.cache'), 'landfall');
}

/** What has to be kept: measurements, build records, clusters. XDG_STATE_HOME is honoured. */
export function stateFolder(env: NodeJS.ProcessEnv): string {
  return path.join(base(env, 'XDG_STATE_HOME', '.local/state'), 'landfall');
}
