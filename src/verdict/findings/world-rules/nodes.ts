import { getString } from '../../../kernel/index.ts';
import { counted, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** ROL-20, ROL-19: nodes and disruptions. */
function nodes(view: View): Draft[] {
  const evicted = view.pods.filter(
    (pod) =>
      pod.thing.text('status', 'reason') === 'Evicted' ||
      pod.thing
        .list('status', 'conditions')
        .some(
          (item) => getString(item, 'type') === 'DisruptionTarget' && getString(item, 'status') === 'True',
        ),
  );
  const drafts: Draft[] = [];
  const [pod] = evicted;
  const lacking = evicted.some(
    (item) => view.lacksPods(item.workload.kind, item.namespace, item.workload.name) !== false,
  );
  if (pod !== undefined && lacking)
    drafts.push({
      failure: 'ROL-20',
      id: 'pods-evicted',
      boundary: 'health',
      title: `${counted(evicted.length, 'pod')} of ${pod.workload.name} ${evicted.length === 1 ? 'was' : 'were'} evicted`,
      confidence: 0.85,
      why: [
        quote(
          pod.thing.text('status', 'message') ??
            getString(
              pod.thing
                .list('status', 'conditions')
                .find((item) => getString(item, 'type') === 'DisruptionTarget'),
              'message',
            ) ??
            'The node was short of memory or disk, was drained, or made room for something more important.',
        ),
      ],
      claims: evicted.map((item) =>
        view.about(
          'health',
          item.thing,
          'reason',
          item.thing.text('status', 'reason') ?? 'DisruptionTarget',
          'status',
        ),
      ),
      misleading: [['a list of failed pods', 'looks like a failing application']],
      now: [
        'Relieve the node; the pods are made anew elsewhere.',
        'kubectl describe nodes | grep -A 6 Conditions',
        `kubectl delete pods${pod.thing.n} --field-selector status.phase=Failed`,
      ],
      lasting: [
        'Requests that fit the use, a priority, and a disruption budget below the number of replicas.',
      ],
      verify: [`kubectl get pods${pod.thing.n} -o wide`],
      space: pod.namespace,
    });
  drafts.push(...blockedDrains(view));
  for (const node of view.kind('Node')) {
    const bad = node
      .list('status', 'conditions')
      .find(
        (item) =>
          (getString(item, 'type') === 'Ready' && getString(item, 'status') !== 'True') ||
          (getString(item, 'type')?.endsWith('Pressure') === true && getString(item, 'status') === 'True'),
      );
    const affected = view.pods.filter(
      (item) =>
        item.node === node.name && (item.ready !== true || item.terminating) && item.phase !== 'Succeeded',
    );
    if (bad === undefined || affected.length === 0) continue;
    drafts.push({
      failure: 'ROL-19',
      id: 'node-not-ready',
      boundary: 'health',
      title: `the node ${node.name} is in trouble: ${getString(bad, 'type') ?? ''} ${getString(bad, 'status') ?? ''}`,
      confidence: 0.88,
      why: [
        `${quote(getString(bad, 'message') ?? getString(bad, 'reason') ?? '')} ${counted(affected.length, 'pod')} on it ${affected.length === 1 ? 'is' : 'are'} not ready.`,
      ],
      claims: [
        view.about(
          'health',
          node,
          getString(bad, 'type') ?? '',
          getString(bad, 'reason') ?? getString(bad, 'status') ?? '',
          'status',
          'conditions',
        ),
        ...affected.map((item) => view.about('health', item.thing, 'Ready', 'False', 'status', 'conditions')),
      ],
      misleading: [['the release is blamed', 'its new pods came to that node']],
      now: ['Cordon and drain it.', `kubectl drain ${node.name} --ignore-daemonsets --delete-emptydir-data`],
      lasting: ['Look at failures by node before looking at them by release.'],
      verify: ['kubectl get nodes'],
    });
  }
  return drafts;
}

/** ROL-20: a drain or an autoscaler that waits for a budget which allows nothing. */
function blockedDrains(view: View): Draft[] {
  const said = [
    ...view.world.answers.map(({ answer, source }) => ({ text: answer, source })),
    ...view.world.logs.map(({ message, source }) => ({ text: message, source })),
    ...view.world.events.map(({ message, source }) => ({ text: message, source })),
  ].filter(({ text }) => /Cannot evict pod as it would violate the pod's disruption budget/.test(text));
  const [first] = said;
  if (first === undefined) return [];
  const named = /evicting pods?\/?(?: )?"?(?<pod>[a-z0-9][\w.-]*)"?(?: -n "(?<space>[^"]+)")?/.exec(
    first.text,
  )?.groups;
  const n = named?.['space'] === undefined ? '' : ` -n ${named['space']}`;
  return [
    {
      failure: 'ROL-20',
      id: 'disruption-blocked',
      boundary: 'health',
      title: `a disruption budget lets ${named?.['pod'] ?? 'the pod'} not go, so its node cannot be drained`,
      confidence: 0.9,
      why: [
        quote(first.text),
        'The budget allows no disruption now: as many pods are healthy as it asks for, or fewer.',
      ],
      claims: said
        .slice(0, 5)
        .map(({ text, source }) => view.claim('health', named?.['pod'] ?? 'drain', 'message', text, source)),
      misleading: [['the application is healthy', 'it is; the node under it is to go and cannot']],
      now: [
        'Look whether pods are missing (mend these first) or the budget leaves no room (add a replica, or lower minAvailable in Git).',
        `kubectl get pdb${n}`,
      ],
      lasting: ['Hold budgets against replicas before the merge (landfall check).'],
      verify: [
        `kubectl get pdb${n} -o custom-columns='NAME:.metadata.name,ALLOWED:.status.disruptionsAllowed'`,
      ],
      can: 'commit',
      space: named?.['space'],
    },
  ];
}

