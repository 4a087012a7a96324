import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { containersIn, template, volumes } from './describe-containers.ts';
import { conditions, isoTime, metadata, number, pairsIn } from './describe-parts.ts';
import type { Described } from './described.ts';
import { childOf, told } from './described.ts';
import { count, fields } from './objects.ts';

export function podValue(root: Described): JsonObject {
  const main = containersIn(childOf(root, 'Containers'));
  const init = containersIn(childOf(root, 'Init Containers'));
  const list = (items: readonly JsonValue[]) => (items.length === 0 ? undefined : [...items]);
  const status = told(root, 'Status');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'containers'], list(main.spec)],
      [['spec', 'initContainers'], list(init.spec)],
      [['spec', 'nodeName'], told(root, 'Node')?.split('/')[0]],
      [['spec', 'serviceAccountName'], told(root, 'Service Account')],
      [['spec', 'nodeSelector'], pairsIn(childOf(root, 'Node-Selectors'))],
      [['spec', 'volumes'], volumes(childOf(root, 'Volumes'))],
      [['status', 'phase'], status?.startsWith('Terminating') === true ? undefined : status?.split(' ')[0]],
      [['status', 'reason'], told(root, 'Reason')],
      [['status', 'message'], told(root, 'Message')],
      [['status', 'podIP'], told(root, 'IP')],
      [['status', 'startTime'], isoTime(told(root, 'Start Time'))],
      [['status', 'qosClass'], told(root, 'QoS Class')],
      [['status', 'containerStatuses'], list(main.status)],
      [['status', 'initContainerStatuses'], list(init.status)],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

/** `3 desired | 1 updated | 4 total | 3 available | 1 unavailable` as counts by their words. */
function counts(text: string | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...(text ?? '').matchAll(/(\d+) (desired|updated|total|available|unavailable|current)/g)].map(
      ([, value, word]) => [word ?? '', Number(value)],
    ),
  );
}

export function workload(root: Described): JsonObject {
  const replicas = counts(told(root, 'Replicas'));
  const status = /(\d+) Running \/ (\d+) Waiting \/ (\d+) Succeeded \/ (\d+) Failed/.exec(
    told(root, 'Pods Status') ?? '',
  );
  const current = /^(\d+) current \/ (\d+) desired/.exec(told(root, 'Replicas') ?? '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'replicas'], replicas['desired'] ?? count(current?.[2])],
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'strategy', 'type'], told(root, 'StrategyType')],
      [['spec', 'template'], template(root)],
      [['status', 'replicas'], replicas['total'] ?? count(current?.[1])],
      [['status', 'updatedReplicas'], replicas['updated']],
      [['status', 'availableReplicas'], replicas['available']],
      [['status', 'unavailableReplicas'], replicas['unavailable']],
      [['status', 'readyReplicas'], replicas['available']],
      [['status', 'podsFailed'], count(status?.[4])],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

export function jobValue(root: Described): JsonObject {
  const pods = /(\d+) (?:Running|Active)(?: \([^)]*\))? \/ (\d+) Succeeded \/ (\d+) Failed/.exec(
    told(root, 'Pods Statuses') ?? '',
  );
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'completions'], number(told(root, 'Completions'))],
      [['spec', 'parallelism'], number(told(root, 'Parallelism'))],
      [['spec', 'backoffLimit'], number(told(root, 'Backoff Limit'))],
      [['spec', 'template'], template(root)],
      [['status', 'active'], count(pods?.[1])],
      [['status', 'succeeded'], count(pods?.[2])],
      [['status', 'failed'], count(pods?.[3])],
    ),
  };
}

export function daemonValue(root: Described): JsonObject {
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [['spec', 'template'], template(root)],
      [['status', 'desiredNumberScheduled'], number(told(root, 'Desired Number of Nodes Scheduled'))],
      [['status', 'currentNumberScheduled'], number(told(root, 'Current Number of Nodes Scheduled'))],
      [
        ['status', 'updatedNumberScheduled'],
        number(told(root, 'Number of Nodes Scheduled with Up-to-date Pods')),
      ],
      [['status', 'numberAvailable'], number(told(root, 'Number of Nodes Scheduled with Available Pods'))],
      [['status', 'numberMisscheduled'], number(told(root, 'Number of Nodes Misscheduled'))],
    ),
  };
}

export function scalerValue(root: Described): JsonObject {
  const [kind, name] = (told(root, 'Reference') ?? '').split('/');
  const pods = /(\d+) current \/ (\d+) desired/.exec(told(root, 'Deployment pods') ?? '');
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'scaleTargetRef'], kind === undefined || name === undefined ? undefined : { kind, name }],
      [['spec', 'minReplicas'], number(told(root, 'Min replicas'))],
      [['spec', 'maxReplicas'], number(told(root, 'Max replicas'))],
      [['status', 'currentReplicas'], count(pods?.[1])],
      [['status', 'desiredReplicas'], count(pods?.[2])],
      [['status', 'conditions'], conditions(childOf(root, 'Conditions'))],
    ),
  };
}

export function budgetValue(root: Described): JsonObject {
  const amount = (text: string | undefined) => (text === undefined ? undefined : (count(text) ?? text));
  return {
    ...metadata(root),
    ...fields(
      [['spec', 'minAvailable'], amount(told(root, 'Min available'))],
      [['spec', 'maxUnavailable'], amount(told(root, 'Max unavailable'))],
      [['spec', 'selector', 'matchLabels'], pairsIn(childOf(root, 'Selector'))],
      [
        ['status', 'disruptionsAllowed'],
        number(told(root, 'Status', 'Allowed disruptions') ?? told(root, 'Allowed disruptions')),
      ],
      [['status', 'currentHealthy'], number(told(root, 'Status', 'Current') ?? told(root, 'Current'))],
      [['status', 'desiredHealthy'], number(told(root, 'Status', 'Desired') ?? told(root, 'Desired'))],
    ),
  };
}
