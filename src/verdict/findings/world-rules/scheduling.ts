import { getString } from '../../../kernel/index.ts';
import { isFine } from './pods.ts';
import type { Pod } from './pods.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

interface Row {
  readonly failure: string;
  readonly id: string;
  readonly pattern: RegExp;
  readonly title: (g: Readonly<Record<string, string | undefined>>) => string;
  readonly why: string;
  readonly misleading: readonly (readonly [string, string])[];
  readonly now: (pod: Pod) => Draft['now'];
  readonly lasting: string;
}

/**
 * In the order in which the scheduler filters: it stops at the first filter that a node fails, so the last filter that
 * anything failed took the last candidates away. Source: kube-scheduler default plugins, framework.FitError.
 */
const ROWS: readonly Row[] = [
  {
    failure: 'ROL-02',
    id: 'unschedulable-placement',
    pattern:
      /had untolerated taints?(?: (?<taint>\{[^}]*\}))?|node\(s\) were unschedulable|(?<unmatched>didn't match Pod's node affinity\/selector|didn't match pod affinity rules|node\(s\) didn't satisfy plugin\(s\) \[NodeName\])/,
    title: (g) =>
      g['taint'] !== undefined
        ? `no node takes the pod: it does not tolerate ${g['taint']}`
        : g['unmatched'] !== undefined
          ? 'no node has the labels that the pod asks for'
          : 'no node takes pods: those that fit are cordoned',
    why: 'Selector, affinity and tolerations of the template against labels, taints and cordons of the nodes leave none.',
    misleading: [['the nodes have plenty of free resources', 'they are not the question here']],
    now: (pod) => [
      'Correct nodeSelector, affinity or tolerations in Git, or label or uncordon a node.',
      'kubectl get nodes --show-labels',
      `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.spec.nodeSelector}{.spec.affinity}'`,
    ],
    lasting: 'Check the placement of rendered pods against the labels and taints of the nodes.',
  },
  {
    failure: 'ROL-03',
    id: 'unschedulable-ports',
    pattern: /didn't have free ports/,
    title: () => 'every node that fits has the host port taken already',
    why: 'A hostPort can be had once for each node; an update needs one more than runs.',
    misleading: [['it ran before', 'the steady state fits exactly; only the pod of the update does not']],
    now: () => [
      'Let the update take an old pod away first (maxSurge 0, maxUnavailable 1), or do without the host port.',
      'kubectl get pods -A -o wide',
    ],
    lasting: 'Place the surge of an update in a simulation, and use a Service instead of host ports.',
  },
  {
    failure: 'ROL-01',
    id: 'unschedulable-resources',
    pattern: /Insufficient (?<resource>[\w./-]+)|Too many pods/,
    title: (g) => `no node has room: insufficient ${g['resource'] ?? 'pod slots'}`,
    why: 'The nodes that pass every other rule have less left than the pod requests. Requests count, not what is used.',
    misleading: [
      [
        'other reasons stand first in the event',
        'nodes that are out for a taint or label are not those that were missing',
      ],
      ['usage is low', 'the scheduler adds up requests'],
    ],
    now: (pod) => [
      'Add capacity, request less, or let the update take an old pod away first (maxSurge 0).',
      'kubectl describe nodes | grep -A 8 "Allocated resources"',
      `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.spec.containers[*].resources.requests}'`,
    ],
    lasting: 'Keep headroom for the surge of an update, and check it before the release.',
  },
  {
    failure: 'ROL-04',
    id: 'volume-not-bindable',
    pattern:
      /unbound immediate PersistentVolumeClaims|volume node affinity conflict|didn't find available persistent volumes to bind|persistentvolumeclaim "(?<claim>[^"]+)" (?:not found|is being deleted)|no available volume zone|exceed max volume count/,
    title: (g) =>
      g['claim'] === undefined
        ? 'the pod waits for a volume that cannot be bound'
        : `the claim ${g['claim']} does not exist`,
    why: 'The scheduler speaks for the claim; the cause stands at the claim itself: class, size, access mode or zone.',
    misleading: [
      ['the event blames scheduling', 'the nodes are fine'],
      ['WaitForFirstConsumer', 'is normal until a pod has a node'],
    ],
    now: (pod) => [
      'Mend class, size or access mode of the claim, and create it anew where it cannot be changed.',
      `kubectl describe pvc${pod.thing.n}`,
      'kubectl get storageclass',
    ],
    lasting: 'Check that the class of every claim exists, and use classes that follow the zone of the pod.',
  },
  {
    failure: 'ROL-03',
    id: 'unschedulable-spread',
    pattern:
      /didn't match pod topology spread constraints|didn't match pod anti-affinity rules|didn't satisfy existing pods anti-affinity rules/,
    title: () => 'the pods must not share nodes or zones, and there are none left',
    why: 'Required anti-affinity or spread needs a place of its own for every pod, for the one more during an update too.',
    misleading: [['it ran before', 'the steady state fits exactly; only the pod of the update does not']],
    now: () => [
      'Let the update take an old pod away first (maxSurge 0, maxUnavailable 1), or prefer instead of require.',
      'kubectl get pods -A -o wide',
    ],
    lasting: 'No required anti-affinity with as many replicas as nodes.',
  },
];

