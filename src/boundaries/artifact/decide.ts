import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { shortDigest, shortReference, shortTag } from '../names.ts';
import { attestedCommit, releaseOf, REVISION_LABEL, revisionLabel, versionLabel } from './facts.ts';
import { leadingImage } from './age.ts';
import { decideByBuild } from './decide-build.ts';
import type { CommitBuild, ImageFacts, PlatformImage } from './facts.ts';

export interface NodePlatform {
  readonly os: string;
  readonly architecture: string;
}

/** What the nodes of the cluster are, as far as they may be listed. */
export interface NodePlatforms {
  readonly all: readonly NodePlatform[];
  /** Those of the nodes on which pods of the image are. */
  readonly used: (image: ImageFacts) => readonly NodePlatform[];
}

interface Judged {
  readonly image: ImageFacts;
  readonly state: BoundaryState;
  readonly reason: string;
  readonly text: string;
}

/** A node that the image has nothing for: one that its pods are on, or any where it fits none at all. */
function unfitNode(image: ImageFacts, platforms: readonly NodePlatform[], nodes: NodePlatforms) {
  const fits = (node: NodePlatform) =>
    platforms.some((platform) => platform.os === node.os && platform.architecture === node.architecture);
  return nodes.used(image).find((node) => !fits(node)) ?? (nodes.all.some(fits) ? undefined : nodes.all[0]);
}

/** The platforms that a node of the cluster takes; all where none is known. */
function runnable(platforms: readonly PlatformImage[], nodes: NodePlatforms): readonly PlatformImage[] {
  const taken = platforms.filter((platform) =>
    nodes.all.some((node) => node.os === platform.os && node.architecture === platform.architecture),
  );
  return taken.length === 0 ? platforms : taken;
}

/** Images that come out of the same source have to be of the commit that was asked for. */
function ofSameSource(image: ImageFacts, leading: ImageFacts): boolean {
  const source = (one: ImageFacts) => (one.build.state === 'read' ? one.build.value?.repository : undefined);
  const own = source(image);
  const wanted = source(leading);
  return image === leading || (image.ours && own !== undefined && own === wanted);
}

function judge(image: ImageFacts, nodes: NodePlatforms, wantedCommit: string | undefined): Judged {
  const name = image.reference;
  if (image.simulated === true) {
    return {
      image,
      state: 'proven',
      reason: 'simulated',
      text: `${shortReference(name)} is simulated, and accepted as it is`,
    };
  }
  if (image.answer.state === 'absent') {
    return {
      image,
      state: 'broken',
      reason: 'image-missing',
      text: `${name} is not in its registry: ${image.answer.why}`,
    };
  }
  if (image.answer.state === 'unreadable') {
    return { image, state: 'unknown', reason: 'registry-unreadable', text: `${name}: ${image.answer.why}` };
  }
  const answer = image.answer.value;
  const missing = unfitNode(image, answer.platforms, nodes);
  if (missing !== undefined) {
    const there =
      answer.platforms.map((platform) => `${platform.os}/${platform.architecture}`).join(', ') ||
      'no platform';
    return {
      image,
      state: 'broken',
      reason: 'platform-missing',
      text: `${name} holds ${there}; nodes are ${missing.os}/${missing.architecture}`,
    };
  }
  // Of an image that is asked for by its commit, that it is there says too little, whoever builds it.
  if (!image.ours && wantedCommit === undefined) {
    return {
      image,
      state: 'proven',
      reason: 'resolves',
      text: `${shortReference(name)} resolves; built elsewhere, its provenance is not ours to prove`,
    };
  }
  const relevant = runnable(answer.platforms, nodes);
  const labels = new Set(relevant.flatMap(({ labels: own }) => own[REVISION_LABEL] ?? []));
  if (labels.size > 1) {
    const told = relevant.map(
      ({ os, architecture, labels: own }) =>
        `${os}/${architecture} ${shortDigest(own[REVISION_LABEL] ?? 'nothing')}`,
    );
    return {
      image,
      state: 'broken',
      reason: 'platforms-differ',
      text: `${name} was built from another commit for each platform: ${told.join(', ')}`,
    };
  }
  const build = image.build.state === 'read' ? image.build.value : undefined;
  const commits = build === undefined ? [] : [build.commit, ...(build.also ?? [])];
  const [claimed] = labels;
  // A platform that says nothing may be of any commit.
  const label = relevant.every(({ labels: own }) => own[REVISION_LABEL] === claimed) ? claimed : undefined;
  if (claimed !== undefined && build !== undefined && !commits.includes(claimed)) {
    return {
      image,
      state: 'broken',
      reason: 'wrong-commit',
      text: `${name} says that it was built from ${shortDigest(claimed)}, its build record says ${shortDigest(build.commit)}`,
    };
  }
  const attested = attestedCommit(image);
  if (label !== undefined && attested !== undefined && label !== attested) {
    // Two claims of which none is proof: which one is wrong cannot be told.
    return {
      image,
      state: 'unknown',
      reason: 'provenance-differs',
      text: `${name} says that it was built from ${shortDigest(label)}, its provenance says ${shortDigest(attested)}`,
    };
  }
  const asked = (candidate: string) =>
    wantedCommit !== undefined && (candidate.startsWith(wantedCommit) || wantedCommit.startsWith(candidate));
  const commit = label ?? commits.find(asked) ?? build?.commit ?? attested;
  if (commit === undefined) {
    const unread = image.provenance?.state === 'unreadable' ? image.provenance.why : undefined;
    const why =
      image.build.state === 'read' || image.build.state === 'absent'
        ? (unread ?? 'no build record, no revision label and no provenance')
        : image.build.why;
    return {
      image,
      state: 'unknown',
      reason: 'no-provenance',
      text: `${name}: ${why}; which commit it holds cannot be told`,
    };
  }
  if (wantedCommit !== undefined && !asked(commit)) {
    return {
      image,
      state: 'broken',
      reason: 'other-commit',
      text: `${name} was built from ${shortDigest(commit)}, asked was ${shortDigest(wantedCommit)}`,
    };
  }
  const pushed =
    build?.pushedAt === undefined
      ? ''
      : `, pushed${image.tag === undefined ? '' : ` as :${shortTag(image.tag)}`} ${build.pushedAt}`;
  const says = label === undefined && build === undefined ? ', as its provenance says (not verified)' : '';
  return {
    image,
    state: 'proven',
    reason: 'built',
    text: `built from ${shortDigest(commit)}${pushed}${says}`,
  };
}

