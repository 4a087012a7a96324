import { asLandfallError, mapBounded } from '../kernel/index.ts';
import type { LandfallError } from '../kernel/index.ts';
import type { GitMirror } from '../git/index.ts';
import { LANDFALL_FILE, parseLandfallYaml } from '../pipeline/index.ts';
import type { LandfallYaml } from '../pipeline/index.ts';
import type { Level } from './queue.ts';

/** A repository that something is delivered from. */
export interface TrackedRepository {
  /** As its Application or GitRepository names it. */
  readonly url: string;
  /** With the credentials of whoever tracks it. */
  readonly open: (signal: AbortSignal) => Promise<GitMirror>;
}

/** What the default branch of a deployment repository declares. */
export interface Declaration {
  readonly url: string;
  readonly mirror: GitMirror;
  /** The tip of the default branch. */
  readonly commit: string;
  /** Its name; undefined where HEAD names none. */
  readonly branch: string | undefined;
  /** Undefined where the repository has no landfall.yaml. */
  readonly file: LandfallYaml | undefined;
}

/** A repository whose declarations are not known: they are not taken as empty. */
export interface UnreadDeclaration {
  readonly url: string;
  readonly problem: LandfallError;
}

export interface Declarations {
  /**
   * Every landfall.yaml of the repositories that something is delivered from, once for each repository and whoever may
   * read it, from its default branch: that is the place which decides on builds, updates and promotion, whatever
   * revision an application tracks. Throws only what `signal` ends.
   */
  read(
    level: Level,
    signal: AbortSignal,
  ): Promise<{ readonly known: readonly Declaration[]; readonly unread: readonly UnreadDeclaration[] }>;
}

export interface DeclarationOptions {
  /** What is tracked now. */
  readonly tracked: () => readonly TrackedRepository[];
  readonly resolve: (
    mirror: GitMirror,
    revision: string,
    level: Level,
    signal: AbortSignal,
  ) => Promise<string>;
}

const AT_ONCE = 8;

export function createDeclarations(options: DeclarationOptions): Declarations {
  /** What a commit of a repository declares never changes. */
  const parsed = new WeakMap<
    GitMirror,
    { readonly commit: string; readonly file: LandfallYaml | undefined }
  >();

  async function read(
    url: string,
    mirror: GitMirror,
    level: Level,
    signal: AbortSignal,
  ): Promise<Declaration> {
    const commit = await options.resolve(mirror, 'HEAD', level, signal);
    const { ref } = await mirror.resolve('HEAD', signal);
    const branch = /^refs\/heads\/(.+)$/.exec(ref ?? '')?.[1];
    const known = parsed.get(mirror);
    if (known?.commit === commit) return { url, mirror, commit, branch, file: known.file };
    const bytes = await mirror.tree(commit).readFile(LANDFALL_FILE);
    const file = bytes === undefined ? undefined : parseLandfallYaml(Buffer.from(bytes).toString('utf8'));
    parsed.set(mirror, { commit, file });
    return { url, mirror, commit, branch, file };
  }

  return {
    async read(level, signal) {
      const unread: UnreadDeclaration[] = [];
      const mirrors = new Map<GitMirror, string>();
      const attempt = async <T>(url: string, work: () => Promise<T>): Promise<T | undefined> => {
        try {
          return await work();
        } catch (thrown) {
          signal.throwIfAborted();
          unread.push({ url, problem: asLandfallError(thrown) });
          return undefined;
        }
      };
      await mapBounded(options.tracked(), AT_ONCE, async ({ url, open }) => {
        const mirror = await attempt(url, () => open(signal));
        if (mirror !== undefined && !mirrors.has(mirror)) mirrors.set(mirror, url);
      });
      const all = await mapBounded([...mirrors], AT_ONCE, ([mirror, url]) =>
        attempt(url, () => read(url, mirror, level, signal)),
      );
      return {
        known: all.filter((each) => each !== undefined),
        // In no order of answers: what did not change reads the same each time.
        unread: unread.sort((a, b) => (a.url < b.url ? -1 : 1)),
      };
    },
  };
}
