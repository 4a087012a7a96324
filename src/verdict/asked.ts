import { LandfallError } from '../kernel/index.ts';
import { parseReference } from '../oci/index.ts';
import { takenBackBy } from './taken-back.ts';
import { attempt, fullRepository, read, releaseOf, valueOf, withoutTag } from '../boundaries/index.ts';
import type { Asked, CommitBuild, ImageFacts } from '../boundaries/index.ts';
import type { Origin } from './origin/index.ts';
import type { Declared, Question, Sources } from './question.ts';

/** What a question means, for the deployment repository and for the source. */
export interface AskedFor {
  readonly asked: Asked;
  readonly wantedCommit: string | undefined;
}

/** A commit, whole or shortened as Git shows it. */
const COMMIT = /^[0-9a-f]{7,64}$/;

/**
 * What `--revision` means: a commit of the deployment repository when it has it, else one of the source that is
 * built. What neither repository knows is taken as the commit that it spells, or is a wrong question.
 */
export async function askedRevision(
  sources: Sources,
  origin: Pick<Origin, 'find' | 'display' | 'git'>,
  revision: string,
  declared: Declared,
  signal: AbortSignal,
): Promise<AskedFor> {
  const own = await attempt(() => origin.find(revision), signal);
  if (own.state === 'read') {
    const { commit, contained } = own.value;
    const { git } = origin;
    const revertedBy =
      contained && git !== undefined ? await takenBackBy(git.mirror, commit, git.commit, signal) : undefined;
    const standing = { commit, contained, ...(revertedBy === undefined ? {} : { revertedBy }) };
    return { asked: { revision: standing }, wantedCommit: undefined };
  }
  const source = declared.source === undefined ? undefined : sources.git.open(declared.source);
  const built =
    source === undefined ? undefined : await attempt(() => source.resolve(revision, signal), signal);
  if (built?.state === 'read') return { asked: {}, wantedCommit: built.value.commit };
  if (COMMIT.test(revision)) return { asked: {}, wantedCommit: revision };
  const unread = [own, built].find(
    (reading) => reading?.state === 'unreadable' && !reading.code.startsWith('git-revision'),
  );
  throw new LandfallError(
    unread === undefined
      ? `Neither ${origin.display}${source === undefined ? '' : ` nor ${source.display}`} has the revision '${revision}'${source === undefined ? ', and landfall.yaml names no source that could' : ''}.`
      : `Whether '${revision}' is a revision is not known: ${unread.why}`,
    {
      kind: unread === undefined ? 'invalid-input' : 'unavailable',
      code: unread === undefined ? 'revision-unknown' : 'revision-unread',
      object: revision,
      hint:
        unread?.hint ??
        own.hint ??
        'Name a commit, tag or branch of the deployment or the source repository.',
    },
  );
}

/** The repository as Git spells it: `nginx` and `docker.io/library/nginx` are one. */
function sameImage(reference: string, images: readonly ImageFacts[]): string {
  const spelt = withoutTag(reference);
  const name = fullRepository(spelt);
  return images.find((image) => fullRepository(image.repository) === name)?.repository ?? spelt;
}

/** An image that was asked for, and what its registry answers for it now. */
export async function askedImage(
  sources: Sources,
  reference: string,
  images: readonly ImageFacts[],
  signal: AbortSignal,
): Promise<NonNullable<Asked['image']>> {
  const found = await attempt(() => sources.registry.resolve(reference, signal), signal);
  // A reference by digest says itself which one it is.
  const { digest: pinned } = parseReference(reference);
  const repository = sameImage(reference, images);
  if (found.state !== 'read')
    return {
      reference,
      repository,
      digest: found.state === 'unreadable' && pinned !== undefined ? read(pinned) : found,
    };
  const { digest, manifests } = found.value;
  return { reference, repository, digest: read(digest), answer: { digest, platforms: manifests } };
}

/** A ledger that cannot be read says nothing of builds. */
export async function buildsOf(
  question: Question,
  commit: string | undefined,
  images: readonly ImageFacts[],
  signal: AbortSignal,
): Promise<readonly CommitBuild[]> {
  const ask = question.buildsOf;
  if (commit === undefined || ask === undefined) return [];
  const ours = images.filter((image) => image.ours).map((image) => image.repository);
  return valueOf(await attempt(() => ask(commit, ours, signal), signal)) ?? [];
}

/** A commit that was built is asked for by what it became: then Git has to name that. */
export function askedByBuild(
  builds: readonly CommitBuild[],
  images: readonly ImageFacts[],
): Pick<Asked, 'image'> {
  const done = builds.find(({ state, digest }) => state === 'done' && digest !== undefined);
  if (done?.digest === undefined) return {};
  const named = images.filter((image) => image.repository === done.repository);
  // Another build of the same commit, with other bytes, is that commit all the same: artifact says so.
  const holds = named.some((image) => releaseOf(image).commit?.startsWith(done.commit.slice(0, 12)) === true);
  return named.length === 0 || holds
    ? {}
    : {
        image: {
          reference: done.reference,
          repository: done.repository,
          digest: read(done.digest),
        },
      };
}
