import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { PodOutput, PodSession } from '../api/contract.ts';
import type { Container } from '../controllers/index.ts';
import { PRELOAD_VARIABLES, resolveCommand, startProcess } from '../runtime/index.ts';
import type { OutputStream, RunningProcess } from '../runtime/index.ts';
import type { NodeContext } from './context.ts';
import { expand } from './environment.ts';
import type { ImageConfig, StoredImage } from './image-store.ts';
import { linkMounts } from './volumes.ts';
import type { Mount } from './volumes.ts';

export interface SpawnRequest {
  readonly context: NodeContext;
  readonly spec: Container;
  readonly image: StoredImage;
  readonly imageRoot: string;
  readonly mounts: readonly Mount[];
  readonly env: Record<string, string>;
  /** Of the pod. */
  readonly folder: string;
  /** How many times this container was started, this one included. */
  readonly run: number;
  readonly onCreated: () => void;
  readonly onOutput: (chunk: Buffer, stream: OutputStream) => void;
}

export interface SpawnedContainer {
  readonly process: RunningProcess;
  /** The container's own copy of the image: what it writes there ends with it. */
  readonly root: string;
}

/** Starts the process of a container in a fresh copy of its image. Throws what is shown as StartError. */
export async function spawnContainer(request: SpawnRequest): Promise<SpawnedContainer> {
  const { context, spec, image, env, onOutput } = request;
  const home = path.join(request.folder, spec.name);
  const root = path.join(home, `root-${request.run}`);
  await rm(home, { recursive: true, force: true });
  await mkdir(home, { recursive: true });
  await cp(request.imageRoot, root, { recursive: true, verbatimSymlinks: true });
  await linkMounts(root, request.mounts);
  env['HOME'] ??= root;
  env[PRELOAD_VARIABLES.mounts] = JSON.stringify([...request.mounts, ...(await ownFolders(root))]);
  const command = resolveCommand({
    root,
    argv: commandLine(image.config, spec, env),
    workingDir: spec.workingDir ?? image.config.workingDir,
    path: env['PATH'],
    mounts: request.mounts,
  });
  request.onCreated();
  const terminal = spec.tty === true ? { terminalNote: path.join(home, 'terminal') } : {};
  const input = spec.stdin === true;
  const process = await startProcess({ ...command, env, onOutput, input, ...terminal }, context.work);
  return { process, root };
}

/** Folders at the top of the image that this machine does not have: absolute paths below them mean the image's. */
async function ownFolders(root: string): Promise<Mount[]> {
  const names = await readdir(root);
  return names
    .filter((name) => !existsSync(path.join('/', name)))
    .map((name) => [path.join('/', name), path.join(root, name)]);
}

export interface SessionRequest {
  readonly command: readonly string[];
  readonly input: boolean;
  /** In a terminal, where this machine can make one; else with pipes. */
  readonly terminal: boolean;
  readonly onOutput: PodOutput;
}

/** Starts one more program where a container runs. Throws what is wrong with the command. */
export async function openSession(
  context: NodeContext,
  where: {
    readonly root: string;
    readonly env: Readonly<Record<string, string>>;
    readonly workingDir: string;
    /** Of the pod. */
    readonly folder: string;
  },
  request: SessionRequest,
): Promise<PodSession> {
  const { root, env, workingDir, folder } = where;
  const { input, onOutput } = request;
  const mounts = JSON.parse(env[PRELOAD_VARIABLES.mounts] ?? '[]') as readonly Mount[];
  const command = resolveCommand({ root, argv: request.command, workingDir, path: env['PATH'], mounts });
  const child = await startProcess(
    {
      ...command,
      env,
      onOutput,
      input,
      ...(request.terminal ? { terminalNote: path.join(folder, `terminal-${randomUUID()}`) } : {}),
    },
    context.work,
  );
  return {
    input: child.input,
    endInput: () => child.input?.end(),
    resize: (columns, rows) => child.terminal?.resize(columns, rows),
    hold: (held) => child.hold(held),
    exited: child.exited,
    end: () => child.killGroup(),
  };
}

/** Kubernetes' rule: a command replaces entrypoint and arguments of the image, arguments alone only the latter. */
export function commandLine(
  image: Pick<ImageConfig, 'entrypoint' | 'cmd'>,
  spec: Pick<Container, 'command' | 'args'>,
  env: Readonly<Record<string, string>>,
): string[] {
  const command = (spec.command ?? []).map((part) => expand(part, env));
  const args = (spec.args ?? []).map((part) => expand(part, env));
  if (command.length > 0) return [...command, ...args];
  return [...image.entrypoint, ...(args.length > 0 ? args : image.cmd)];
}