const CONTROL_PLANE = /node-role\.kubernetes\.io\/(?:control-plane|master)/;

/** The parts of `0/4 nodes are available: 1 ..., 3 .... preemption: ...` */
function reasonsOf(message: string): readonly string[] {
  const body = message.split(/\.? ?preemption:/)[0] ?? message;
  return (body.split(/nodes are available: /)[1] ?? body)
    .split(/, (?=\d+ )/)
    .filter((part) => !CONTROL_PLANE.test(part));
}

function rowFor(message: string): { row: Row; g: Record<string, string | undefined> } | undefined {
  for (const row of ROWS.toReversed()) {
    for (const reason of reasonsOf(message)) {
      const found = row.pattern.exec(reason);
      if (found !== null) return { row, g: found.groups ?? {} };
    }
  }
  return undefined;
}

interface Waiting {
  readonly pod: Pod;
  readonly message: string;
  readonly claims: Draft['claims'];
}

function waiting(view: View): readonly Waiting[] {
  return view.pods.flatMap((pod) => {
    if (isFine(pod) || pod.terminating || pod.node !== undefined || (pod.phase ?? 'Pending') !== 'Pending')
      return [];
    const events = view
      .eventsOf('Pod', pod.name, pod.namespace)
      .filter(({ reason }) => reason === 'FailedScheduling');
    const message = pod.unschedulable || events.at(-1)?.message;
    if (message === undefined || message === '') return [];
    return [
      {
        pod,
        message,
        claims: [
          view.about('health', pod.thing, 'PodScheduled', message, 'status', 'conditions'),
          ...events.slice(-1).map((event) => view.ofEvent('health', event)),
        ],
      },
    ];
  });
}

/** ROL-01 to ROL-04: pods without a node. A pod that has one by now is no case, whatever its events say. */
export const schedulingRule: WorldRule = (view) => {
  const found = waiting(view).flatMap((item) => {
    const match = rowFor(item.message);
    return match === undefined ? [] : [{ ...item, ...match, title: match.row.title(match.g) }];
  });
  const groups = groupBy(found, ({ pod, title }) => `${pod.namespace ?? ''}|${title}`);
  const drafts = [...groups.values()].flatMap((group): Draft[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { row, pod, message, title } = first;
    return [
      {
        failure: row.failure,
        id: row.id,
        boundary: 'health',
        title,
        confidence: 0.96,
        why: [
          `${counted(group.length, 'pod')} of ${pod.workload.kind}/${pod.workload.name}: ${quote(message)}`,
          row.why,
        ],
        claims: group.flatMap(({ claims }) => claims),
        misleading: row.misleading,
        now: row.now(pod),
        lasting: [row.lasting],
        verify: [`kubectl get pods${pod.thing.n} -o wide`],
        can: 'commit',
        space: pod.namespace,
      },
    ];
  });
  return [...drafts, ...pendingClaims(view), ...nobodySchedules(view)];
};

