import type { CommitInfo, GitMirror } from '../../git/index.ts';
import { withoutCredentials } from '../../git/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import type { Build, Builds, NewBuild } from '../../ledger/index.ts';
import { branchOf, definitionOf, referenceOf, shortRef } from './definition.ts';
import type { DeclaredBuild } from './definition.ts';
import { asksToSkip, decideTrigger, isOwnCommit } from './triggers.ts';
import type { NewRef } from './triggers.ts';

/** Something that one look at a source repository found. */
export interface Found {
  readonly trigger: string;
  readonly ref: string;
  readonly commit: string;
  /** `ours`: Landfall made the commit; `skipped`: its message asks for no build; `known`: there is a build already. */
  readonly outcome: 'started' | 'known' | 'ours' | 'skipped';
  readonly build: Build | undefined;
}

export interface Looked {
  readonly found: readonly Found[];
  /** Waiting builds that a newer commit took the place of. */
  readonly superseded: readonly Build[];
  readonly problem: string | undefined;
}

/** Commits of Landfall's own that may lie over somebody's. */
const OWN_AT_MOST = 100;

/** A build of a ref at a commit. What cannot be built at all is kept as a failure, with the reason. */
export function newBuildOf(
  declared: DeclaredBuild,
  { ref, commit, movedFrom }: NewRef,
  info: CommitInfo | undefined,
  origin: NewBuild['origin'] = 'trigger',
): NewBuild {
  const { plan, name, declaredIn } = declared;
  const base = {
    declaredIn,
    trigger: name,
    ref,
    commit,
    origin,
    repository: withoutCredentials(plan.repository),
    people:
      info === undefined
        ? undefined
        : { author: info.author, committer: info.committer, subject: info.subject },
    ...definitionOf(declared),
    notes:
      movedFrom === undefined
        ? []
        : [`the tag ${shortRef(ref)} was moved: it was ${movedFrom.slice(0, 12)} before`],
  };
  try {
    const image = referenceOf(plan, ref, commit);
    const waits = plan.approval !== undefined;
    return {
      ...base,
      image,
      state: waits ? 'PENDING' : 'QUEUED',
      message: waits ? `waits for approval: 0 of ${plan.approval?.count ?? 1}` : 'waits for its turn',
    };
  } catch (thrown) {
    return { ...base, image: '', state: 'FAILURE', message: asLandfallError(thrown).message };
  }
}

/** The newest commit that is not Landfall's own; undefined where that was seen before. */
async function notOwn(
  mirror: GitMirror,
  tip: string,
  before: string | undefined,
  signal: AbortSignal,
): Promise<CommitInfo | undefined> {
  const info = await mirror.commitInfo(tip, signal);
  if (!isOwnCommit(info)) return info;
  const log = await mirror.log({ from: tip, limit: OWN_AT_MOST }, signal);
  const theirs = log.find((each) => !isOwnCommit(each));
  if (theirs === undefined || before === undefined) return undefined;
  const known = await mirror.isAncestor(theirs.commit, before, signal).catch(() => false);
  return known ? undefined : theirs;
}

/**
 * Looks for what a trigger has not seen: adds its builds, lets a newer commit of a branch take the place of those that
 * still wait, and remembers what it saw. Idempotent: a look that was cut off is made again. Fetches nothing.
 */
export async function lookForBuilds(
  builds: Builds,
  declared: DeclaredBuild,
  mirror: GitMirror,
  signal: AbortSignal,
): Promise<Looked> {
  const { plan, name, declaredIn } = declared;
  const seen = await builds.seen(declaredIn, name);
  const { fresh, history, problem } = decideTrigger(plan, await mirror.refs(signal), seen);
  const found: Found[] = [];
  const superseded: Build[] = [];
  for (const each of fresh) {
    const isBranch = branchOf(each.ref) !== undefined;
    const info = isBranch
      ? await notOwn(mirror, each.commit, seen?.refs.get(each.ref), signal)
      : await mirror.commitInfo(each.commit, signal);
    const told = { trigger: name, ref: each.ref, commit: info?.commit ?? each.commit };
    if (info === undefined) found.push({ ...told, outcome: 'ours', build: undefined });
    // A tag is somebody's own decision: what the message of its commit says is not about it.
    else if (isBranch && asksToSkip(info)) found.push({ ...told, outcome: 'skipped', build: undefined });
    else {
      const wanted = newBuildOf(declared, { ...each, commit: info.commit }, info);
      const first = await builds.add(wanted);
      // Back at a commit that had to give way: nobody built it.
      const { build, added } =
        first.build.state === 'SUPERSEDED' ? await builds.add({ ...wanted, again: true }) : first;
      found.push({ ...told, outcome: added ? 'started' : 'known', build });
      if (isBranch) superseded.push(...(await supersede(builds, build)));
    }
    await builds.sawRefs(declaredIn, name, new Map([[each.ref, each.commit]]));
  }
  if (seen === undefined || history.size > 0) await builds.sawRefs(declaredIn, name, history);
  return { found, superseded, problem };
}

async function supersede(builds: Builds, by: Build): Promise<readonly Build[]> {
  const waiting = await builds.list(
    { declaredIn: by.declaredIn, trigger: by.trigger, ref: by.ref, states: ['PENDING'] },
    1000,
  );
  const gone: Build[] = [];
  for (const each of waiting) {
    if (each.id >= by.id) continue;
    const message = `${by.commit.slice(0, 8)} took its place (build ${by.id})`;
    if (await builds.move(each.id, ['PENDING'], { state: 'SUPERSEDED', message })) gone.push(each);
  }
  return gone;
}
