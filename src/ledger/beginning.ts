import { sql } from 'kysely';
import type { SelectQueryBuilder, SqlBool } from 'kysely';
import { LandfallError } from '../kernel/index.ts';
import { isBeginningOfId } from './identifier.ts';
import type { Tables } from './schema.ts';

/** One more than can be shown as several. */
const MOST_ROWS = 6;

/**
 * The row of a table that the beginning of an id means: the only one whose id begins so, or the one whose id that is.
 * Throws where several are meant.
 */
export async function rowOfBeginning<Table extends keyof Tables, Row extends { readonly id: string }>(
  table: SelectQueryBuilder<Tables, Table, Row>,
  id: string,
  several: { readonly what: string; readonly code: string },
): Promise<Row | undefined> {
  if (!isBeginningOfId(id)) return undefined;
  const rows = await table
    // The brace sorts behind everything that an id may go on with.
    .where(sql<SqlBool>`id >= ${id} and id < ${`${id}{`}`)
    .orderBy(sql`id`)
    .limit(MOST_ROWS)
    .execute();
  const [first, second] = rows;
  if (first === undefined || second === undefined || first.id === id) return first;
  throw new LandfallError(
    `Several ${several.what} begin with ${id}: ${rows.map((row) => row.id).join(', ')}.`,
    { kind: 'invalid-input', code: several.code, object: id, hint: 'Give more of the id.' },
  );
}
