import { withoutCredentials } from '../git/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { Build } from '../ledger/index.ts';
import { declaredBuilds } from '../pipeline/index.ts';
import type { DeclaredBuild, DeclaredNow } from '../pipeline/index.ts';
import type { Declaration, Declarations } from './declarations.ts';
import type { Level } from './queue.ts';
import { repositoryKey } from './webhook.ts';

/** What deployment repositories declare of builds, as it was read last. */
export interface BuildDeclarations {
  read(level: Level): Promise<void>;
  /** Whether anything was read yet. */
  readonly known: boolean;
  readonly files: readonly Declaration[];
  readonly builds: readonly DeclaredBuild[];
  /** Whether one of these repositories, by `repositoryKey`, declares something. */
  declaresIn(keys: ReadonlySet<string>): boolean;
  /** What is declared for a build; `fresh`: read again first. */
  now(build: Build, fresh: boolean): Promise<DeclaredNow>;
}

/** `report` is told of a repository that cannot be read, and when it can be again. */
export function createBuildDeclarations(
  declarations: Pick<Declarations, 'read'>,
  report: (subject: string, problem: string | undefined) => void,
  {
    clock,
    retryMs,
    signal,
  }: { readonly clock: Clock; readonly retryMs: number; readonly signal: AbortSignal },
): BuildDeclarations {
  let known: ReadonlyMap<string, Declaration> | undefined;
  /** Repositories that could not be read the last time: what they declared before is still looked for. */
  let stale: ReadonlySet<string> = new Set();
  let askAgainAt = 0;

  async function read(level: Level): Promise<void> {
    const answer = await declarations.read(level, signal);
    const found = new Map<string, Declaration>();
    const old = new Set<string>();
    // Two spellings of one repository declare the same builds once.
    for (const each of answer.known.toSorted((a, b) => (a.url < b.url ? -1 : 1))) {
      const key = repositoryKey(each.url);
      if (!found.has(key)) found.set(key, each);
      report(withoutCredentials(each.url), undefined);
    }
    for (const { url, problem } of answer.unread) {
      const key = repositoryKey(url);
      if (found.has(key)) continue;
      report(withoutCredentials(url), problem.message);
      const before = known?.get(key);
      if (before === undefined) continue;
      found.set(key, before);
      old.add(key);
    }
    known = found;
    stale = old;
  }

  function builds(): readonly DeclaredBuild[] {
    return [...(known?.values() ?? [])].flatMap(({ file, url, commit }) =>
      file === undefined ? [] : declaredBuilds(file, url, commit),
    );
  }

  return {
    read,
    get known() {
      return known !== undefined;
    },
    get files() {
      return [...(known?.values() ?? [])];
    },
    get builds() {
      return builds();
    },
    declaresIn: (keys) => [...keys].some((key) => known?.has(key) === true),
    async now(build, fresh) {
      const key = repositoryKey(build.declaredIn);
      if (fresh) {
        // One that did not answer is not asked at every look.
        if (stale.has(key) && clock.now() < askAgainAt) return 'unknown';
        await read('asked');
        askAgainAt = clock.now() + retryMs;
        if (stale.has(key)) return 'unknown';
      }
      if (known?.get(key) === undefined) return 'unknown';
      const found = builds().find(
        (each) => each.name === build.trigger && repositoryKey(each.declaredIn) === key,
      );
      return found ?? 'gone';
    },
  };
}
