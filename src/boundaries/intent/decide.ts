import type { ImageAnswer, ImageFacts } from '../artifact/index.ts';
import { isNamedBy, isSameImage, leadingImage, releaseOf } from '../artifact/index.ts';
import type { BoundaryReport, Claim, ClaimSource } from '../boundary.ts';
import { shortDigest, shortReference, shortTag } from '../names.ts';
import type { Reading } from '../reading.ts';
import { behindPolicy, policyClaims, type GovernedImage } from './governed.ts';

export interface TrackedRevision {
  readonly repository: string;
  /** What the Application tracks: `main`, a tag, a commit, `>=1.2.0 <2`. */
  readonly revision: string;
  /** What that is now: the commit, the digest of the artifact, the version of the chart. */
  readonly commit: string;
  /** Default `commit`. */
  readonly kind?: 'commit' | 'artifact' | 'chart';
  /** Folder of the application in the repository; the name of the chart. */
  readonly path: string;
  readonly pathExists: boolean;
  /** Where it can be looked up; left out: the folder at that commit. */
  readonly source?: ClaimSource;
  /** File and line that ask for it, where they are known. */
  readonly where?: string;
  /** What else was read of it: the digest of a chart, what its values are made of. */
  readonly told?: readonly { readonly attribute: string; readonly value: string }[];
}

/** What is not there, by the code of who looked for it. */
const MISSING: Readonly<Record<string, string>> = {
  'git-repository-not-found': 'no such repository',
  'source-missing': 'no such source',
  'chart-missing': 'no such chart',
  'chart-not-found': 'no such version',
  'release-unregistered': 'asked for no more',
};

/** Who asks, for a sentence. */
export function whoAsks(tracked: Pick<TrackedRevision, 'kind'>): string {
  const { kind = 'commit' } = tracked;
  return kind === 'commit' ? 'Git' : kind === 'artifact' ? 'the artifact' : 'the chart';
}

/** What somebody asked for on the command line, when they did. */
export interface Asked {
  /** A revision of the deployment repository, and whether the tracked commit contains it. */
  readonly revision?: {
    readonly commit: string;
    readonly contained: boolean;
    /** The commit that took it back, where one did and still stands. */
    readonly revertedBy?: string;
  };
  /** An image, and the digest that its registry gave for it. */
  readonly image?: {
    readonly reference: string;
    readonly repository: string;
    readonly digest: Reading<string>;
    /** All of what its registry answered, where it did. */
    readonly answer?: ImageAnswer;
  };
}

function sentence(who: string): string {
  return `${who.charAt(0).toUpperCase()}${who.slice(1)}`;
}

function ofCommit({ kind = 'commit', commit }: TrackedRevision): { readonly commit?: string } {
  return kind === 'commit' ? { commit } : {};
}

type AskedImage = NonNullable<Asked['image']>;

/** Whether Git asks for those bytes, by the index or by one of its manifests; undefined where that cannot be told. */
function asksFor(candidate: ImageFacts, image: AskedImage, digest: string): boolean | undefined {
  const named =
    candidate.pinned ?? (candidate.answer.state === 'read' ? candidate.answer.value.digest : undefined);
  if (named === digest) return true;
  if (image.answer?.platforms.some((platform) => platform.digest === named) === true) return true;
  if (candidate.answer.state === 'read')
    return image.answer !== undefined && isSameImage(image.answer, candidate.answer.value);
  // Another digest may be another wrapper of the same bytes; without the registry nobody knows.
  return candidate.answer.state === 'absent' ? false : undefined;
}

/**
 * A reference that names two releases: its tag says one and its digest pins another, which is what runs. Only where
 * both images say of themselves what they are: a tag that was pushed again and still is that release names one.
 */
function namesTwo(image: ImageFacts): boolean {
  const { tag, tagged, answer } = image;
  if (tag === undefined || tagged === undefined || answer.state !== 'read') return false;
  return !isSameImage(tagged, answer.value) && isNamedBy(tag, tagged) && !isNamedBy(tag, answer.value);
}

function where(image: ImageFacts | undefined): { readonly where?: string } {
  return image?.origin === undefined ? {} : { where: `${image.origin.file}:${image.origin.line}` };
}

/**
 * Boundary 2: does Git, at the tracked revision, ask for exactly that? Where a policy governs the tag, that is what the
 * policy would choose now. A reference without a digest asks for whatever
 * the registry answers; that is proven here as far as it goes (`mutable-reference`), and the verdict takes it back
 * when the pods show that it was not enough.
 */
