import { mkdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import {
  APPROVER,
  createTomodaRepositories,
  DEV_IMAGE,
  DEVELOPER,
  PROD_IMAGE,
  REGISTRY,
} from '../../../../examples/tomoda/index.ts';
import type {
  Colleague,
  IngressAddress,
  PinnedImage,
  TomodaApplication,
  TomodaRepositories,
} from '../../../../examples/tomoda/index.ts';
import { startCluster } from '../../../drydock/index.ts';
import type { Cluster } from '../../../drydock/index.ts';
import { getString, LandfallError, parseJson, parseYaml, runProgram } from '../../../kernel/index.ts';
import type { Clock, JsonObject } from '../../../kernel/index.ts';
import { loadKubeClient } from '../../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { openLedger } from '../../../ledger/index.ts';
import type { Ledger } from '../../../ledger/index.ts';
import { builtImages } from '../../built-images.ts';
import { stateFolder } from '../../folders.ts';
import type { CliIo } from '../../io.ts';
import { runCli } from '../../run.ts';
import { writeColleagueKubeconfig } from './people.ts';
import { startReceiver } from './receiver.ts';
import { findIngress, prepareSites } from './sites.ts';

const BUILD_MS = 120_000;

export interface RunOptions extends Partial<Pick<CliIo, 'out' | 'err' | 'outTerminal' | 'cwd' | 'signal'>> {
  /** Whose terminal it is. Default: the administrator's. Output comes to `out` and `err`, too, as it is written. */
  readonly as?: Colleague;
}

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The system of the document, running: cluster, registries, repositories, and `landfall serve`. */
export interface TomodaStage {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly cluster: Cluster;
  readonly kube: KubeClient;
  /** The one that `landfall serve` and the commands of the stage write. */
  readonly ledger: Ledger;
  readonly repositories: TomodaRepositories;
  /** File that holds what the certificates of both hosts are signed by. */
  readonly caFile: (host: string) => string;
  /** Environment of somebody who works with it: home, KUBECONFIG. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs one command of Landfall, as somebody at a terminal would. */
  readonly run: (args: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** What chat and pager were told, oldest first. */
  readonly told: readonly JsonObject[];
  /** Hands an Application to the controller. */
  register(application: TomodaApplication): Promise<void>;
  /** Where a host is served; waits for it. */
  ingress(host: string): Promise<IngressAddress>;
  close(): Promise<void>;
}

export interface TomodaStageOptions {
  /** An existing folder that belongs to the stage; removed with it. */
  readonly folder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Where the repositories are made; left there. Default: inside `folder`. */
  readonly keep?: string | undefined;
  /** Of the API server and of the registry. Default: free ones. */
  readonly port?: number | undefined;
  readonly registryPort?: number | undefined;
  /** `--poll` of `landfall serve`. Default 2s. */
  readonly poll?: string;
  /** Default true; false: whoever opened the stage starts `landfall serve`. */
  readonly serve?: boolean;
  /** Lines that `landfall serve` writes. */
  readonly onLog?: (line: string) => void;
}

/** Builds the stage; whatever fails on the way, nothing of it is left behind. */
export async function openTomodaStage(options: TomodaStageOptions): Promise<TomodaStage> {
  const { folder, clock, signal } = options;
  const closers: (() => Promise<unknown> | void)[] = [() => rm(folder, { recursive: true, force: true })];
  const close = async () => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    const home = path.join(folder, 'home');
    await mkdir(home, { recursive: true });
    const kubeconfig = path.join(folder, 'kubeconfig');
    const receiver = await startReceiver();
    closers.push(() => receiver.close());
    const env = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      KUBECONFIG: kubeconfig,
      DEPLOYS_WEBHOOK: receiver.url,
    };
    const cluster = await startCluster({
      clock,
      workDir: folder,
      ...(options.port === undefined ? {} : { port: options.port }),
      ...(options.registryPort === undefined ? {} : { registryPort: options.registryPort }),
      registryMirrors: { [REGISTRY]: 'drydock' },
      isExecutable: builtImages(stateFolder(env)),
    });
    closers.push(() => cluster.close());
    await cluster.writeKubeconfig(kubeconfig);
    const kubeconfigOf = ({ email }: Colleague) => path.join(folder, `kubeconfig-${email}`);
    for (const colleague of [DEVELOPER, APPROVER]) {
      await writeColleagueKubeconfig(kubeconfig, colleague, kubeconfigOf(colleague));
    }
    const kube = await loadKubeClient({ kubeconfig, clock, env });
    closers.push(() => kube.close());

    const run: TomodaStage['run'] = async (args, { as, ...io } = {}) => {
      let out = '';
      let err = '';
      const code = await runCli(args, {
        outTerminal: {},
        errTerminal: {},
        env: as === undefined ? env : { ...env, KUBECONFIG: kubeconfigOf(as) },
        cwd: home,
        clock,
        signal,
        stdin: () => Promise.resolve(''),
        ...io,
        out(text) {
          out += text;
          io.out?.(text);
        },
        err(text) {
          err += text;
          io.err?.(text);
        },
      });
      return { code, out, err };
    };

    const ledger = openLedger({ folder: stateFolder(env), clock });
    closers.push(() => ledger.close());

    const parent = options.keep ?? path.join(folder, 'repositories');
    const repositories = await createTomodaRepositories(parent, {
      signal,
      buildFirst: async (clone, source, commit) => {
        await buildInfo(clone, env, signal);
        const tag = `sha-${commit}`;
        return {
          dev: await buildImage(run, clone, DEV_IMAGE, tag, source),
          prod: await buildImage(run, clone, PROD_IMAGE, 'v1.0.0', source),
        };
      },
    });

    const caFile = (host: string) => path.join(folder, `${host}.pem`);
    await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } }, {}, signal);
    await prepareSites(kube, caFile, clock, signal);

    if (options.serve !== false) closers.push(startServing(options, env, home));

    return {
      folder,
      kubeconfig,
      cluster,
      kube,
      ledger,
      repositories,
      caFile,
      env,
      run,
      told: receiver.told,
      async register(application) {
        const file = repositories.applications[application];
        for (const object of parseYaml(await readFile(file, 'utf8'), file)) {
          await kube.apply(object as unknown as KubeObject, { fieldManager: 'kubectl' }, signal);
        }
      },
      ingress: (host) => findIngress(kube, host, caFile(host), clock, signal),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** As the build of the pipeline does it: the image says what it was built from. */
async function buildInfo(clone: string, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const ran = await runProgram('npm', ['run', '--silent', 'build'], {
    cwd: clone,
    env,
    signal,
    timeoutMs: BUILD_MS,
  });
  if (ran.code === 0) return;
  throw new LandfallError(`'npm run build' failed in ${clone}: ${ran.stderr.slice(0, 500)}`, {
    kind: 'unavailable',
    code: 'demo-build',
    object: clone,
    hint: 'npm belongs to Node; check that it is on PATH.',
  });
}

async function buildImage(
  run: TomodaStage['run'],
  clone: string,
  image: string,
  tag: string,
  source: string,
): Promise<PinnedImage> {
  const words = ['--entrypoint', 'node'];
  const built = await run([
    'image',
    'build',
    clone,
    '-t',
    `${image}:${tag}`,
    '--source',
    source,
    ...words,
    '-o',
    'json',
  ]);
  const digest = built.code === 0 ? getString(parseJson(built.out, 'build'), 'digest') : undefined;
  if (digest !== undefined) return { tag, digest };
  throw new LandfallError(`tomoda ${tag} was not built: ${built.err.slice(0, 500)}`, {
    kind: 'unavailable',
    code: 'demo-build',
    object: clone,
  });
}

/** `landfall serve` in this process; gives how to end it. */
function startServing(
  { clock, signal, poll = '2s', onLog = () => {} }: TomodaStageOptions,
  env: NodeJS.ProcessEnv,
  cwd: string,
): () => Promise<unknown> {
  const stop = new AbortController();
  const served = runCli(['serve', '--poll', poll, '--quiet'], {
    out: onLog,
    err: onLog,
    outTerminal: {},
    errTerminal: {},
    env,
    cwd,
    clock,
    signal: AbortSignal.any([signal, stop.signal]),
    stdin: () => Promise.resolve(''),
  });
  return () => {
    stop.abort();
    return served;
  };
}
