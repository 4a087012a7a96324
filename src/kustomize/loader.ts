import { LandfallError } from '../kernel/index.ts';
import type { YamlSource } from '../kernel/index.ts';
import { decodeText, sourceOf } from './load-objects.ts';
import type { EntryKind, FileTree } from './tree.ts';

/** Content that is not in the tree, by URL. Given by whoever allows that it is fetched. */
export interface RemoteFetcher {
  /** A file over HTTP. Undefined: this URL is no file. */
  file(url: string, signal: AbortSignal | undefined): Promise<Uint8Array | undefined>;
  /** A repository at a revision, and the folder in it. Undefined: this is no repository. */
  repository?(
    url: string,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly tree: FileTree; readonly dir: string } | undefined>;
}

/** One thing that a render looked for: its content, or that it is not there. */
export interface RenderInput {
  readonly path: string;
  readonly present: boolean;
}

/** What was read, in one place for all loaders of a render. */
interface ReadLog {
  note(path: string, kind: 'file' | 'kind', value: Uint8Array | EntryKind | undefined): void;
}

interface LoaderOptions {
  readonly restrict: boolean;
  readonly remote: RemoteFetcher | undefined;
  readonly signal: AbortSignal | undefined;
  readonly log: ReadLog;
  /** Texts of files that were read before, by name. */
  readonly texts: Map<string, ReadText>;
}

/** The text of a file, and the bytes it was decoded from. */
export interface ReadText {
  readonly bytes: Uint8Array;
  readonly source: YamlSource;
}

/** Reads for one kustomization. Source: api/internal/loader/fileloader.go. */
export class Loader {
  readonly tree: FileTree;
  readonly root: string;
  private readonly referrer: Loader | undefined;
  private readonly options: LoaderOptions;
  /** What stands in front of the paths of a fetched repository. */
  private readonly label: string;

  private constructor(
    tree: FileTree,
    root: string,
    referrer: Loader | undefined,
    options: LoaderOptions,
    label: string,
  ) {
    this.tree = tree;
    this.root = root;
    this.referrer = referrer;
    this.options = options;
    this.label = label;
  }

  static async open(tree: FileTree, dir: string, options: LoaderOptions): Promise<Loader> {
    const root = normalize('', dir);
    if (root === undefined) throw escapes(dir, '.');
    const loader = new Loader(tree, root, undefined, options, '');
    if ((await loader.kindOf(root)) !== 'directory') {
      throw new LandfallError(`There is no folder ${dir === '' ? '.' : dir} to render.`, {
        kind: 'not-found',
        code: 'no-such-folder',
        object: dir,
        hint: 'Name a folder with a kustomization.yaml.',
      });
    }
    return new Loader(tree, await loader.real(root), undefined, options, '');
  }

  /** A path as messages and provenance show it. */
  show(path: string): string {
    return this.label === '' ? (path === '' ? '.' : path) : `${this.label}//${path}`;
  }

  private async kindOf(path: string): Promise<EntryKind | undefined> {
    const kind = await this.tree.kind(path);
    this.options.log.note(this.label === '' ? path : this.show(path), 'kind', kind);
    return kind;
  }

  private async real(path: string): Promise<string> {
    return (await this.tree.resolve?.(path)) ?? path;
  }

  /** Bytes of a file named in this kustomization. Throws `not-found` where there is none. */
  async bytes(path: string): Promise<Uint8Array> {
    this.options.signal?.throwIfAborted();
    if (isHttp(path)) return this.fetched(path);
    const at = this.locate(path);
    const content = await this.tree.readFile(at);
    this.options.log.note(this.label === '' ? at : this.show(at), 'file', content);
    if (content === undefined) throw this.absent(path, at, await this.kindOf(at));
    const real = await this.real(at);
    if (this.options.restrict && !isInside(real, this.root))
      throw restricted(this.show(real), this.show(this.root));
    return content;
  }

  /** The same, or undefined where there is no such file. */
  async tryBytes(path: string): Promise<Uint8Array | undefined> {
    try {
      return await this.bytes(path);
    } catch (error) {
      if (error instanceof LandfallError && error.code === 'file-not-found') return undefined;
      throw error;
    }
  }

  /** Whether a path names a file of the tree, restricted or not. */
  async isFile(path: string): Promise<boolean> {
    const at = normalize(this.root, path);
    return at !== undefined && (await this.kindOf(at)) === 'file';
  }

  /** A text with the name it has in messages. */
  async source(path: string): Promise<YamlSource> {
    const bytes = await this.bytes(path);
    const name = isHttp(path) ? path : this.show(this.locate(path));
    const { texts } = this.options;
    const known = texts.get(name);
    if (
      known !== undefined &&
      known.bytes.length === bytes.length &&
      Buffer.compare(known.bytes, bytes) === 0
    ) {
      return known.source;
    }
    const source = sourceOf(name, decodeText(bytes, name));
    texts.set(name, { bytes, source });
    return source;
  }

  private locate(path: string): string {
    if (path === '') throw this.absent(path, this.root, 'directory');
    if (path.startsWith('/')) {
      throw new LandfallError(
        `Reading '${path}' in ${this.show(this.root)} was refused: it is an absolute path, and only files of the tree are read.`,
        {
          kind: 'denied',
          code: 'absolute-path',
          object: path,
          hint: 'Use a path relative to the kustomization.',
        },
      );
    }
    const at = normalize(this.root, path);
    if (at === undefined) throw escapes(path, this.show(this.root));
    if (this.options.restrict && !isInside(at, this.root))
      throw restricted(this.show(at), this.show(this.root));
    return at;
  }

