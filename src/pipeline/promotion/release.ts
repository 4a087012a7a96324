import { fullRepository, leadingImage } from '../../boundaries/index.ts';
import type { ImageFacts } from '../../boundaries/index.ts';
import { getArray, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import type { Look } from '../../verdict/index.ts';

/** One image of a release: which bytes, and what they are called. Plain JSON. */
export interface ReleaseImage {
  /** Registry and repository, spelt out: `docker.io/library/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string;
  /** `Deployment/payment-api payment-api`, … */
  readonly uses: readonly string[];
}

/** What an application runs, as one look found it. Plain JSON. */
export interface FoundRelease {
  /** Commit of the deployment repository. */
  readonly revision: string | undefined;
  /** Of the leading image, as far as it tells. */
  readonly version: string | undefined;
  /** Source commit of the leading image. */
  readonly commit: string | undefined;
  /** Digest of the leading image. */
  readonly digest: string | undefined;
  /** Tag of the leading image. */
  readonly tag: string | undefined;
  readonly images: readonly ReleaseImage[];
}

function objectAndName(object: string): string {
  const steps = object.split('/');
  return `${steps[0] ?? ''}/${steps.at(-1) ?? ''}`;
}

function digestOf(image: ImageFacts): string | undefined {
  return image.answer.state === 'read' ? image.answer.value.digest : image.pinned;
}

function carriedIn(images: readonly ImageFacts[]): readonly ImageFacts[] {
  const used = images.filter(({ uses }) => uses.length > 0);
  const own = used.filter(({ ours }) => ours);
  return own.length > 0 ? own : used;
}

/** Where the images of a release come from, also of those that are not there. */
export function repositoriesIn({ material }: Pick<Look, 'material'>): readonly string[] {
  return [...new Set(carriedIn(material.images).map(({ repository }) => fullRepository(repository)))];
}

/**
 * The release that a look is about. Where some of the images are built by us, the release is those: what a chart
 * brings along has a life of its own.
 */
export function releaseIn({ material, proof }: Look): FoundRelease {
  const carried = carriedIn(material.images);
  const leading = leadingImage(material.images);
  const images = carried.flatMap((image): readonly ReleaseImage[] => {
    const digest = digestOf(image);
    if (digest === undefined) return [];
    return [
      {
        repository: fullRepository(image.repository),
        tag: image.tag,
        digest,
        uses: image.uses.map(({ object, container }) => `${objectAndName(object)} ${container}`),
      },
    ];
  });
  return {
    revision: material.tracked.state === 'read' ? material.tracked.value.commit : undefined,
    version: proof.release.version,
    commit: proof.release.commit,
    digest: proof.release.digest,
    tag: leading?.tag,
    images,
  };
}

/** Tells releases apart: by their bytes, whatever they are called and wherever they run. */
export function releaseKey(release: Pick<FoundRelease, 'images'>): string {
  return [...new Set(release.images.map(({ digest }) => digest))].toSorted().join(' ');
}

/** Whether the second runs what the first does: every image of it that both have, and at least one. */
export function sameRelease(a: Pick<FoundRelease, 'images'>, b: Pick<FoundRelease, 'images'>): boolean {
  const shared = a.images.filter((image) =>
    b.images.some(({ repository }) => repository === image.repository),
  );
  return (
    shared.length > 0 &&
    shared.every((image) =>
      b.images.some(({ repository, digest }) => repository === image.repository && digest === image.digest),
    )
  );
}

/** `1.27.6`, else the tag, the commit, the digest: what people call it. */
export function releaseName({ version, tag, commit, digest }: FoundRelease): string {
  return tag ?? version ?? commit?.slice(0, 8) ?? digest?.replace(/^sha256:/, '').slice(0, 8) ?? 'nothing';
}

/** A release as the ledger kept it. */
export function releaseFrom(json: JsonValue | undefined): FoundRelease | undefined {
  if (!isJsonObject(json)) return undefined;
  const images = getArray(json, 'images').flatMap((item): readonly ReleaseImage[] => {
    const [repository, digest] = [getString(item, 'repository'), getString(item, 'digest')];
    if (repository === undefined || digest === undefined) return [];
    const uses = getArray(item, 'uses').filter((use): use is string => typeof use === 'string');
    return [{ repository, digest, tag: getString(item, 'tag'), uses }];
  });
  return {
    revision: getString(json, 'revision'),
    version: getString(json, 'version'),
    commit: getString(json, 'commit'),
    digest: getString(json, 'digest'),
    tag: getString(json, 'tag'),
    images,
  };
}
