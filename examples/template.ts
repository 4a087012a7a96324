import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runGit } from '../src/git/index.ts';
import { LandfallError } from '../src/kernel/index.ts';

/**
 * The files of an example. They lie in a folder beside this file; where it was bundled into `dist/code/`,
 * in `examples/` of the package.
 */
export function templateFolder(example: string): string {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const candidates = ['.', '../examples', '../../examples'].map((up) => path.join(here, up, example));
  const found = candidates.find((candidate) => existsSync(candidate));
  if (found !== undefined) return found;
  throw new LandfallError(
    `The example's files were looked for in ${candidates.join(' and ')}, and are not there.`,
    {
      kind: 'not-found',
      code: 'example-missing',
      hint: 'Install the package again; the folder examples/ belongs to it.',
    },
  );
}

/** Copies a tree over what is there; `change` is asked for the text of YAML and Markdown. */
export async function copyTemplate(
  from: string,
  to: string,
  change: (text: string) => string = (text) => text,
): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = path.join(from, entry.name);
    // Stored without its dot, because package registries treat the real name in their own way.
    const target = path.join(to, entry.name === 'gitignore' ? '.gitignore' : entry.name);
    if (entry.isDirectory()) {
      await mkdir(target, { recursive: true });
      await copyTemplate(source, target, change);
    } else if (/\.(?:ya?ml|md)$/.test(entry.name)) {
      await writeFile(target, change(await readFile(source, 'utf8')));
    } else {
      await copyFile(source, target);
    }
  }
}

/** Makes the folder of an example. Throws `conflict` when it has something in it. */
export async function openEmptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length === 0) return;
  throw new LandfallError(`The example was to be made in ${folder}, which is not empty.`, {
    kind: 'conflict',
    code: 'example-folder',
    object: folder,
    hint: 'Name an empty or a new folder.',
  });
}

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** The commits of an example are its own people's, whatever this machine's git is set up to sign or to run. */
export function gitAs({ name, email }: Person, signal: AbortSignal | undefined) {
  const env = {
    GIT_AUTHOR_NAME: name,
    GIT_AUTHOR_EMAIL: email,
    GIT_COMMITTER_NAME: name,
    GIT_COMMITTER_EMAIL: email,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file',
  };
  return (cwd: string, ...args: readonly string[]): Promise<string> =>
    runGit(`Making the example in ${cwd}`, args, { cwd, signal, env });
}
