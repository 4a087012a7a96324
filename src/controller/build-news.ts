import type { Build, Builds } from '../ledger/index.ts';

/** Of the newest builds; what succeeds after so many others is found by whoever polls its image. */
const LOOKED_AT = 50;

/**
 * Tells each build that succeeded since the last look, whoever ran it: replicas share a ledger and no events, so that
 * each of them looks for itself. The first look only learns what there is.
 */
export function createBuildNews(
  builds: Pick<Builds, 'list'>,
  onBuilt: (build: Build) => void,
): () => Promise<void> {
  let seen: ReadonlySet<string> | undefined;
  return async () => {
    const ended = await builds.list({ states: ['SUCCESS'] }, LOOKED_AT);
    const known = seen;
    seen = new Set(ended.map(({ id }) => id));
    if (known === undefined) return;
    for (const build of ended.toReversed()) if (build.image !== '' && !known.has(build.id)) onBuilt(build);
  };
}
