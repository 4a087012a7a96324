import { LandfallError } from '../kernel/index.ts';
import type { ObjectReader } from './objects.ts';

/**
 * Files of one commit, by paths with `/` from its root; '' is the root. Nothing outside of the commit can be
 * reached. The same shape as the tree that rendering reads from.
 */
export interface FileTree {
  /** The content; undefined when there is no such file. */
  readFile(path: string): Promise<Uint8Array | undefined>;
  kind(path: string): Promise<'file' | 'directory' | undefined>;
  /** Names in a directory, sorted; undefined when there is no such directory. */
  list(path: string): Promise<readonly string[] | undefined>;
  /** The object id of a file's content; undefined when there is no such file. */
  identity(path: string): Promise<string | undefined>;
  /** Where `path` is when symbolic links are followed; undefined when there is nothing. */
  resolve(path: string): Promise<string | undefined>;
}

interface Entry {
  readonly mode: string;
  readonly oid: string;
}
type Folder = ReadonlyMap<string, Entry>;
type Found =
  | { readonly kind: 'file'; readonly path: string; readonly oid: string }
  | { readonly kind: 'directory'; readonly path: string; readonly folder: Folder };

const MAX_LINKS = 40;
const KEPT_FOLDERS = 4096;

/** Reads a commit's files straight from the object database. Symbolic links are followed inside of the commit. */
export function createCommitTree(reader: ObjectReader, commit: string, display: string): FileTree {
  const folders = new Map<string, Promise<Folder>>();
  let root: Promise<string> | undefined;

  async function rootTree(): Promise<string> {
    const object = await reader.read(commit);
    if (object?.type !== 'commit') {
      throw new LandfallError(`${display} has no commit ${commit}.`, {
        kind: 'not-found',
        code: 'git-commit-not-found',
        object: commit,
        hint: 'Fetch first, or name a commit that was pushed.',
      });
    }
    return /^tree ([0-9a-f]+)\n/.exec(object.body.toString('latin1', 0, 100))?.[1] ?? '';
  }

  async function loadFolder(oid: string): Promise<Folder> {
    const object = await reader.read(oid);
    if (object?.type !== 'tree') throw missing(oid);
    return parseTree(object.body, oid.length / 2);
  }

  function folderOf(oid: string): Promise<Folder> {
    let loading = folders.get(oid);
    if (loading === undefined) {
      loading = loadFolder(oid);
      if (folders.size >= KEPT_FOLDERS) folders.clear();
      folders.set(oid, loading);
      loading.catch(() => folders.delete(oid));
    }
    return loading;
  }

  async function rootFolder(): Promise<Folder> {
    root ??= rootTree();
    try {
      return await folderOf(await root);
    } catch (error) {
      root = undefined;
      throw error;
    }
  }

  function missing(oid: string): LandfallError {
    return new LandfallError(`The object ${oid} of commit ${commit} is missing in ${display}.`, {
      kind: 'unavailable',
      code: 'git-object-missing',
      object: oid,
      hint: 'The clone is shallow, partial or damaged; fetch it whole.',
    });
  }

  function refuse(path: string, code: string, why: string, hint: string): LandfallError {
    return new LandfallError(
      `'${path}' in commit ${commit.slice(0, 12)} of ${display} cannot be read: ${why}.`,
      {
        kind: code === 'outside-root' ? 'denied' : 'invalid-input',
        code,
        object: path,
        hint,
      },
    );
  }

  async function blob(oid: string): Promise<Buffer> {
    const object = await reader.read(oid);
    if (object?.type !== 'blob') throw missing(oid);
    return object.body;
  }

  async function find(path: string): Promise<Found | undefined> {
    if (path.startsWith('/')) {
      throw refuse(
        path,
        'git-path',
        'paths start at the root of the repository, without "/"',
        'Drop the "/".',
      );
    }
    const rest = path.split('/');
    const trail: { readonly name: string; readonly folder: Folder }[] = [
      { name: '', folder: await rootFolder() },
    ];
    const at = (...names: string[]) => [...trail.slice(1).map((part) => part.name), ...names].join('/');
    let links = 0;
    for (let step = rest.shift(); step !== undefined; step = rest.shift()) {
      if (step === '' || step === '.') continue;
      const folder = trail.at(-1)?.folder;
      if (step === '..') {
        trail.pop();
        if (trail.length === 0) {
          throw refuse(path, 'outside-root', 'it leads out of the repository', 'Keep paths inside of it.');
        }
        continue;
      }
      const entry = folder?.get(step);
      if (entry === undefined) return undefined;
      if (entry.mode === '40000') {
        trail.push({ name: step, folder: await folderOf(entry.oid) });
      } else if (entry.mode === '160000') {
        throw refuse(
          path,
          'git-submodule',
          `'${step}' is a submodule, whose files are not in this repository`,
          'Put the files into this repository, or refer to the other one by URL.',
        );
      } else if (entry.mode === '120000') {
        links += 1;
        const target = (await blob(entry.oid)).toString('utf8');
        if (links > MAX_LINKS) {
          throw refuse(path, 'git-symlink-loop', 'its symbolic links run in a circle', 'Mend the links.');
        }
        if (target.startsWith('/')) {
          throw refuse(
            path,
            'outside-root',
            `the symbolic link '${step}' points to '${target}', outside of the repository`,
            'Use a relative link, or a copy of the file.',
          );
        }
        rest.unshift(...target.split('/'));
      } else {
        return rest.every((left) => left === '' || left === '.')
          ? { kind: 'file', path: at(step), oid: entry.oid }
          : undefined;
      }
    }
    const last = trail.at(-1);
    return last && { kind: 'directory', path: at(), folder: last.folder };
  }

  return {
    async readFile(path) {
      const found = await find(path);
      return found?.kind === 'file' ? blob(found.oid) : undefined;
    },
    async list(path) {
      const found = await find(path);
      return found?.kind === 'directory' ? [...found.folder.keys()].sort() : undefined;
    },
    async kind(path) {
      return (await find(path))?.kind;
    },
    async identity(path) {
      const found = await find(path);
      return found?.kind === 'file' ? found.oid : undefined;
    },
    async resolve(path) {
      return (await find(path))?.path;
    },
  };
}

/** `MODE SP NAME NUL OID` repeated; the format of git's tree objects. */
function parseTree(body: Buffer, oidBytes: number): Folder {
  const entries = new Map<string, Entry>();
  for (let at = 0; at < body.length;) {
    const space = body.indexOf(32, at);
    const nul = body.indexOf(0, space);
    const mode = body.toString('latin1', at, space);
    const name = body.toString('utf8', space + 1, nul);
    entries.set(name, { mode, oid: body.toString('hex', nul + 1, nul + 1 + oidBytes) });
    at = nul + 1 + oidBytes;
  }
  return entries;
}
