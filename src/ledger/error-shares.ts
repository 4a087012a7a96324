import type { ErrorShare } from '../boundaries/index.ts';
import { getArray, getNumber, getString } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import type { Ledger, LedgerSubject } from './contract.ts';
import type { Session } from './schema.ts';
import { about, subjectOf } from './rows.ts';
import type { Store } from './store.ts';

const KEPT = 20;

function sharesOf(json: string): readonly ErrorShare[] {
  return getArray(JSON.parse(json) as JsonValue).flatMap((share) => {
    const group = getString(share, 'group');
    const failed = getNumber(share, 'failed');
    const total = getNumber(share, 'total');
    const of = getString(share, 'of');
    return group === undefined || failed === undefined || total === undefined
      ? []
      : [{ group, failed, total, ...(of === undefined ? {} : { of }) }];
  });
}

function measurements(session: Session, subject: LedgerSubject) {
  return session
    .selectFrom('landfall_error_share')
    .where(about(subject))
    .orderBy('at', 'desc')
    .orderBy('digest');
}

export function errorSharesIn({ database }: Store): Ledger['errorShares'] {
  return {
    async record(subject, measured) {
      const shares = JSON.stringify(measured.shares);
      const { digest, release, at } = measured;
      await database.transaction().execute(async (session) => {
        await session
          .insertInto('landfall_error_share')
          .values({ ...subjectOf(subject), digest, release, at, shares })
          .onConflict((conflict) =>
            conflict
              .columns(['cluster', 'namespace', 'application', 'digest'])
              .doUpdateSet({ release, at, shares }),
          )
          .execute();
        const old = await measurements(session, subject).select('digest').offset(KEPT).limit(KEPT).execute();
        if (old.length === 0) return;
        await session
          .deleteFrom('landfall_error_share')
          .where(about(subject))
          .where(
            'digest',
            'in',
            old.map((row) => row.digest),
          )
          .execute();
      });
    },
    async baseline(subject, digest) {
      const row = await measurements(database, subject)
        .select(['release', 'at', 'shares'])
        .where('digest', '<>', digest ?? '')
        .limit(1)
        .executeTakeFirst();
      return row && { release: row.release, at: row.at, shares: sharesOf(row.shares) };
    },
  };
}
