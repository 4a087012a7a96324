import { getArray, getIn, getString } from '../../kernel/index.ts';
import type { World } from '../../verdict/index.ts';
import { subjectOf } from '../trace.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, inSpace, oneLine } from './trouble.ts';

const NEGATIVE =
  /^(?:Stalled|Degraded|Failed|FailureTarget|ReplicaFailure|.*(?:Pressure|Unavailable|Error|Warning)|InvalidSpec|Disrupted|ScalingLimited)$/;
const PLAIN = new Set([
  'Pod',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Rollout',
  'Namespace',
  'Application',
  'Event',
  'AnalysisRun',
  'Job',
  'Experiment',
  'Canary',
]);
const OF_ENGINES =
  /^(?:Kustomization|HelmRelease|GitRepository|HelmRepository|OCIRepository|HelmChart|Bucket|ImagePolicy|ImageRepository|ImageUpdateAutomation)$/;

/** Conditions of everything else: certificates, claims, nodes, scalers, custom resources. */
export function conditionTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (PLAIN.has(object.kind) || OF_ENGINES.test(object.kind)) return [];
    const subject = subjectOf(object);
    const phase = getString(object.value, 'status', 'phase');
    const stuck = phase !== undefined && /^(?:Pending|Lost|Failed|Error|Degraded)$/.test(phase);
    const bad = getArray(object.value, 'status', 'conditions').flatMap((condition, index) => {
      const type = getString(condition, 'type') ?? '';
      const status = getString(condition, 'status');
      const wrong = NEGATIVE.test(type)
        ? status === 'True'
        : status === 'False' &&
          /^(?:Ready|Available|Synced|Established|Healthy|Succeeded|Complete|Accepted|Programmed|ResolvedRefs|ScalingActive|AbleToScale)$/.test(
            type,
          );
      if (!wrong || type === 'ScalingLimited') return [];
      const said = [getString(condition, 'reason'), getString(condition, 'message')]
        .filter((part) => part !== undefined && part !== '')
        .join(': ');
      return [{ type, status: status ?? '', said, index }];
    });
    const [first] = bad;
    if (first === undefined && !stuck) return [];
    const title =
      first === undefined
        ? `${subject} is ${phase ?? ''}`
        : `${subject} is ${first.status === 'False' ? 'not ' : ''}${first.type}${first.said === '' ? '' : `: ${oneLine(first.said)}`}`;
    return [
      {
        boundary: /Ingress|Gateway|Route|Service|Certificate/.test(object.kind) ? 'traffic' : 'health',
        subject,
        reason: `${object.kind.toLowerCase()}-not-ready`,
        title,
        claims:
          first === undefined
            ? [claimOf('health', subject, 'phase', phase ?? '', object.cite(['status', 'phase']))]
            : bad.map((each) =>
                claimOf(
                  'health',
                  subject,
                  `condition ${each.type}`,
                  `${each.status} ${each.said}`.trim(),
                  object.cite(['status', 'conditions', each.index]),
                ),
              ),
        weight: 'hard',
        check: `kubectl describe ${object.kind.toLowerCase()} ${object.name}${inSpace(object.namespace)}`,
      },
    ];
  });
}

export function serviceTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((object): readonly Trouble[] => {
    if (object.kind !== 'Endpoints' && object.kind !== 'EndpointSlice') return [];
    const subsets = object.value['subsets'];
    const endpoints = object.value['endpoints'];
    const list = Array.isArray(subsets) ? subsets : Array.isArray(endpoints) ? endpoints : undefined;
    if (list === undefined) return [];
    const any = list.some(
      (each) => getArray(each, 'addresses').length > 0 && getIn(each, 'conditions', 'ready') !== false,
    );
    if (any) return [];
    const service =
      getString(object.value, 'metadata', 'labels', 'kubernetes.io/service-name') ??
      object.name.replace(object.kind === 'EndpointSlice' ? /-[a-z0-9]{5}$/ : /$^/, '');
    return [
      {
        boundary: 'traffic',
        subject: subjectOf({ kind: 'Service', namespace: object.namespace, name: service }),
        reason: 'no-endpoints',
        title: `Service ${service} has no ready endpoint`,
        claims: [claimOf('traffic', subjectOf(object), 'endpoints', 'none', object.cite(['subsets']))],
        weight: 'hard',
        check: `kubectl get pods${inSpace(object.namespace)} --show-labels; kubectl get service ${service}${inSpace(object.namespace)} -o wide`,
      },
    ];
  });
}
