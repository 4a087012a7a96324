import type { Case, Finding, Rule } from './finding.ts';
import { movedReferenceRule } from './moved-reference.ts';
import { mutableReferenceRule } from './mutable-reference.ts';
import { unrecognised } from './unrecognised.ts';

export type { Case, EngineStatus, Finding, Fix, Misleading, Rule, Subject } from './finding.ts';
export type { Mechanism } from './moved-reference.ts';
export { findingsOf } from './world-rules/index.ts';

const RULES: readonly Rule[] = [movedReferenceRule, mutableReferenceRule];

/** What the rules recognise: causes before risks, the surest first; where no cause is known, that is said. */
export function findFindings(facts: Case): readonly Finding[] {
  const found = RULES.flatMap((rule) => rule(facts) ?? []);
  const explained = found.some(
    (finding) => finding.kind === 'cause' && finding.boundary === facts.verdict.boundary,
  );
  const general = explained ? undefined : unrecognised(facts);
  const all = general === undefined ? found : [...found, general];
  return all.toSorted((a, b) =>
    a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1,
  );
}
