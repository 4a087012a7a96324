import { sql } from 'kysely';
import type { Expression, SqlBool } from 'kysely';
import { isJsonObject } from '../kernel/index.ts';
import type { Clock, JsonObject, JsonValue } from '../kernel/index.ts';
import type { Actor, LedgerSubject } from './contract.ts';

/** Longest list that is ever read. */
export const MOST = 1000;

const COLUMNS = ['cluster', 'namespace', 'application'] as const;

/** Rows of an application, of all in a namespace or cluster, or all. */
export function about(subject: Partial<LedgerSubject>): Expression<SqlBool> {
  const parts = COLUMNS.flatMap((column) =>
    subject[column] === undefined ? [] : [sql`${sql.ref(column)} = ${subject[column]}`],
  );
  return parts.length === 0 ? sql<SqlBool>`1 = 1` : sql<SqlBool>`${sql.join(parts, sql` and `)}`;
}

export function isoNow({ clock }: { readonly clock: Clock }): string {
  return new Date(clock.now()).toISOString();
}

export function subjectOf({ cluster, namespace, application }: LedgerSubject): LedgerSubject {
  return { cluster, namespace, application };
}

export function actorColumns(actor: Actor): { readonly actor: string; readonly attested_by: string } {
  return { actor: actor.name, attested_by: actor.attestedBy };
}

export function actorOf(row: { readonly actor: string; readonly attested_by: string }): Actor {
  return { name: row.actor, attestedBy: row.attested_by as Actor['attestedBy'] };
}

export function objectOf(json: string): JsonObject {
  const value = JSON.parse(json) as JsonValue;
  return isJsonObject(value) ? value : {};
}
