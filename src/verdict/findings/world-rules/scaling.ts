import { getString } from '../../../kernel/index.ts';
import { quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

/** INT-06, HEA-07: autoscalers. */
function autoscalers(view: View): Draft[] {
  return view.declared('HorizontalPodAutoscaler', 'ScaledObject').flatMap((thing): Draft[] => {
    const kind = thing.text('spec', 'scaleTargetRef', 'kind') ?? 'Deployment';
    const name = thing.text('spec', 'scaleTargetRef', 'name');
    const drafts: Draft[] = [];
    const target = view.desired.find(
      (item) =>
        item.kind === kind &&
        item.name === name &&
        (item.namespace === thing.namespace || item.namespace === undefined || thing.namespace === undefined),
    );
    const replicas = target?.number('spec', 'replicas');
    if (target !== undefined && replicas !== undefined) {
      const live = view.find(kind, target.namespace, target.name)?.number('spec', 'replicas');
      drafts.push({
        failure: 'INT-06',
        id: 'replicas-fight-autoscaler',
        boundary: 'intent',
        kind: live !== undefined && live !== replicas ? 'cause' : 'risk',
        title: `Git says ${replicas} replicas for ${target.name}, and ${thing.id} scales it too`,
        confidence: live !== undefined && live !== replicas ? 0.75 : 0.9,
        why: [
          'Each sync sets the number from Git, each measurement of the autoscaler its own: the count goes up and down.',
        ],
        claims: [
          view.about('intent', target, 'spec.replicas', String(replicas), 'spec', 'replicas'),
          view.about('intent', thing, 'scaleTargetRef', `${kind}/${name ?? ''}`, 'spec', 'scaleTargetRef'),
        ],
        misleading: [['the sync is green, and so is SuccessfulRescale', 'they undo each other']],
        now: [
          'Take replicas out of the manifest in Git, and hand the field over so that it is not set to 1.',
          `kubectl get ${kind.toLowerCase()} ${target.name}${target.n} -o yaml --show-managed-fields`,
        ],
        lasting: ['No replicas in Git for what an autoscaler scales (landfall check).'],
        verify: [`kubectl get hpa${thing.n}`],
        can: 'commit',
        space: thing.namespace,
      });
    }
    for (const [index, item] of thing.list('status', 'conditions').entries()) {
      const type = getString(item, 'type');
      const reason = getString(item, 'reason') ?? '';
      const bad =
        (getString(item, 'status') === 'False' &&
          (type === 'ScalingActive' || type === 'AbleToScale') &&
          reason !== 'ScalingDisabled') ||
        (type === 'ScalingLimited' && getString(item, 'status') === 'True' && reason === 'TooManyReplicas');
      if (!bad) continue;
      const capped = reason === 'TooManyReplicas';
      drafts.push({
        failure: 'HEA-07',
        id: capped ? 'autoscaler-capped' : 'autoscaler-blind',
        boundary: 'health',
        kind: capped ? 'risk' : 'cause',
        title: capped
          ? `${thing.id} would scale further and may not: maxReplicas is reached`
          : `${thing.id} cannot compute: ${reason}`,
        confidence: 0.9,
        why: [quote(getString(item, 'message') ?? reason)],
        claims: [
          view.about(
            'health',
            thing,
            type ?? '',
            `${reason}: ${getString(item, 'message') ?? ''}`,
            'status',
            'conditions',
            index,
          ),
        ],
        misleading: [['the pods are healthy', 'until there is load']],
        now: [
          capped
            ? 'Raise maxReplicas in Git, if the cluster has room.'
            : 'Declare requests for every container, or bring the metrics back.',
          `kubectl describe hpa ${thing.name}${thing.n}`,
        ],
        lasting: [
          'Requests for everything that is scaled (landfall check), and an alert on ScalingActive=False.',
        ],
        verify: [`kubectl get hpa ${thing.name}${thing.n}`],
        can: 'commit',
        space: thing.namespace,
      });
      break;
    }
    return drafts;
  });
}

/** HEA-10: throttled, by the counters of the kernel. */
function throttled(view: View): Draft[] {
  const total = new Map<string, number>();
  for (const { name, labels, value } of view.world.samples)
    if (name.startsWith('container_cpu_cfs_periods'))
      total.set(`${labels['pod'] ?? ''}/${labels['container'] ?? ''}`, value);
  return view.world.samples.flatMap((sample): Draft[] => {
    if (!sample.name.startsWith('container_cpu_cfs_throttled_periods')) return [];
    const all = total.get(`${sample.labels['pod'] ?? ''}/${sample.labels['container'] ?? ''}`) ?? 0;
    if (all < 100 || sample.value / all < 0.25) return [];
    const share = Math.round((100 * sample.value) / all);
    return [
      {
        failure: 'HEA-10',
        id: 'cpu-throttled',
        boundary: 'health',
        title: `${sample.labels['pod'] ?? sample.labels['container'] ?? 'a container'} is throttled in ${share}% of its periods`,
        confidence: 0.8,
        why: [
          'It reaches its CPU limit within a tenth of a second and waits for the next; latency and probes suffer, the average stays low.',
        ],
        claims: [
          view.claim(
            'health',
            sample.labels['pod'] ?? '',
            'throttled periods',
            `${sample.value} of ${all}`,
            sample.source,
          ),
        ],
        misleading: [
          ['CPU below the limit', 'on average over a minute'],
          ['probes fail now and then', 'the program waits for its share'],
        ],
        now: ['Raise the CPU limit in Git, or take it away.', 'kubectl top pods --containers'],
        lasting: ['Compare p99 and throttling with the release before.'],
        verify: ['kubectl top pods --containers'],
        can: 'commit',
        space: sample.labels['namespace'],
      },
    ];
  });
}

/** INT-06, HEA-07, HEA-10: autoscalers and limits. */
export const scalingRule: WorldRule = (view) => [...autoscalers(view), ...throttled(view)];
