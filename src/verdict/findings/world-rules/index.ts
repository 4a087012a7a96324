import type { World } from '../../world/index.ts';
import type { Finding } from '../finding.ts';
import { bumpsRule } from './bumps.ts';
import { identityRule } from './identity.ts';
import { trackingRule } from './tracking.ts';
import { ingressRule } from './ingress.ts';
import { gatewayRule } from './gateway.ts';
import { userPathRule } from './user-path.ts';
import { shapesRule } from './shapes.ts';
import { configurationRule } from './configuration.ts';
import { scalingRule } from './scaling.ts';
import { jobsRule } from './jobs.ts';
import { disruptionBudgetsRule } from './disruption-budgets.ts';
import { nodesRule } from './nodes.ts';
import { liveStateRule } from './live-state.ts';
import { restartsRule } from './restarts.ts';
import { rolloutCountsRule } from './rollout-counts.ts';
import { podRevisionsRule } from './pod-revisions.ts';
import { progressiveRule } from './progressive.ts';
import { addressesRule } from './addresses.ts';
import { connectionsRule } from './connections.ts';
import { crashingRule } from './crashing.ts';
import { otherEnvironmentRule } from './other-environment.ts';
import { imagePullRule } from './image-pull.ts';
import { movedTagRule } from './moved-tag.ts';
import { partialApplyRule } from './partial-apply.ts';
import { readinessRule, shallowProbeRule } from './probes.ts';
import { refusedPodsRule } from './refused-pods.ts';
import { renderErrorsRule } from './render-errors.ts';
import { finding } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import { schedulingRule } from './scheduling.ts';
import { servicesRule } from './services.ts';
import { sourceRule } from './source-errors.ts';
import { startingRule } from './starting.ts';
import { syncErrorsRule } from './sync-errors.ts';
import { viewOf } from './view.ts';

const RULES: readonly WorldRule[] = [
  movedTagRule,
  bumpsRule,
  identityRule,
  trackingRule,
  imagePullRule,
  startingRule,
  crashingRule,
  restartsRule,
  readinessRule,
  schedulingRule,
  refusedPodsRule,
  rolloutCountsRule,
  podRevisionsRule,
  progressiveRule,
  sourceRule,
  syncErrorsRule,
  partialApplyRule,
  renderErrorsRule,
  servicesRule,
  connectionsRule,
  addressesRule,
  ingressRule,
  gatewayRule,
  userPathRule,
  shapesRule,
  configurationRule,
  otherEnvironmentRule,
  scalingRule,
  jobsRule,
  nodesRule,
  disruptionBudgetsRule,
  liveStateRule,
  shallowProbeRule,
];

/** Below this a cause is a guess, and no reason to keep silent about a symptom. */
const SURE = 0.6;

function withoutSymptoms(drafts: readonly Draft[]): readonly Draft[] {
  const causes = drafts.filter(
    ({ kind, symptom, confidence }) => kind !== 'risk' && symptom !== true && confidence >= SURE,
  );
  return drafts.filter(
    ({ symptom, space }) =>
      symptom !== true ||
      !causes.some((cause) => cause.space === undefined || space === undefined || cause.space === space),
  );
}

/** What one sentence or state proves is said once, by the rule that is surest of it. */
function withoutRepeats(drafts: readonly Draft[]): readonly Draft[] {
  const keys = drafts.map(
    ({ claims }) => new Set(claims.map(({ source, value }) => `${JSON.stringify(source)} ${value}`)),
  );
  return drafts.filter((draft, index) => {
    const own = keys[index];
    if (draft.kind === 'risk' || own === undefined || own.size === 0) return true;
    return !drafts.some((other, at) => {
      const theirs = keys[at];
      if (at === index || other.kind === 'risk' || theirs === undefined) return false;
      if (other.confidence < draft.confidence || (other.confidence === draft.confidence && at > index))
        return false;
      return [...own].every((key) => theirs.has(key));
    });
  });
}

/** Commands with the name of the application in them, where only one is meant. */
function withApplication(world: World, draft: Draft): Draft {
  const names = new Set(world.engines.map(({ application }) => application.split('/').at(-1) ?? ''));
  const [name] = names;
  if (names.size !== 1 || name === undefined || name === '') return draft;
  const named = (line: string) => line.replace(/^(landfall \w+) APP\b/, `$1 ${name}`);
  const [text, ...commands] = draft.now;
  return { ...draft, now: [text, ...commands.map(named)], verify: draft.verify.map(named) };
}

/**
 * What the catalogue recognises in everything that is known: causes before risks, the surest first. A cause is named
 * once, with whatever it brought about as its evidence. Never throws, whatever the world leaves out.
 */
export function findingsOf(world: World): readonly Finding[] {
  const view = viewOf(world);
  const drafts = RULES.flatMap((rule) => rule(view));
  return withoutSymptoms(withoutRepeats(drafts))
    .map((draft) => finding(withApplication(world, draft)))
    .toSorted((a, b) => (a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1));
}
