import { open } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { LandfallError, getArray, getObject, getString, isJsonObject, parseYaml } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';

/** A named entry with the folder that its relative paths start from. */
interface Entry {
  readonly value: JsonObject;
  readonly folder: string;
}

/** Several files as one, by kubectl's rule: the first file that names something wins. */
export interface Kubeconfig {
  /** What was read, in order; for messages. */
  readonly files: readonly string[];
  readonly currentContext: string | undefined;
  readonly contexts: ReadonlyMap<string, Entry>;
  readonly clusters: ReadonlyMap<string, Entry>;
  readonly users: ReadonlyMap<string, Entry>;
}

export interface ChosenContext {
  readonly name: string;
  readonly namespace: string;
  readonly clusterName: string;
  readonly cluster: Entry;
  readonly userName: string;
  readonly user: Entry;
}

interface KubeconfigPlaces {
  readonly explicit: string | undefined;
  readonly env: NodeJS.ProcessEnv;
}

const MAX_FILE = 4 * 1024 * 1024;

/** Where kubectl looks: the file that was named, else every file in KUBECONFIG, else ~/.kube/config. */
export function kubeconfigPaths(places: KubeconfigPlaces): {
  readonly paths: readonly string[];
  readonly required: boolean;
} {
  if (places.explicit !== undefined) return { paths: [resolve(places.explicit)], required: true };
  const listed = (places.env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  if (listed.length > 0) return { paths: [...new Set(listed.map((path) => resolve(path)))], required: false };
  return { paths: [join(places.env['HOME'] ?? homedir(), '.kube', 'config')], required: false };
}

/** What a path may be instead of a readable file. */
const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is no folder',
  EACCES: 'permission was denied',
  ELOOP: 'its symbolic links lead in a circle',
};

/** Never more of it than a kubeconfig may have, whatever it is: a pipe, a device, an image of a disk. */
async function readBounded(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; size <= MAX_FILE;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, null);
      if (bytesRead === 0) break;
      size += bytesRead;
      chunks.push(buffer.subarray(0, bytesRead));
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

async function readConfigFile(path: string, required: boolean): Promise<string | undefined> {
  try {
    const bytes = await readBounded(path);
    if (bytes.length <= MAX_FILE) return bytes.toString('utf8');
    throw new LandfallError(`The kubeconfig ${path} is larger than ${MAX_FILE} bytes.`, {
      kind: 'invalid-input',
      code: 'kubeconfig-too-large',
      object: path,
      hint: 'Check --kubeconfig and the KUBECONFIG variable: another file may be meant.',
    });
  } catch (cause) {
    if (cause instanceof LandfallError) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'ENOENT' && !required) return undefined;
    throw new LandfallError(
      `The kubeconfig ${path} could not be read: ${UNREADABLE[code] ?? (code || 'unreadable')}.`,
      {
        kind: code === 'ENOENT' ? 'not-found' : 'invalid-input',
        code: 'kubeconfig-unreadable',
        object: path,
        hint: 'Check --kubeconfig and the KUBECONFIG variable.',
        cause,
      },
    );
  }
}

/** Reads and merges; a file of KUBECONFIG that does not exist is skipped, as kubectl skips it. */
export async function readKubeconfig(places: KubeconfigPlaces): Promise<Kubeconfig> {
  const { paths, required } = kubeconfigPaths(places);
  const files: string[] = [];
  const contexts = new Map<string, Entry>();
  const clusters = new Map<string, Entry>();
  const users = new Map<string, Entry>();
  let currentContext: string | undefined;
  for (const path of paths) {
    const text = await readConfigFile(path, required);
    if (text === undefined) continue;
    files.push(path);
    const document = parseYaml(text, path)[0];
    if (document === undefined || document === null) continue;
    if (!isJsonObject(document) || getString(document, 'kind') === undefined) {
      throw new LandfallError(`${path} is not a kubeconfig: a map with kind: Config is wanted.`, {
        kind: 'invalid-input',
        code: 'kubeconfig-invalid',
        object: path,
        hint: 'Check --kubeconfig and the KUBECONFIG variable: another file may be meant.',
      });
    }
    currentContext ??= getString(document, 'current-context') || undefined;
    const folder = dirname(path);
    const collect = (list: string, field: string, into: Map<string, Entry>) => {
      for (const item of getArray(document, list)) {
        const name = getString(item, 'name');
        const value = getObject(item, field);
        if (name !== undefined && value !== undefined && !into.has(name)) into.set(name, { value, folder });
      }
    };
    collect('contexts', 'context', contexts);
    collect('clusters', 'cluster', clusters);
    collect('users', 'user', users);
  }
  return { files, currentContext, contexts, clusters, users };
}

function missing(what: string, name: string, known: Iterable<string>, config: Kubeconfig): LandfallError {
  const names = [...known];
  const there = names.length === 0 ? 'there is none' : `there are ${names.slice(0, 20).join(', ')}`;
  return new LandfallError(
    `The kubeconfig (${config.files.join(', ') || 'no file'}) has no ${what} '${name}'; ${there}.`,
    {
      kind: 'not-found',
      code: `kubeconfig-no-${what}`,
      object: name,
      hint: 'kubectl config get-contexts lists what there is.',
    },
  );
}

/** The context that was asked for, or the current one, with its cluster and user. */
export function chooseContext(config: Kubeconfig, wanted: string | undefined): ChosenContext {
  const name = wanted ?? config.currentContext;
  if (name === undefined) {
    throw new LandfallError(`The kubeconfig ${config.files.join(', ')} has no current context.`, {
      kind: 'invalid-input',
      code: 'kubeconfig-no-current-context',
      hint: `Choose one with --context or 'kubectl config use-context'; there are: ${[...config.contexts.keys()].join(', ') || 'none'}.`,
    });
  }
  const context = config.contexts.get(name);
  if (context === undefined) throw missing('context', name, config.contexts.keys(), config);
  const clusterName = getString(context.value, 'cluster') ?? '';
  const cluster = config.clusters.get(clusterName);
  if (cluster === undefined) throw missing('cluster', clusterName, config.clusters.keys(), config);
  const userName = getString(context.value, 'user') ?? '';
  const user =
    config.users.get(userName) ?? (userName === '' ? { value: {}, folder: cluster.folder } : undefined);
  if (user === undefined) throw missing('user', userName, config.users.keys(), config);
  return {
    name,
    namespace: getString(context.value, 'namespace') || 'default',
    clusterName,
    cluster,
    userName,
    user,
  };
}