  private async fetched(url: string): Promise<Uint8Array> {
    const { remote, signal } = this.options;
    if (remote === undefined) throw remoteRefused(url);
    const content = await remote.file(url, signal);
    this.options.log.note(url, 'file', content);
    if (content === undefined) {
      throw new LandfallError(`${url} could not be read as a file.`, {
        kind: 'not-found',
        code: 'file-not-found',
        object: url,
      });
    }
    return content;
  }

  /** A loader for another kustomization that this one names. */
  async sub(path: string): Promise<Loader> {
    if (path === '') {
      throw new LandfallError(`${this.show(this.root)}: new root cannot be empty`, {
        kind: 'invalid-input',
        code: 'empty-path',
        object: this.root,
      });
    }
    if (isRemote(path)) return this.subRepository(path);
    if (path.startsWith('/')) {
      throw new LandfallError(`new root '${path}' cannot be absolute`, {
        kind: 'denied',
        code: 'absolute-path',
        object: path,
        hint: 'Use a path relative to the kustomization.',
      });
    }
    const asked = normalize(this.root, path);
    if (asked === undefined) throw escapes(path, this.show(this.root));
    const kind = await this.kindOf(asked);
    if (kind !== 'directory') {
      throw new LandfallError(
        kind === 'file'
          ? `must build at directory: '${this.show(asked)}' is a file, where a folder is wanted`
          : `'${path}' in ${this.show(this.root)}: there is no file and no folder ${this.show(asked)}: no such file or directory`,
        {
          kind: 'not-found',
          code: kind === 'file' ? 'not-a-folder' : 'file-not-found',
          object: this.show(asked),
        },
      );
    }
    const root = await this.real(asked);
    for (const above of this.lineage()) {
      if (above.tree === this.tree && isInside(above.root, root)) {
        throw new LandfallError(
          `cycle detected: candidate root '${this.show(root)}' contains visited root '${this.show(above.root)}'`,
          { kind: 'invalid-input', code: 'cycle', object: this.show(root) },
        );
      }
    }
    return new Loader(this.tree, root, this, this.options, this.label);
  }

  /** This loader and those that led to it. */
  private lineage(): readonly Loader[] {
    return [this, ...(this.referrer?.lineage() ?? [])];
  }

  private async subRepository(url: string): Promise<Loader> {
    const { remote, signal } = this.options;
    if (remote?.repository === undefined) throw remoteRefused(url);
    for (const above of this.lineage()) {
      if (above.label !== '' && above.label.startsWith(url)) {
        throw new LandfallError(`cycle detected: URI '${url}' referenced by previous URI '${above.label}'`, {
          kind: 'invalid-input',
          code: 'cycle',
          object: url,
        });
      }
    }
    const found = await remote.repository(url, signal);
    if (found === undefined) {
      throw new LandfallError(`${url} could not be fetched: it is not a repository.`, {
        kind: 'not-found',
        code: 'repository-not-found',
        object: url,
      });
    }
    // Inside of a fetched repository files outside of a kustomization are never read.
    return new Loader(found.tree, found.dir, this, { ...this.options, restrict: true }, url);
  }

  private absent(path: string, at: string, kind: EntryKind | undefined): LandfallError {
    if (kind === 'directory') {
      return new LandfallError(`'${this.show(at)}' is a folder, where a file is wanted: is a directory`, {
        kind: 'not-found',
        code: 'file-not-found',
        object: this.show(at),
      });
    }
    return new LandfallError(
      `There is no file ${this.show(at)} (asked for as '${path}' in ${this.show(this.root)}): no such file or directory`,
      { kind: 'not-found', code: 'file-not-found', object: this.show(at) },
    );
  }
}

function isHttp(path: string): boolean {
  return path.startsWith('http://') || path.startsWith('https://');
}

/** Whether a path names something that is not in the tree. Source: api/internal/git/repospec.go. */
export function isRemote(path: string): boolean {
  return (
    /^(?:git::|gh:|file:\/\/|ssh:\/\/|https?:\/\/|git@)/i.test(path) ||
    /^(?:[\w.-]+@)?[\w-]+(?:\.[\w-]+)*\.(?:com|org|io|net|dev)[/:]/i.test(path) ||
    /^[^/]+@[^/]+:/.test(path) ||
    path.includes('?ref=')
  );
}

/** Undefined: the path leads out of the tree. */
export function normalize(root: string, path: string): string | undefined {
  const parts = root === '' ? [] : root.split('/');
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.pop() === undefined) return undefined;
    } else parts.push(part);
  }
  return parts.join('/');
}

function isInside(path: string, root: string): boolean {
  return root === '' || path === root || path.startsWith(`${root}/`);
}

function escapes(path: string, root: string): LandfallError {
  return new LandfallError(`Reading '${path}' from ${root} was refused: it leads out of what is rendered.`, {
    kind: 'denied',
    code: 'outside-root',
    object: path,
    hint: 'Render from a folder that holds everything the kustomization names.',
  });
}

function restricted(path: string, root: string): LandfallError {
  return new LandfallError(
    `security; file '${path}' is not in or below '${root}': a kustomization reads only files of its own folder.`,
    {
      kind: 'denied',
      code: 'load-restricted',
      object: path,
      hint: 'Make the file part of a kustomization of its own, or allow it with --load-restrictor LoadRestrictionsNone.',
    },
  );
}

function remoteRefused(url: string): LandfallError {
  return new LandfallError(`${url} was not fetched: remote resources are not allowed here.`, {
    kind: 'denied',
    code: 'remote-refused',
    object: url,
    hint: 'Allow fetching, or put a copy into the repository.',
  });
}
