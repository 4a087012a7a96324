import { compileGlob } from './glob.ts';
import { compilePattern, expandTemplate } from './pattern/index.ts';
import type { Candidate, PassedOver, TagFilter } from './policy.ts';

export interface Filtered {
  readonly candidates: readonly Candidate[];
  readonly passedOver: readonly PassedOver[];
}

export type Filter = (tags: readonly string[]) => Filtered;

/**
 * Compiles a filter once. Throws `invalid-input` for a pattern that is none: a filter that cannot be read must never
 * let everything through. Two tags that give the same extract are one candidate, the last one, as in Flux.
 */
export function compileFilter(filter: TagFilter, where: string): Filter {
  const allow =
    filter.allow === undefined || filter.allow === ''
      ? undefined
      : compilePattern(filter.allow, `${where}, allow`);
  const globs = (filter.ignoreGlobs ?? []).map((glob) => compileGlob(glob, `${where}, ignore`));
  const patterns = (filter.ignorePatterns ?? []).map((pattern) =>
    compilePattern(pattern, `${where}, ignore`),
  );
  const ignore = [...globs, ...patterns];
  const sources = [...(filter.ignoreGlobs ?? []), ...(filter.ignorePatterns ?? [])];
  const extract = filter.extract === '' ? undefined : filter.extract;
  return (tags) => {
    const found = new Map<string, string>();
    const passedOver: PassedOver[] = [];
    for (const tag of tags) {
      const ignored = ignore.findIndex((pattern) => pattern.test(tag));
      if (ignored >= 0) {
        passedOver.push({ tag, why: `ignored by ${sources[ignored] ?? ''}` });
        continue;
      }
      if (allow === undefined) {
        found.set(tag, tag);
        continue;
      }
      if (extract === undefined) {
        if (allow.test(tag)) found.set(tag, tag);
        else passedOver.push({ tag, why: `does not match ${allow.source}` });
        continue;
      }
      const match = allow.match(tag);
      if (match === undefined) passedOver.push({ tag, why: `does not match ${allow.source}` });
      else found.set(expandTemplate(extract, match), tag);
    }
    return { candidates: [...found].map(([value, tag]) => ({ tag, value })), passedOver };
  };
}
