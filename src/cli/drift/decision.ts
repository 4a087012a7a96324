import { identityOf } from '../../apply/index.ts';
import { asLandfallError } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { Settled, Settling } from './settle.ts';

/** Keeps who settled which drift and why. What was done stands, so that a ledger that cannot be written is a warning. */
export async function recordDecision(work: Settling, settled: Settled, ledger: Ledger): Promise<void> {
  const { sources, report, options, io } = work;
  if (settled.dryRun || settled.changes.length === 0) return;
  try {
    const identity = await identityOf(sources.kube, io.signal);
    const detail = JSON.parse(
      JSON.stringify({ commit: settled.commit, changes: settled.changes, agrees: settled.agrees }),
    ) as JsonObject;
    await ledger.decisions.record({
      cluster: sources.kube.server,
      namespace: report.namespace,
      application: report.application,
      kind: settled.action === 'accept' ? 'drift-accepted' : 'drift-reverted',
      actor: { name: identity ?? 'unknown', attestedBy: identity === undefined ? 'nobody' : 'cluster' },
      reason: options.reason ?? '',
      detail,
    });
  } catch (thrown) {
    const error = asLandfallError(thrown);
    if (error.kind === 'cancelled') throw error;
    io.err(`warning: the decision is not in the history: ${error.message}\n`);
  }
}
