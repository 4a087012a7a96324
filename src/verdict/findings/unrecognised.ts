import type { BoundaryName } from '../../boundaries/index.ts';
import type { Case, Finding } from './finding.ts';
import { controllerCommands, historyCommands, renderCommands, sourceCommands } from './look-up.ts';

/** The one command whose answer would decide most, by where and why a delivery stopped. */
function nextCheck(facts: Case, boundary: BoundaryName, reason: string): readonly string[] {
  const { name, destination, path, from = 'git' } = facts.subject;
  const workload = facts.rollouts[0]?.object;
  const target =
    workload === undefined ? 'deploy' : `${workload.kind.toLowerCase()}/${workload.metadata.name}`;
  const image = facts.images[0]?.reference ?? '';
  switch (boundary) {
    case 'artifact':
      return [`crane digest ${image}`, `landfall trace ${name} image`];
    case 'intent':
      return [...new Set([...sourceCommands(facts.subject), ...historyCommands(facts.subject)])];
    case 'render':
      return renderCommands(facts.subject);
    case 'sync':
      return controllerCommands(facts.subject);
    case 'live':
      return from === 'git'
        ? [`landfall render ${path} | kubectl diff --server-side -f -`]
        : [`landfall drift ${name}`];
    case 'health':
      return [
        `kubectl describe pods -n ${destination}`,
        `kubectl get events -n ${destination} --sort-by=.lastTimestamp`,
      ];
    case 'rollout':
      return reason === 'wrong-digest'
        ? [`landfall trace ${name} image`]
        : [`kubectl rollout status ${target} -n ${destination}`];
    case 'traffic':
      return /endpoint|port-|share|backend/.test(reason)
        ? [`kubectl get endpointslices -n ${destination}`, `kubectl get pods -n ${destination} --show-labels`]
        : [`landfall trace ${name} version`];
    default:
      return boundary satisfies never;
  }
}

const WHAT: Readonly<Record<BoundaryName, string>> = {
  artifact: 'Look at CI: build or push the image again',
  intent: 'Look at the deployment repository: this takes a commit',
  render: 'Look at the base, overlay or chart',
  sync: 'Look at the controller or its access',
  live: 'Decide about the drift: accept it into Git or revert it',
  health: 'Look at the workload: what the pods say about themselves',
  rollout: 'Look at the rollout: which pods run what',
  traffic: 'Look at what stands between users and pods: selector, endpoints, the application itself',
};

/** No rule knows the cause: says at which boundary it stopped, what is known there, and the next best check. */
export function unrecognised(facts: Case): Finding | undefined {
  const { boundary, state } = facts.verdict;
  if (state === 'landed' || boundary === undefined) return undefined;
  const report = facts.reports.find((candidate) => candidate.boundary === boundary);
  if (report === undefined) return undefined;
  const before = facts.reports
    .filter((candidate) => candidate.state === 'proven')
    .map((candidate) => candidate.boundary);
  const checks = nextCheck(facts, boundary, report.reason);
  const known =
    report.state === 'unknown'
      ? `Nothing contradicts the release at ${boundary}, and nothing proves it`
      : `It ${report.state === 'moving' ? 'is not there yet' : 'stopped'} at ${boundary}`;
  return {
    id: `${boundary}-${report.reason}`,
    boundary,
    kind: 'cause',
    title: report.detail === '' ? `${facts.verdict.summary}: ${report.reason}` : report.detail,
    confidence: report.state === 'broken' ? 0.6 : 0.3,
    explanation: [
      `${known}: ${report.detail || report.reason}.`,
      before.length === 0 ? 'No other boundary is proven.' : `Proven are ${before.join(', ')}.`,
      'Why it is so, the evidence does not say; the next check decides most.',
    ],
    claims: report.claims,
    misleading: [],
    immediateFix: { text: report.hint ?? `${WHAT[boundary]}.`, commands: checks },
    durableFix: { text: 'None is known before the cause is.', commands: [] },
    verify: [`landfall prove ${facts.subject.name} --wait 5m`],
  };
}
