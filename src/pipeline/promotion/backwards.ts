import { asLandfallError } from '../../kernel/index.ts';
import { compareReleases } from './direction.ts';
import type { Comparison } from './direction.ts';
import type { FoundRelease } from './release.ts';
import type { Pair, SurveyedApplication } from './survey.ts';

/** The repository that the images are built from, as landfall.yaml of either end declares it. */
function sourceRepository({ source, target }: Pair): string | undefined {
  const of = ({ file, spec, family }: SurveyedApplication) =>
    [spec.name, family].flatMap((name) => {
      const all = file?.applications ?? {};
      return Object.hasOwn(all, name) ? [all[name]?.source?.repository] : [];
    });
  return [...of(target), ...of(source)].find((each) => each !== undefined);
}

/** Whether a release is newer than what the target runs, by the history of its source where that is known. */
export async function forwardOnly(
  pair: Pair,
  release: FoundRelease,
  current: FoundRelease,
  signal: AbortSignal,
): Promise<Comparison> {
  const repository = sourceRepository(pair);
  const mirror = repository === undefined ? undefined : pair.target.place.sources.git.open(repository);
  if (mirror !== undefined) {
    try {
      await mirror.fetch(signal);
    } catch (thrown) {
      signal.throwIfAborted();
      // Versions may tell, too; what they do not tell stays unknown.
      if (asLandfallError(thrown).kind === 'cancelled') throw thrown;
    }
  }
  return compareReleases(
    release,
    current,
    mirror === undefined
      ? undefined
      : async (ancestor, descendant) => {
          try {
            return await mirror.isAncestor(ancestor, descendant, signal);
          } catch {
            signal.throwIfAborted();
            return undefined;
          }
        },
  );
}