/** The claim says itself why it is not bound; a pod that waits for it is its evidence. */
function pendingClaims(view: View): Draft[] {
  return view.kind('PersistentVolumeClaim').flatMap((thing) => {
    if (thing.text('status', 'phase') !== 'Pending') return [];
    const events = view
      .eventsOf('PersistentVolumeClaim', thing.name, thing.namespace)
      .filter(
        ({ reason, message }) =>
          /ProvisioningFailed|FailedBinding/.test(reason) && !/waiting for first consumer/i.test(message),
      );
    const said = events.at(-1);
    if (said === undefined) return [];
    return [
      {
        failure: 'ROL-04',
        id: 'claim-not-bound',
        boundary: 'health' as const,
        title: `the claim ${thing.name} cannot be bound: ${quote(said.message)}`,
        confidence: 0.97,
        why: ['A pod that uses the claim is not scheduled before it is bound.'],
        claims: [
          view.about('health', thing, 'phase', 'Pending', 'status', 'phase'),
          view.ofEvent('health', said),
        ],
        misleading: [['the pod complains of scheduling', 'the nodes are fine'] as const],
        now: [
          'Mend class, size or access mode of the claim; it cannot be changed afterwards, so create it anew.',
          `kubectl describe pvc ${thing.name}${thing.n}`,
          'kubectl get storageclass',
        ] as const,
        lasting: ['Check before the merge that the class of every claim exists.'] as const,
        verify: [`kubectl get pvc ${thing.name}${thing.n}`],
        can: 'commit' as const,
        space: thing.namespace,
      },
    ];
  });
}

const STALL_MS = 120_000;

/** LIV-07: nobody acts. Pods wait and the scheduler says nothing of them, or a controller does not see the generation. */
function nobodySchedules(view: View): Draft[] {
  const now = Date.parse(view.world.at ?? '');
  const old = (time: string | undefined) => !Number.isNaN(now) && now - Date.parse(time ?? '') > STALL_MS;
  const silent = view.pods.filter(
    (pod) =>
      pod.phase === 'Pending' &&
      pod.node === undefined &&
      pod.unschedulable === undefined &&
      pod.thing.whole &&
      old(pod.created) &&
      pod.containers.every(({ waiting: state }) => state === undefined) &&
      pod.thing.list('spec', 'schedulingGates').length === 0 &&
      view.eventsOf('Pod', pod.name, pod.namespace).length === 0,
  );
  const dead = view.pods.some(
    (item) => item.name.startsWith('kube-controller-manager') && item.ready === false,
  );
  const unseen = view.kind('Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet').filter((thing) => {
    const generation = thing.number('metadata', 'generation');
    const observed = thing.number('status', 'observedGeneration') ?? (thing.whole ? 0 : undefined);
    if (generation === undefined || observed === undefined || observed >= generation) return false;
    const times = thing
      .list('metadata', 'managedFields')
      .flatMap((entry) =>
        getString(entry, 'subresource') === 'status' ? [] : (getString(entry, 'time') ?? []),
      );
    return dead || old(times.toSorted().at(-1) ?? thing.text('metadata', 'creationTimestamp'));
  });
  const [pod] = silent;
  const [object] = unseen;
  if (pod === undefined && object === undefined) return [];
  const who = object === undefined ? 'the scheduler' : `the controller of ${object.kind}s`;
  return [
    {
      failure: 'LIV-07',
      id: 'controller-not-acting',
      boundary: 'health',
      title: `${who} does not act: nothing failed, and nothing happens`,
      confidence: dead ? 0.9 : 0.85,
      why: [
        object === undefined
          ? `${counted(silent.length, 'pod')} wait${silent.length === 1 ? 's' : ''} for a node for minutes without one word of the scheduler.`
          : `${object.id} is at generation ${object.number('metadata', 'generation') ?? '?'}, its controller has seen ${object.number('status', 'observedGeneration') ?? 0}, for minutes.`,
      ],
      claims: [
        ...silent.map((item) =>
          view.about('health', item.thing, 'phase', 'Pending, no node, no event', 'status', 'phase'),
        ),
        ...unseen.map((item) =>
          view.about(
            'health',
            item,
            'observedGeneration',
            String(item.number('status', 'observedGeneration') ?? 0),
            'status',
            'observedGeneration',
          ),
        ),
      ],
      misleading: [['no errors', 'nobody is there to make one']],
      now: [
        'See who holds the leases of the controllers and when they were renewed, and bring the controller back.',
        'kubectl get leases -n kube-system',
        'kubectl get pods -n kube-system',
      ],
      lasting: ['An alert on what neither changes nor complains for minutes.'],
      verify: ['kubectl get leases -n kube-system'],
      space: pod?.namespace ?? object?.namespace,
    },
  ];
}
