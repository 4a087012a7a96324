import { messageOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { Ledger, Observation } from '../../ledger/index.ts';
import { rememberStanding } from '../../pipeline/index.ts';
import type { Look, Proof, VerdictState } from '../../verdict/index.ts';
import type { CliIo } from '../io.ts';
import { errStyle } from '../io.ts';
import { rememberErrors, subjectOf } from '../question.ts';

const STATES: Readonly<Record<VerdictState, Observation['state']>> = {
  landed: 'landed',
  broken: 'stopped',
  moving: 'unproven',
  unproven: 'unproven',
};

/** Why a proof says what it says, in one sentence: `0/3 ready, …`. Its verdict stands beside it. */
export function reasonOf(proof: Proof): string {
  const { summary, boundary } = proof.verdict;
  const report = proof.boundaries.find((each) => each.boundary === boundary);
  const detail = [report?.headline, report?.detail].filter((text) => text !== undefined && text !== '');
  return detail.length === 0 ? summary : detail.join(', ');
}

function observationOf({ material, proof }: Look): Observation | undefined {
  // Without the tracked commit it is not known what was seen.
  if (material.tracked.state !== 'read') return undefined;
  return {
    ...subjectOf(proof),
    environment: proof.subject.environment,
    revision: material.tracked.value.commit,
    actor: { name: proof.engine?.engine ?? 'unknown', attestedBy: 'nobody' },
    state: STATES[proof.verdict.state],
    message: reasonOf(proof),
    proof: JSON.parse(JSON.stringify(proof)) as JsonObject,
  };
}

/**
 * Keeps what a proof has seen: a delivery, made by whomever, and how its image fails. After the answer was printed; a
 * ledger that cannot be written is a warning, since it changes nothing of what was proven.
 */
export async function rememberProof(look: Look, ledger: Ledger, io: CliIo): Promise<void> {
  try {
    await rememberErrors(look.material, look.proof, ledger);
    await rememberStanding(ledger, subjectOf(look.proof), look);
    const seen = observationOf(look);
    if (seen !== undefined) await ledger.deliveries.observe(seen);
  } catch (thrown) {
    io.err(`${errStyle(io).yellow('!')} This was not kept in the ledger. ${messageOf(thrown)}\n`);
  }
}
