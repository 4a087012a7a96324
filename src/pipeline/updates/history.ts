import type { CommitInfo, GitMirror } from '../../git/index.ts';
import { updatesIn } from './message.ts';
import type { LastUpdate } from './report.ts';

/** Commits of a branch that are looked through for earlier updates. */
const DEPTH = 500;
const HOUR = 3_600_000;

/** What the history of a branch says of earlier updates: the one memory that all replicas share and no crash loses. */
export interface UpdateHistory {
  last(key: string): LastUpdate | undefined;
  /** Commits with a part of this updater in the last hour. */
  inLastHour(key: string, now: number): number;
  /** The commit of an update, where it was made already. */
  find(key: string, id: string): LastUpdate | undefined;
}

export async function readUpdateHistory(
  mirror: GitMirror,
  tip: string,
  signal: AbortSignal,
): Promise<UpdateHistory> {
  const log = await mirror.log({ from: tip, limit: DEPTH }, signal);
  const updates = log.flatMap((commit) =>
    updatesIn(`${commit.subject}\n\n${commit.body}`).map(({ key, id }) => ({ key, id, commit })),
  );
  const shown = (commit: CommitInfo | undefined): LastUpdate | undefined =>
    commit && { commit: commit.commit, time: commit.time, subject: commit.subject };
  return {
    last: (key) => shown(updates.find((each) => each.key === key)?.commit),
    inLastHour: (key, now) =>
      updates.filter((each) => each.key === key && now - Date.parse(each.commit.time) < HOUR).length,
    find: (key, id) => shown(updates.find((each) => each.key === key && each.id === id)?.commit),
  };
}
