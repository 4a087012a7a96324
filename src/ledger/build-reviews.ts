import { buildOf, endedBuild, hasEnded, LONGEST_TEXT, reviewOf, unknownBuild } from './build-rows.ts';
import type { Builds } from './builds-contract.ts';
import { redactText } from './redact.ts';
import { actorColumns, isoNow, MOST } from './rows.ts';
import type { Store } from './store.ts';

const LONGEST_COMMENT = Math.min(4096, LONGEST_TEXT);

export function buildReviewsIn(store: Store): Pick<Builds, 'review' | 'reviews'> {
  const { database } = store;
  return {
    async review(review) {
      return database.transaction().execute(async (session) => {
        const found = await session
          .selectFrom('landfall_build')
          .selectAll()
          .where('id', '=', review.build)
          .executeTakeFirst();
        if (found === undefined) throw unknownBuild(review.build);
        const build = buildOf(found);
        if (hasEnded(build.state)) throw endedBuild(build);
        const row = {
          id: store.newId(),
          build: review.build,
          kind: review.kind,
          ...actorColumns(review.actor),
          groups: JSON.stringify(review.groups.slice(0, MOST)),
          permitted: review.permitted ? 1 : 0,
          cluster: review.cluster,
          comment: redactText(review.comment.slice(0, LONGEST_COMMENT)),
          url: review.url ?? null,
          at: isoNow(store),
          commit_id: review.commit,
          definition_digest: review.definitionDigest,
        };
        const added = await session
          .insertInto('landfall_build_review')
          .values(row)
          // The same again counts from now on, with the words of now.
          .onConflict((conflict) =>
            conflict.columns(['build', 'kind', 'actor', 'cluster', 'definition_digest']).doUpdateSet({
              at: row.at,
              comment: row.comment,
              groups: row.groups,
              permitted: row.permitted,
              attested_by: row.attested_by,
              commit_id: row.commit_id,
            }),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        return reviewOf(added);
      });
    },
    async reviews(id) {
      const rows = await database
        .selectFrom('landfall_build_review')
        .selectAll()
        .where('build', '=', id)
        .orderBy('at')
        .orderBy('id')
        .limit(MOST)
        .execute();
      return rows.map(reviewOf);
    },
  };
}
