import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import path from 'node:path';
import { jsonLogger, LandfallError, sleep, processStart } from '../../kernel/index.ts';
import { BUNDLED_FAMILIES, startCluster } from '../../drydock/index.ts';
import type { BundledFamily } from '../../drydock/index.ts';
import { builtImages } from '../built-images.ts';
import type { StartOptions } from '../commands/cluster.ts';
import { EXIT } from '../exit.ts';
import { stateFolder } from '../folders.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { untilAborted } from '../until-aborted.ts';
import { checkKubeconfig, dropKubeconfig } from './kubeconfig-file.ts';
import {
  checkClusterName,
  clusterFolder,
  dropRecord,
  claimRecord,
  isRunning,
  readRecord,
  readRecords,
  refuseSecond,
} from './record.ts';
import type { ClusterRecord } from './record.ts';

const DETACH_WAIT_MS = 30_000;
const LOOK_MS = 20;
const TOKEN_VARIABLE = 'LANDFALL_CLUSTER_TOKEN';

function kubeconfigFile(options: StartOptions, state: string, io: CliIo): string {
  return options.kubeconfig === undefined
    ? path.join(clusterFolder(state, options.name), 'kubeconfig')
    : path.resolve(io.cwd, options.kubeconfig);
}

/** Two clusters that wrote into one folder would destroy it. */
async function checkData(folder: string, state: string): Promise<void> {
  const user = (await readRecords(state)).find((record) => record.data === folder && isRunning(record));
  if (user === undefined) return;
  throw new LandfallError(`${folder} holds the data of the cluster '${user.name}', which runs.`, {
    kind: 'conflict',
    code: 'data-in-use',
    object: folder,
    hint: `Name another folder, or stop that one: landfall cluster stop --name ${user.name}.`,
  });
}

function serving(record: ClusterRecord, io: CliIo): string {
  return `${outStyle(io).green('✓')} serving ${record.url}  registry ${record.registry}  KUBECONFIG=${record.kubeconfig}\n`;
}

function familiesOf(names: readonly string[]): readonly BundledFamily[] {
  if (names.includes('all')) return BUNDLED_FAMILIES;
  return names.map((name) => {
    const family = BUNDLED_FAMILIES.find((known) => known === name);
    if (family !== undefined) return family;
    throw new LandfallError(`There are no bundled definitions '${name}'.`, {
      kind: 'invalid-input',
      code: 'unknown-definitions',
      object: name,
      hint: `There are ${BUNDLED_FAMILIES.join(', ')}, and all of them by all; any other is installed with kubectl apply.`,
    });
  });
}

/** Serves until Ctrl-C. The one line that says so comes when everything answers, and the kubeconfig is complete. */
export async function startForeground(options: StartOptions, io: CliIo): Promise<number> {
  const state = stateFolder(io.env);
  const name = checkClusterName(options.name);
  await refuseSecond(state, name);
  const token = options.token ?? io.env[TOKEN_VARIABLE];
  const aliases = Object.fromEntries((options.registryAlias ?? []).map((host) => [host, 'drydock']));
  const folder = clusterFolder(state, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kubeconfig = kubeconfigFile(options, state, io);
  await checkKubeconfig(kubeconfig, state);
  const data = options.data === undefined ? undefined : path.resolve(io.cwd, options.data);
  if (data !== undefined) await checkData(data, state);
  const cluster = await startCluster({
    clock: io.clock,
    nodes: options.nodes,
    workDir: folder,
    strictImages: options.strictImages ?? false,
    definitions: familiesOf(options.definitions),
    registryMirrors: { ...options.registryMirror, ...aliases },
    isExecutable: builtImages(state),
    logger: jsonLogger(io.err, () => io.clock.now()),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.registryPort === undefined ? {} : { registryPort: options.registryPort }),
    ...(token === undefined ? {} : { token }),
    ...(data === undefined ? {} : { dataDir: data }),
  });
  const record: ClusterRecord = {
    name,
    pid: process.pid,
    born: processStart(process.pid) ?? '',
    url: cluster.url,
    registry: cluster.registry.host,
    kubeconfig,
    ...(data === undefined ? {} : { data }),
    startedAt: new Date(io.clock.now()).toISOString(),
  };
  try {
    await claimRecord(state, record);
    await cluster.writeKubeconfig(kubeconfig);
    io.out(formatAnswer(options.output, record, () => serving(record, io)));
    await untilAborted(io.signal);
    return EXIT.ok;
  } finally {
    await cluster.close();
    await dropKubeconfig(kubeconfig, cluster.kubeconfig());
    await dropRecord(state, record);
  }
}

function childArguments(options: StartOptions): string[] {
  const args = ['cluster', 'start', '--name', options.name, '--nodes', String(options.nodes)];
  if (options.port !== undefined) args.push('--port', String(options.port));
  if (options.registryPort !== undefined) args.push('--registry-port', String(options.registryPort));
  if (options.kubeconfig !== undefined) args.push('--kubeconfig', options.kubeconfig);
  if (options.data !== undefined) args.push('--data', options.data);
  if (options.strictImages === true) args.push('--strict-images');
  args.push('--definitions', options.definitions.join(',') || 'none');
  for (const host of options.registryAlias ?? []) args.push('--registry-alias', host);
  for (const [host, url] of Object.entries(options.registryMirror ?? {}))
    args.push('--registry-mirror', `${host}=${url}`);
  return args;
}

/** Starts the same in a process of its own and returns when it serves; its output goes to a log beside its record. */
export async function startDetached(options: StartOptions, io: CliIo): Promise<number> {
  const state = stateFolder(io.env);
  await refuseSecond(state, options.name);
  const folder = clusterFolder(state, options.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const logFile = path.join(folder, 'log');
  const log = await open(logFile, 'w', 0o600);
  const script = process.argv[1] ?? '';
  const child = spawn(process.execPath, [...process.execArgv, script, ...childArguments(options)], {
    cwd: io.cwd,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: options.token === undefined ? io.env : { ...io.env, [TOKEN_VARIABLE]: options.token },
  });
  await log.close();
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code ?? '?'}`}`));
  });
  const until = io.clock.now() + DETACH_WAIT_MS;
  let failure: string | undefined;
  void ended.then((why) => {
    failure = why;
  });
  const kubeconfig = kubeconfigFile(options, state, io);
  for (;;) {
    const record = await readRecord(state, options.name);
    if (record !== undefined && record.pid === child.pid && (await exists(kubeconfig))) {
      child.unref();
      io.out(formatAnswer(options.output, record, () => serving(record, io)));
      return EXIT.ok;
    }
    if (failure !== undefined || io.clock.now() > until || io.signal.aborted) {
      child.kill('SIGTERM');
      const told = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n').slice(-5).join('\n');
      throw new LandfallError(
        `Cluster '${options.name}' did not come up: ${failure ?? 'it took too long'}.${told === '' ? '' : `\n${told}`}`,
        {
          kind: io.signal.aborted ? 'cancelled' : 'unavailable',
          code: 'cluster-did-not-start',
          object: options.name,
          hint: `Its output is in ${logFile}.`,
        },
      );
    }
    await sleep(io.clock, LOOK_MS);
  }
}

async function exists(file: string): Promise<boolean> {
  return readFile(file).then(
    () => true,
    () => false,
  );
}
