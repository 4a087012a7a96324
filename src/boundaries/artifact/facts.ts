import type { Reading } from '../reading.ts';

export interface PlatformImage {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  /** Digest of the platform's manifest. */
  readonly digest: string;
  readonly configDigest: string;
  /** Labels of the image config. */
  readonly labels: Readonly<Record<string, string>>;
  readonly created?: string;
}

/** What the registry answered for a reference, asked once. */
export interface ImageAnswer {
  /** Digest of what the reference names: an index, or a manifest. */
  readonly digest: string;
  readonly platforms: readonly PlatformImage[];
}

/** The record that a build left behind. */
export interface BuildFacts {
  readonly repository: string;
  readonly commit: string;
  readonly ref?: string;
  readonly version?: string;
  /** Who built it. */
  readonly builder?: string;
  readonly builtAt?: string;
  readonly pushedAt?: string;
  /** Further commits that gave the same bytes. */
  readonly also?: readonly string[];
}

/** What somebody attested of an image. A claim: its signature, if any, was not verified. */
export interface ProvenanceFacts {
  readonly repository: string | undefined;
  readonly commit: string | undefined;
  readonly builder: string | undefined;
  /** `buildkit`, `sigstore-bundle`, `cosign`. */
  readonly form: string;
  /** Repository and digest of what holds it. */
  readonly reference: string;
}

export interface ImageUse {
  /** `Deployment/comms/notification-service`. */
  readonly object: string;
  readonly container: string;
  readonly role: 'main' | 'init' | 'sidecar';
}

/** One image reference that the rendered manifests name, and what the registry knows of it. */
export interface ImageFacts {
  /** As rendered. */
  readonly reference: string;
  readonly registry: string;
  /** Without tag and digest. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** The digest that the reference itself names. */
  readonly pinned: string | undefined;
  readonly origin: { readonly file: string; readonly line: number } | undefined;
  readonly uses: readonly ImageUse[];
  readonly answer: Reading<ImageAnswer>;
  /** What its tag is now, where the reference pins a digest as well and that is another. */
  readonly tagged?: ImageAnswer;
  readonly build: Reading<BuildFacts | undefined>;
  /** Asked for where we build the image and no build record is attached. */
  readonly provenance?: Reading<readonly ProvenanceFacts[]>;
  /** We build this image: `landfall.yaml` says so, or the image carries the commit that it was built from. */
  readonly ours: boolean;
  /** Only pods run it that say that they are simulated, and somebody accepts that. */
  readonly simulated?: boolean;
  /** ISO 8601. */
  readonly readAt: string;
}

/** What the image says that it was built from: `org.opencontainers.image.revision` in the config of every platform. */
export function revisionLabel(answer: ImageAnswer): string | undefined {
  return sharedLabel(answer, REVISION_LABEL);
}

export function versionLabel(answer: ImageAnswer): string | undefined {
  return sharedLabel(answer, 'org.opencontainers.image.version');
}

export const REVISION_LABEL = 'org.opencontainers.image.revision';

/** Whether a tag names what an image says of itself: its version, or the commit that it was built from. */
export function isNamedBy(tag: string, answer: ImageAnswer): boolean {
  const bare = (text: string) => text.replace(/^v(?=\d)/, '');
  const version = versionLabel(answer);
  if (version !== undefined && bare(version) === bare(tag)) return true;
  const revision = revisionLabel(answer);
  return (
    revision !== undefined &&
    (tag.match(/[0-9a-f]{7,64}/g) ?? []).some((hex) => revision.startsWith(hex.slice(0, revision.length)))
  );
}

/** Whether two answers are the same bytes under different wrappers. */
export function isSameImage(a: ImageAnswer, b: ImageAnswer): boolean {
  const configs = new Set(a.platforms.map(({ configDigest }) => configDigest));
  return (
    a.digest === b.digest ||
    (b.platforms.length > 0 && b.platforms.every(({ configDigest }) => configs.has(configDigest)))
  );
}

function sharedLabel(answer: ImageAnswer, label: string): string | undefined {
  const values = new Set(answer.platforms.map((platform) => platform.labels[label]));
  return values.size === 1 ? [...values][0] : undefined;
}

/** The commit that all attestations agree on; undefined where there are none, or several. */
export function attestedCommit(image: ImageFacts): string | undefined {
  if (image.provenance?.state !== 'read') return undefined;
  const commits = new Set(image.provenance.value.flatMap(({ commit }) => commit ?? []));
  return commits.size === 1 ? [...commits][0] : undefined;
}

/** What is being delivered, as far as its image tells. */
export interface Release {
  readonly version: string | undefined;
  readonly commit: string | undefined;
  readonly digest: string | undefined;
  readonly pushedAt: string | undefined;
}

export function releaseOf(image: ImageFacts | undefined): Release {
  const answer = image?.answer.state === 'read' ? image.answer.value : undefined;
  const build = image?.build.state === 'read' ? image.build.value : undefined;
  return {
    version: (answer && versionLabel(answer)) ?? build?.version,
    commit: (answer && revisionLabel(answer)) ?? build?.commit ?? (image && attestedCommit(image)),
    digest: answer?.digest ?? image?.pinned,
    pushedAt: build?.pushedAt,
  };
}

/** How a build of one commit stands, as far as somebody keeps that. */
export interface CommitBuild {
  readonly id: string;
  readonly commit: string;
  /** Without tag and digest. */
  readonly repository: string;
  /** As it was or will be pushed. */
  readonly reference: string;
  readonly state: 'waiting' | 'running' | 'failed' | 'done';
  /** One sentence. */
  readonly message: string;
  /** What the step that failed wrote last. */
  readonly lastLines: readonly string[];
  /** Digest that the registry answered after the push. */
  readonly digest: string | undefined;
  /** A command to paste: what comes next. */
  readonly next: string | undefined;
  /** ISO 8601. */
  readonly at: string;
}