export function decideIntent(
  tracked: Reading<TrackedRevision>,
  images: readonly ImageFacts[],
  asked: Asked,
  at: string,
  governed: readonly GovernedImage[] = [],
): BoundaryReport {
  const leading = leadingImage(images);
  const headline = leading === undefined ? '' : shortReference(leading.reference);
  if (tracked.state !== 'read') {
    const absent = tracked.state === 'absent';
    const missing = MISSING[tracked.code ?? ''] ?? 'no such revision';
    return {
      boundary: 'intent',
      state: absent ? 'broken' : 'unknown',
      reason: absent ? 'revision-missing' : 'git-unreadable',
      headline: headline || (absent ? missing : 'Git not readable'),
      detail: tracked.why,
      ...(tracked.hint === undefined ? {} : { hint: tracked.hint }),
      claims: [],
    };
  }
  const { commit, revision, repository, path, pathExists, told = [] } = tracked.value;
  const who = whoAsks(tracked.value);
  const source = tracked.value.source ?? { type: 'file' as const, file: path, commit };
  const claims: Claim[] = [{ attribute: 'revision', value: commit }, ...told].map((each) => ({
    boundary: 'intent',
    subject: repository,
    ...each,
    source,
    at,
  }));
  if (!pathExists) {
    return {
      boundary: 'intent',
      state: 'broken',
      reason: 'path-missing',
      headline: shortDigest(commit),
      detail: `${path} does not exist at ${revision} (${shortDigest(commit)})`,
      where: path,
      claims,
    };
  }
  for (const image of images) {
    claims.push({
      boundary: 'intent',
      subject: image.repository,
      attribute: 'image',
      value: image.reference,
      source:
        image.origin === undefined ? source : { type: 'file', ...image.origin, ...ofCommit(tracked.value) },
      at,
    });
  }
  const base = {
    boundary: 'intent' as const,
    headline: headline || shortDigest(commit),
    claims,
    ...(tracked.value.where === undefined ? {} : { where: tracked.value.where }),
    ...where(leading),
  };
  if (asked.revision !== undefined && !asked.revision.contained) {
    return {
      ...base,
      state: 'broken',
      reason: 'revision-not-tracked',
      detail: `${revision} is at ${shortDigest(commit)}, which ${who === 'Git' ? 'does not contain' : 'is not'} ${shortDigest(asked.revision.commit)}`,
    };
  }
  const takenBack = asked.revision?.revertedBy;
  if (asked.revision !== undefined && takenBack !== undefined) {
    return {
      ...base,
      state: 'broken',
      reason: 'revision-reverted',
      detail: `${revision} contains ${shortDigest(asked.revision.commit)}, and ${shortDigest(takenBack)} took it back`,
    };
  }
  const two = asked.image === undefined ? images.find(namesTwo) : undefined;
  if (two?.tagged !== undefined) {
    const { version, commit: built, digest } = releaseOf(two);
    const pinned = version ?? (built === undefined ? undefined : shortDigest(built));
    return {
      ...base,
      ...where(two),
      state: 'broken',
      reason: 'tag-and-digest-differ',
      headline: shortReference(two.reference),
      detail: `Git names :${shortTag(two.tag ?? '')}, which is ${shortDigest(two.tagged.digest)}, and pins ${shortDigest(digest ?? '')}${pinned === undefined ? '' : `, which is ${pinned}`}; the digest is what runs`,
      hint: 'Write the tag and the digest of one release, both in the same commit (newTag and digest of the images entry).',
    };
  }
  if (asked.image !== undefined) {
    const { image } = asked;
    const named = images.filter((candidate) => candidate.repository === image.repository);
    const first = named[0];
    if (first === undefined) {
      return {
        ...base,
        state: 'broken',
        reason: 'image-not-named',
        detail: `${sentence(who)} names no image ${image.repository}; asked was ${image.reference}`,
      };
    }
    if (image.digest.state !== 'read') {
      return { ...base, state: 'unknown', reason: 'asked-image-unreadable', detail: image.digest.why };
    }
    const digest = image.digest.value;
    const other = named.find((candidate) => asksFor(candidate, image, digest) !== true);
    if (other !== undefined) {
      const unreadable = asksFor(other, image, digest) === undefined;
      return {
        ...base,
        ...where(other),
        state: unreadable ? 'unknown' : 'broken',
        reason: unreadable ? 'registry-unreadable' : 'asks-for-another',
        headline: shortReference(other.reference),
        detail:
          unreadable && other.answer.state === 'unreadable'
            ? other.answer.why
            : `${sentence(who)} asks for ${shortReference(other.reference)}; ${image.reference} is ${shortDigest(digest)}`,
      };
    }
  }
  claims.push(...policyClaims(governed, at));
  // Somebody who names a release asks about that one, whatever a policy would choose.
  const nobody = asked.image === undefined && asked.revision === undefined;
  const behind = nobody ? behindPolicy(governed, at) : undefined;
  if (behind !== undefined) return { ...base, ...behind };
  const mutable = images.filter((image) => image.pinned === undefined);
  const ours = mutable.find((image) => image === leading) ?? mutable[0];
  if (ours !== undefined) {
    return {
      ...base,
      state: 'proven',
      reason: 'mutable-reference',
      detail: `${sentence(who)} names no digest; ${shortReference(ours.reference)} can change without a ${who === 'Git' ? 'commit' : 'release'}`,
    };
  }
  return {
    ...base,
    state: 'proven',
    reason: images.length === 0 ? 'tracked' : 'pinned',
    detail: `asked for at ${revision}${revision === commit ? '' : ` (${shortDigest(commit)})`}`,
  };
}