/** ROL-21: a sidecar that is missing, or that keeps a Job from ending. */
function sidecars(view: View): Draft[] {
  const injected = new Set(
    view
      .kind('Namespace')
      .filter(
        (thing) =>
          thing.text('metadata', 'labels', 'istio-injection') === 'enabled' ||
          thing.text('metadata', 'annotations', 'linkerd.io/inject') === 'enabled',
      )
      .map(({ name }) => name),
  );
  return view.pods.flatMap((pod): Draft[] => {
    const names = pod.containers.map(({ name }) => name);
    const lacks =
      pod.thing.whole &&
      injected.has(pod.namespace ?? '') &&
      !names.some((name) => /istio-proxy|linkerd-proxy/.test(name)) &&
      pod.thing.text('metadata', 'labels', 'sidecar.istio.io/inject') !== 'false' &&
      pod.workload.kind !== 'Job';
    const mains = pod.containers.filter(({ role }) => role === 'main');
    const holds =
      pod.workload.kind === 'Job' &&
      mains.some(({ terminated }) => terminated?.exitCode === 0) &&
      mains.some(({ name, running }) => running && /proxy|sidecar|agent/.test(name));
    if (!lacks && !holds) return [];
    const [path] = mains;
    return [
      {
        failure: 'ROL-21',
        id: lacks ? 'sidecar-missing' : 'sidecar-holds-job',
        boundary: 'health',
        title: lacks
          ? `${pod.thing.id} has no sidecar, and its namespace injects one`
          : `${pod.thing.id} has done its work and does not end: its sidecar runs on`,
        confidence: 0.85,
        why: [
          lacks
            ? 'It was created while the webhook did not answer, or before the namespace was marked.'
            : 'A Job is complete when all its containers have ended.',
        ],
        claims:
          path === undefined ? [] : mains.map((container) => view.ofContainer('health', pod, container)),
        misleading: [
          [
            'the container of the application is fine',
            lacks ? 'the mesh refuses its traffic' : 'the Job never completes',
          ],
        ],
        now: [
          lacks
            ? 'Restart it, once the injection works.'
            : 'End the sidecar, or use a native one (init container with restartPolicy Always).',
          `kubectl get pod ${pod.name}${pod.thing.n} -o jsonpath='{.spec.containers[*].name}'`,
        ],
        lasting: ['Check the containers that are expected after a rollout; native sidecars.'],
        verify: [`kubectl get pods${pod.thing.n}`],
        space: pod.namespace,
      },
    ];
  });
}

/** ROL-19, ROL-20, ROL-21: nodes, disruptions, and what others put into pods. */
export const nodesRule: WorldRule = (view) => [...nodes(view), ...sidecars(view)];
