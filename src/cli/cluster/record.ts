import { link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getNumber, getString, LandfallError, isAlive } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';

/** What is kept of a cluster that runs on this machine. */
export interface ClusterRecord {
  readonly name: string;
  readonly pid: number;
  /** When the process started, by its operating system; tells it from a later process with the same id. */
  readonly born: string;
  readonly url: string;
  readonly registry: string;
  readonly kubeconfig: string;
  /** Folder of `--data`; undefined: in memory. */
  readonly data?: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?$/;

export function checkClusterName(name: string): string {
  if (NAME.test(name)) return name;
  throw new LandfallError(
    `'${name}' cannot name a cluster: lower case letters, digits and dashes, at most 42.`,
    {
      kind: 'invalid-input',
      code: 'cluster-name',
      object: name,
      hint: 'Try --name dev.',
    },
  );
}

export function clusterFolder(stateFolder: string, name: string): string {
  return path.join(stateFolder, 'clusters', checkClusterName(name));
}

/** Whether the process of the record still runs. */
export function isRunning(record: Pick<ClusterRecord, 'pid' | 'born'>): boolean {
  return isAlive(record.pid, record.born);
}

/** Writes the record of a cluster that has come up. Of two that start at once under one name, one is refused. */
export async function claimRecord(stateFolder: string, record: ClusterRecord): Promise<void> {
  const folder = clusterFolder(stateFolder, record.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, 'cluster.json');
  const written = path.join(folder, `cluster.${record.pid}.new`);
  await writeFile(written, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600, flush: true });
  try {
    // A link is made complete or not at all, and never over another one.
    await link(written, file).catch(async (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EEXIST') throw cause;
      await refuseSecond(stateFolder, record.name);
      await rename(written, file);
    });
  } finally {
    await rm(written, { force: true });
  }
}

/** Throws `cluster-running` when a cluster of that name runs. */
export async function refuseSecond(stateFolder: string, name: string): Promise<void> {
  const known = await readRecord(stateFolder, name);
  if (known === undefined || !isRunning(known)) return;
  throw new LandfallError(`Cluster '${name}' runs already at ${known.url} (pid ${known.pid}).`, {
    kind: 'conflict',
    code: 'cluster-running',
    object: name,
    hint: `Use it: export KUBECONFIG=${known.kubeconfig}. Or start another one: --name NAME.`,
  });
}

export async function dropRecord(stateFolder: string, record: ClusterRecord): Promise<void> {
  const kept = await readRecord(stateFolder, record.name);
  if (kept?.pid === record.pid)
    await rm(path.join(clusterFolder(stateFolder, record.name), 'cluster.json'), { force: true });
}

export async function readRecord(stateFolder: string, name: string): Promise<ClusterRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path.join(clusterFolder(stateFolder, name), 'cluster.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const json = parsed(text);
  const pid = getNumber(json, 'pid');
  const url = getString(json, 'url');
  const data = getString(json, 'data');
  if (pid === undefined || url === undefined) return undefined;
  return {
    name,
    pid,
    url,
    born: getString(json, 'born') ?? '',
    registry: getString(json, 'registry') ?? '',
    kubeconfig: getString(json, 'kubeconfig') ?? '',
    ...(data === undefined ? {} : { data }),
    startedAt: getString(json, 'startedAt') ?? '',
  };
}

/** Throws `cluster-not-found`, with those that there are. */
export async function requireRecord(stateFolder: string, name: string): Promise<ClusterRecord> {
  const record = await readRecord(stateFolder, name);
  if (record !== undefined) return record;
  const others = (await readRecords(stateFolder)).map((other) => other.name);
  throw new LandfallError(`No cluster '${name}' was started on this machine.`, {
    kind: 'not-found',
    code: 'cluster-not-found',
    object: name,
    hint:
      others.length > 0
        ? `Known are ${others.join(', ')}: --name NAME.`
        : 'landfall cluster start brings one up.',
  });
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Every cluster that was started here and has not been stopped in order; some may be dead. */
export async function readRecords(stateFolder: string): Promise<readonly ClusterRecord[]> {
  const names = await readdir(path.join(stateFolder, 'clusters')).catch(() => [] as string[]);
  const records = await Promise.all(
    names.filter((name) => NAME.test(name)).map((name) => readRecord(stateFolder, name)),
  );
  return records.filter((record) => record !== undefined);
}
