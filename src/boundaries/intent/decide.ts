import type { ImageFacts } from '../artifact/index.ts';
import { leadingImage } from '../artifact/index.ts';
import type { BoundaryReport, Claim, ClaimSource } from '../boundary.ts';
import { shortDigest, shortReference } from '../names.ts';
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

/** Who asks, for a sentence. */
export function whoAsks(tracked: Pick<TrackedRevision, 'kind'>): string {
  const { kind = 'commit' } = tracked;
  return kind === 'commit' ? 'Git' : kind === 'artifact' ? 'the artifact' : 'the chart';
}

/** What somebody asked for on the command line, when they did. */
export interface Asked {
  /** A revision of the deployment repository, and whether the tracked commit contains it. */
  readonly revision?: { readonly commit: string; readonly contained: boolean };
  /** An image, and the digest that its registry gave for it. */
  readonly image?: {
    readonly reference: string;
    readonly repository: string;
    readonly digest: Reading<string>;
  };
}

function sentence(who: string): string {
  return `${who.charAt(0).toUpperCase()}${who.slice(1)}`;
}

function ofCommit({ kind = 'commit', commit }: TrackedRevision): { readonly commit?: string } {
  return kind === 'commit' ? { commit } : {};
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
    const missing = tracked.code === 'git-repository-not-found' ? 'no such repository' : 'no such revision';
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
    const other = named.find(
      (candidate) =>
        (candidate.pinned ??
          (candidate.answer.state === 'read' ? candidate.answer.value.digest : undefined)) !== digest,
    );
    if (other !== undefined) {
      const unreadable = other.pinned === undefined && other.answer.state === 'unreadable';
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
