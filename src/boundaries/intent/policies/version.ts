/** A version as Masterminds' semver reads it, which Flux and Argo CD Image Updater use. */
export interface Version {
  readonly text: string;
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  /** Without the `-`; '' for a release. */
  readonly pre: string;
}

const LOOSE =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
/** Whole, without zeros in front; a `v` is allowed, as in Flux. */
const STRICT = /^v?(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:[-+]|$)/;
const LARGEST = 2n ** 64n - 1n;
const LONGEST = 256;

/**
 * Reads a tag as a version; undefined where it is none. `1`, `1.2` and `v1.2.3` are versions unless `strict`, which
 * wants three numbers without zeros in front.
 */
export function parseVersion(text: string, strict = false): Version | undefined {
  if (text.length > LONGEST) return undefined;
  const found = LOOSE.exec(text);
  if (found === null || (strict && !STRICT.test(text))) return undefined;
  const [, major = '0', minor = '0', patch = '0', pre = ''] = found;
  // A number of a prerelease has no zeros in front.
  if (pre.split('.').some((part) => /^0\d+$/.test(part))) return undefined;
  const version = { text, major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), pre };
  return [version.major, version.minor, version.patch].some((each) => each > LARGEST) ? undefined : version;
}

/** Below zero where `a` is the older. What is built from it (`+…`) does not count. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.pre, b.pre)
  );
}

function compareNumbers(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A release is newer than every prerelease of it (semver 2.0, 11). */
export function comparePrereleases(a: string, b: string): number {
  if (a === b) return 0;
  if (a === '') return 1;
  if (b === '') return -1;
  const [ours, theirs] = [a.split('.'), b.split('.')];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
    const [one, other] = [ours[index], theirs[index]];
    if (one === undefined) return -1;
    if (other === undefined) return 1;
    const order = comparePart(one, other);
    if (order !== 0) return order;
  }
  return 0;
}

function comparePart(a: string, b: string): number {
  if (a === b) return 0;
  const [numeric, other] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numeric && other) return compareNumbers(BigInt(a), BigInt(b));
  if (numeric !== other) return numeric ? -1 : 1;
  return a < b ? -1 : 1;
}
