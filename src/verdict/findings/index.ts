import type { World } from '../world/index.ts';
import type { Case, Finding, Rule } from './finding.ts';
import { findingsOf } from './world-rules/index.ts';
import { movedReferenceRule } from './moved-reference.ts';
import { mutableReferenceRule } from './mutable-reference.ts';
import { unrecognised } from './unrecognised.ts';

export { historyCommands, kindOf, renderCommands, sourceCommands } from './look-up.ts';
export type { Case, EngineStatus, Finding, Fix, Misleading, Rule, Subject } from './finding.ts';
export type { Mechanism } from './moved-reference.ts';
export { preflightOf } from './world-rules/preflight.ts';
export { findingsOf } from './world-rules/index.ts';

const RULES: readonly Rule[] = [movedReferenceRule, mutableReferenceRule];

/** From here on a cause counts as known, and nothing general has to be said. */
const KNOWN = 0.6;

/**
 * What the rules recognise: causes before risks, the surest first; where no cause is known, that is said. `world`
 * holds what was read to explain it; without it only the rules over the proof itself are asked.
 */
export function findFindings(facts: Case, world?: World): readonly Finding[] {
  const proven = RULES.flatMap((rule) => rule(facts) ?? []);
  const delivered = facts.reports.some(({ boundary, state }) => boundary === 'sync' && state === 'proven');
  const around = (world === undefined ? [] : findingsOf(world)).filter(
    ({ id }) =>
      !proven.some((finding) => finding.id === id) &&
      // What was delivered had not been stopped: what differs since is drift.
      !(delivered && id === 'reconciliation-suspended'),
  );
  const found = [...proven, ...around];
  // What a boundary itself says to do is told even where something else explains it.
  const hint = facts.reports.find(({ boundary }) => boundary === facts.verdict.boundary)?.hint;
  const explained = found.some(
    (finding) =>
      finding.kind === 'cause' &&
      (finding.boundary === facts.verdict.boundary ||
        (hint === undefined && around.includes(finding) && finding.confidence >= KNOWN)),
  );
  const general = explained ? undefined : unrecognised(facts);
  const all = general === undefined ? found : [...found, general];
  return all.toSorted((a, b) =>
    a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1,
  );
}
