import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  getObject,
  getString,
  isJsonObject,
  LandfallError,
  parseJson,
  type JsonObject,
} from '../kernel/index.ts';
import { decodeAuthEntry } from './auth-entry.ts';
import { nearestEntry } from './auth-map.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { Credentials, CredentialSource } from './credentials.ts';

export interface DockerCredentialsOptions {
  /** Where DOCKER_CONFIG, HOME and the others are read from; helpers get all of it. */
  readonly env: Readonly<NodeJS.ProcessEnv>;
}

const CONFIG_LIMIT = 4 * 1024 * 1024;
/** The key that Docker uses for Docker Hub, for historical reasons. */
const HUB_KEY = 'https://index.docker.io/v1/';

/**
 * Credentials as `docker login` and `podman login` leave them. The first file there is decides:
 * `$DOCKER_CONFIG/config.json`, else `$HOME/.docker/config.json`, `$REGISTRY_AUTH_FILE`,
 * `$XDG_RUNTIME_DIR/containers/auth.json`, `$XDG_CONFIG_HOME/containers/auth.json`. In it `credHelpers` decide before
 * `credsStore`, and that before `auths`. The file is read at each question, so that a new login counts at once.
 */
export function dockerCredentials(options: DockerCredentialsOptions): CredentialSource {
  const { env } = options;
  return async (host, repository, signal) => {
    const path = await configPath(env);
    if (path === undefined) return undefined;
    const config = await readConfig(path);
    return credentialsIn(config, path, host, repository, env, signal);
  };
}

async function configPath(env: Readonly<NodeJS.ProcessEnv>): Promise<string | undefined> {
  const under = (folder: string | undefined, ...parts: readonly string[]) =>
    folder === undefined || folder === '' ? [] : [join(folder, ...parts)];
  const xdgConfig = env['XDG_CONFIG_HOME'] ?? (env['HOME'] === undefined ? '' : join(env['HOME'], '.config'));
  const candidates = [
    ...(env['DOCKER_CONFIG'] === undefined || env['DOCKER_CONFIG'] === ''
      ? under(env['HOME'], '.docker', 'config.json')
      : under(env['DOCKER_CONFIG'], 'config.json')),
    ...under(env['REGISTRY_AUTH_FILE']),
    ...under(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json'),
    ...under(xdgConfig, 'containers', 'auth.json'),
  ];
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found?.isFile() === true) return candidate;
  }
  return undefined;
}

async function readConfig(path: string): Promise<JsonObject> {
  const refuse = (why: string, kind: 'invalid-input' | 'denied') =>
    new LandfallError(`The Docker configuration ${path} ${why}.`, {
      kind,
      code: 'docker-config-invalid',
      object: path,
      hint: "Mend the file, or remove it and run 'docker login' again.",
    });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw refuse('cannot be read', 'denied');
  }
  if (text.length > CONFIG_LIMIT) throw refuse(`is larger than ${CONFIG_LIMIT} bytes`, 'invalid-input');
  if (text.trim() === '') return {};
  try {
    const json = parseJson(text, path);
    if (isJsonObject(json)) return json;
  } catch {
    // The parser's message may repeat a part of a secret.
    throw refuse('is not JSON', 'invalid-input');
  }
  throw refuse('is not a JSON object', 'invalid-input');
}

async function credentialsIn(
  config: JsonObject,
  path: string,
  host: string,
  repository: string,
  env: Readonly<NodeJS.ProcessEnv>,
  signal: AbortSignal,
): Promise<Credentials | undefined> {
  const helpers = Object.keys(getObject(config, 'credHelpers') ?? {}).map((key) => ({ key }));
  const chosen = nearestEntry(helpers, host, repository, 'docker');
  const helper =
    chosen === undefined ? getString(config, 'credsStore') : getString(config, 'credHelpers', chosen.key);
  if (helper !== undefined && helper !== '') {
    const server = host === 'index.docker.io' ? HUB_KEY : host;
    const found = await askCredentialHelper(helper, server, env, signal);
    if (found !== undefined) return found;
  }
  const auths = getObject(config, 'auths') ?? {};
  const keys = Object.keys(auths).map((key) => ({ key }));
  const nearest = nearestEntry(keys, host, repository, 'docker');
  return nearest === undefined
    ? undefined
    : decodeAuthEntry(auths[nearest.key], `${path}, auths of ${nearest.key}`);
}