function claimsOf(image: ImageFacts): Claim[] {
  const base = { boundary: 'artifact' as const, subject: image.reference, at: image.readAt };
  const source = { type: 'registry' as const, reference: image.reference };
  if (image.answer.state !== 'read') {
    return [
      {
        ...base,
        attribute: image.answer.state === 'absent' ? 'absent' : 'unreadable',
        value: image.answer.why,
        source,
      },
    ];
  }
  const answer = image.answer.value;
  const build = image.build.state === 'read' ? image.build.value : undefined;
  const optional: readonly (readonly [string, string | undefined])[] = [
    ['version', versionLabel(answer) ?? build?.version],
    ['commit', revisionLabel(answer) ?? build?.commit ?? attestedCommit(image)],
    ['builtAt', build?.builtAt ?? answer.platforms[0]?.created],
    ['pushedAt', build?.pushedAt],
    ['builder', build?.builder],
  ];
  return [
    { ...base, attribute: 'digest', value: answer.digest, source },
    { ...base, attribute: 'image', value: `${image.repository}@${answer.digest}`, source },
    ...optional.flatMap(([attribute, value]) =>
      value === undefined ? [] : [{ ...base, attribute, value, source }],
    ),
    ...provenanceClaims(image),
  ];
}

/** Each with the manifest that holds it, so that it can be looked at again. */
function provenanceClaims(image: ImageFacts): readonly Claim[] {
  if (image.provenance?.state !== 'read') return [];
  return image.provenance.value.flatMap(({ repository, commit, builder, form, reference }) =>
    Object.entries({ repository, commit, builder }).flatMap(([attribute, value]) =>
      value === undefined
        ? []
        : [
            {
              boundary: 'artifact' as const,
              subject: image.reference,
              attribute: `provenance.${attribute} (${form})`,
              value,
              source: { type: 'registry' as const, reference },
              at: image.readAt,
            },
          ],
    ),
  );
}

/**
 * Boundary 1: was this commit built, and into which digest? A third-party image is proven when its reference resolves
 * for the platforms of the nodes. A registry that cannot be read is unknown, never broken. `builds` are those of the
 * commit that was asked for.
 */
export function decideArtifact(
  images: readonly ImageFacts[],
  nodes: NodePlatforms,
  wantedCommit?: string,
  builds: readonly CommitBuild[] = [],
): BoundaryReport {
  const claims = images.flatMap(claimsOf);
  const leading = leadingImage(images);
  if (leading === undefined) {
    return {
      boundary: 'artifact',
      state: 'not-applicable',
      reason: 'no-image',
      headline: 'no image',
      detail: 'nothing was rendered that runs an image',
      claims,
    };
  }
  const judged = images.map((image) =>
    judge(image, nodes, ofSameSource(image, leading) ? wantedCommit : undefined),
  );
  const state = worst(judged.map((item) => item.state));
  const decisive =
    judged.find((item) => item.state === state && item.image === leading) ??
    judged.find((item) => item.state === state);
  const digest = releaseOf(leading).digest;
  const hint = decisive?.image.answer.state === 'read' ? undefined : decisive?.image.answer.hint;
  const report: BoundaryReport = {
    boundary: 'artifact',
    state,
    reason: decisive?.reason ?? 'built',
    headline: digest === undefined ? shortReference(leading.reference) : shortDigest(digest),
    detail: decisive?.text ?? '',
    where: leading.registry,
    ...(hint === undefined ? {} : { hint }),
    claims,
  };
  return decisive?.reason === 'other-commit' ? decideByBuild(report, builds) : report;
}
