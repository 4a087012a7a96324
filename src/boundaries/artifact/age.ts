import { compareVersions, parseVersion } from '../intent/policies/version.ts';
import { shortDigest } from '../names.ts';
import { valueOf } from '../reading.ts';
import { versionLabel } from './facts.ts';
import type { ImageFacts } from './facts.ts';

/** `1.1.0`, as people name the image. */
export function imageName(image: ImageFacts): string {
  const answer = valueOf(image.answer);
  const digest = answer?.digest ?? image.pinned;
  return (
    (answer && versionLabel(answer)) ??
    image.tag ??
    (digest === undefined ? image.reference : shortDigest(digest))
  );
}

function comparedAs(a: string | undefined, b: string | undefined): number {
  const [one, other] = [parseVersion(a ?? '', true), parseVersion(b ?? '', true)];
  return one === undefined || other === undefined ? 0 : compareVersions(one, other);
}

function madeAt(image: ImageFacts): readonly [pushed: number, created: number] {
  const record = valueOf(image.build);
  const created =
    valueOf(image.answer)?.platforms.map((platform) => Date.parse(platform.created ?? '')) ?? [];
  return [Date.parse(record?.pushedAt ?? record?.builtAt ?? ''), Math.max(...created)];
}

/** Below zero where `a` is the older of two images of one repository; undefined where nothing tells. */
export function compareAge(a: ImageFacts, b: ImageFacts): number | undefined {
  const [answerA, answerB] = [valueOf(a.answer), valueOf(b.answer)];
  const byVersion =
    comparedAs(answerA && versionLabel(answerA), answerB && versionLabel(answerB)) ||
    comparedAs(a.tag, b.tag);
  if (byVersion !== 0) return byVersion;
  const [timesA, timesB] = [madeAt(a), madeAt(b)];
  // Builds that can be repeated date what they make to the epoch, or to a day that they agreed on.
  const apart = timesA
    .map((time, index) => time - (timesB[index] ?? Number.NaN))
    .find((difference) => difference);
  return apart !== undefined && Number.isFinite(apart) ? apart : undefined;
}

/**
 * The image that a delivery is about: the one that we build; else the first main container's. Where several of its
 * repository are asked for it is the newest, as far as their age is known.
 */
export function leadingImage(images: readonly ImageFacts[]): ImageFacts | undefined {
  const main = images.filter((image) => image.uses.some((use) => use.role === 'main'));
  const first = main.find((image) => image.ours) ?? main[0] ?? images[0];
  if (first === undefined) return undefined;
  return main
    .filter(({ registry, repository }) => registry === first.registry && repository === first.repository)
    .reduce((newest, image) => ((compareAge(image, newest) ?? 0) > 0 ? image : newest), first);
}
