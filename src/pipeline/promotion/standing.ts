import type { Ledger, LedgerSubject } from '../../ledger/index.ts';
import type { Look } from '../../verdict/index.ts';
import { releaseIn, releaseKey } from './release.ts';

/**
 * Keeps since when a release stands. A look that found it broken ends that; one that could not tell, or that met a
 * rollout of the same release, does not. Another release begins anew when it has landed.
 */
export async function rememberStanding(ledger: Ledger, subject: LedgerSubject, look: Look): Promise<void> {
  const { state } = look.proof.verdict;
  if (state === 'broken') await ledger.standings.see(subject, undefined);
  const key = releaseKey(releaseIn(look));
  if (state === 'landed' && key !== '') await ledger.standings.see(subject, key);
}
