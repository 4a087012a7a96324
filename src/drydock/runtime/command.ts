import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { LandfallError } from '../../kernel/index.ts';

export interface CommandRequest {
  /** Where the image is unpacked. */
  readonly root: string;
  /** Entrypoint and arguments as the image and the pod ask for them. */
  readonly argv: readonly string[];
  /** Absolute inside of the image. */
  readonly workingDir: string;
  /** PATH of the image's environment. */
  readonly path: string | undefined;
  /** Where paths of volumes lead. */
  readonly mounts?: readonly (readonly [path: string, target: string])[];
}

export interface ResolvedCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/**
 * Finds what an image wants to run. Images built from a folder hold no operating system: a program that the image
 * has is taken from it, `node` is the one that runs this, anything else comes from this machine's PATH. Absolute
 * paths in the arguments that exist in the image or in a volume are taken from there.
 */
export function resolveCommand(request: CommandRequest): ResolvedCommand {
  const { root, argv } = request;
  const [name, ...rest] = argv;
  if (name === undefined || name === '') {
    throw new LandfallError('no command specified', { kind: 'invalid-input', code: 'no-command' });
  }
  const cwd = inside(root, request.workingDir);
  if (!existsSync(cwd) || !statSync(cwd).isDirectory()) {
    throw new LandfallError(`the working directory "${request.workingDir}" is not a folder of the image`, {
      kind: 'invalid-input',
      code: 'no-working-directory',
    });
  }
  const program = findProgram(request, name, cwd);
  const args = path.basename(program) === 'tar' ? tarArguments(request, rest) : rest.map((arg) => located(request, arg));
  return { program, args, cwd };
}

function located(request: CommandRequest, arg: string): string {
  return fromVolume(request.mounts ?? [], arg) ?? fromImage(request.root, arg) ?? arg;
}

function fromVolume(mounts: NonNullable<CommandRequest['mounts']>, arg: string): string | undefined {
  const inside = mounts
    .filter(([at]) => arg === at || arg.startsWith(`${at}/`))
    .toSorted(([a], [b]) => b.length - a.length)[0];
  return inside === undefined ? undefined : path.join(inside[1], path.resolve('/', arg.slice(inside[0].length)));
}

/** What tar packs keeps the name that it has in the container, as `kubectl cp` expects. */
function tarArguments(request: CommandRequest, args: readonly string[]): string[] {
  let packs = false;
  return args.flatMap((arg, index) => {
    const isFolder = args[index - 1] === '-C' || args[index - 1] === '--directory';
    if (isFolder || !path.isAbsolute(arg) || arg === '/') return [located(request, arg)];
    const relative = path.relative('/', path.resolve('/', arg));
    const known = fromVolume(request.mounts ?? [], arg) ?? fromImage(request.root, arg);
    if (known === undefined) return [arg];
    const first = packs ? [] : ['-C', request.root];
    packs = true;
    return [...first, relative];
  });
}

function findProgram(request: CommandRequest, name: string, cwd: string): string {
  const { root } = request;
  if (name.includes('/')) {
    const file = path.isAbsolute(name) ? inside(root, name) : path.resolve(cwd, name);
    if (isExecutable(file) && isWithin(root, file)) return file;
    // `/usr/local/bin/node` of an image made on an official Node.js image.
    if (path.basename(name) === 'node') return process.execPath;
    throw missing(name);
  }
  for (const folder of (request.path ?? DEFAULT_PATH).split(':')) {
    const file = path.join(inside(root, folder), name);
    if (folder !== '' && isExecutable(file) && isWithin(root, file)) return file;
  }
  if (name === 'node') return process.execPath;
  for (const folder of (process.env['PATH'] ?? DEFAULT_PATH).split(path.delimiter)) {
    const file = path.join(folder, name);
    if (path.isAbsolute(folder) && isExecutable(file)) return file;
  }
  throw missing(name);
}

function missing(name: string): LandfallError {
  const reason = name.includes('/') ? 'no such file or directory' : 'executable file not found in $PATH';
  return new LandfallError(
    `failed to create containerd task: failed to create shim task: exec: "${name}": ${reason}: unknown`,
    { kind: 'invalid-input', code: 'entrypoint-missing', object: name },
  );
}

/** An absolute path of the image as a path of this machine. */
export function inside(root: string, absolute: string): string {
  return path.join(root, path.resolve('/', absolute));
}

function fromImage(root: string, arg: string): string | undefined {
  if (!path.isAbsolute(arg) || arg === '/') return undefined;
  const file = inside(root, arg);
  return existsSync(file) && isWithin(root, file) ? file : undefined;
}

function isWithin(root: string, file: string): boolean {
  const real = realpathSync(file);
  const base = realpathSync(root);
  return real === base || real.startsWith(base + path.sep);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
