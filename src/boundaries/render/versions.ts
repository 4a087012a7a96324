import semver from 'semver';
import { LandfallError } from '../../kernel/index.ts';

/**
 * The tag with the highest version that a range of Flux allows (a comma is "and", a leading `v` is no part of it).
 * Throws `not-found` with that code where there is none.
 */
export function highestTag(tags: readonly string[], range: string, code: string): string {
  const versions = tags.flatMap((tag) => {
    const version = semver.parse(tag) ?? semver.parse(tag.replace(/^v/, ''));
    return version !== null && semver.satisfies(version, range.replaceAll(/\s*,\s*/g, ' '))
      ? [{ tag, version }]
      : [];
  });
  const [best] = versions.toSorted((a, b) => semver.rcompare(a.version, b.version));
  if (best !== undefined) return best.tag;
  throw new LandfallError(`no match found for semver: ${range}`, {
    kind: 'not-found',
    code,
    object: range,
    hint: 'Push a tag that it allows, or widen the range.',
  });
}
