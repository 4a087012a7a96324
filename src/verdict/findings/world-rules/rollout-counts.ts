import { getString, textOf } from '../../../kernel/index.ts';
import { ownerName } from '../../world/index.ts';
import type { Pod } from './pods.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

function condition(thing: Thing, type: string) {
  const list = thing.list('status', 'conditions');
  const index = list.findIndex((item) => getString(item, 'type') === type);
  return index < 0
    ? undefined
    : {
        status: getString(list[index], 'status'),
        reason: getString(list[index], 'reason'),
        message: getString(list[index], 'message') ?? '',
        index,
      };
}

/** LIV-05, LIV-06: what was asked to have no pods, or not to be updated. */
function notAttempted(view: View): Draft[] {
  return view.kind('Deployment', 'StatefulSet', 'Rollout').flatMap((thing): Draft[] => {
    const drafts: Draft[] = [];
    const replicas = thing.number('spec', 'replicas');
    const wanted = view.wanted(thing)?.number('spec', 'replicas');
    const zeroDeclared = view.wanted(thing) !== undefined && wanted === 0;
    const served = view.kind('Service').some((service) => {
      const selector = Object.entries(service.map('spec', 'selector') ?? {});
      const labels =
        thing.map('spec', 'template', 'metadata', 'labels') ??
        thing.map('spec', 'selector', 'matchLabels') ??
        {};
      return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
    });
    const scaler = thing.text('metadata', 'annotations', 'autoscaling.keda.sh/paused-replicas');
    if (replicas === 0 && !zeroDeclared) {
      const byGit = wanted !== undefined && wanted > 0;
      drafts.push({
        failure: 'LIV-05',
        id: 'scaled-to-zero',
        boundary: 'live',
        kind: byGit || served || scaler !== undefined ? 'cause' : 'risk',
        title: `${thing.id} is scaled to zero${byGit ? `, and Git asks for ${wanted}` : ''}`,
        confidence: byGit ? 0.95 : served ? 0.8 : 0.6,
        why: ['Nothing fails where nothing runs: no event, no error, and every light is green.'],
        claims: [
          view.about('live', thing, 'replicas', '0', 'spec', 'replicas'),
          ...(byGit
            ? [
                view.about(
                  'intent',
                  view.wanted(thing) ?? thing,
                  'replicas',
                  textOf(wanted),
                  'spec',
                  'replicas',
                ),
              ]
            : []),
        ],
        misleading: [['READY 0/0, Healthy, no errors', 'zero of zero pods are ready']],
        now: [
          'Scale it up where it is meant to run, and find out who scaled it down.',
          `kubectl get ${thing.ref}${thing.n} -o yaml --show-managed-fields | grep -B 20 "f:replicas"`,
          `kubectl scale ${thing.ref}${thing.n} --replicas=${wanted ?? 1}`,
        ],
        lasting: ['Zero replicas count as landed only where Git declares them.'],
        verify: [`kubectl get ${thing.ref}${thing.n}`],
        can: 'sync',
        space: thing.namespace,
      });
    }
    const paused =
      thing.get('spec', 'paused') === true || condition(thing, 'Progressing')?.reason === 'DeploymentPaused';
    if (paused) {
      const declared = view.wanted(thing)?.get('spec', 'paused') === true;
      drafts.push({
        failure: 'LIV-06',
        id: 'workload-paused',
        boundary: 'rollout',
        title: `${thing.id} is paused: its new template is not rolled out`,
        confidence: 0.94,
        why: [
          'A paused workload takes every change of its template and acts on none.',
          declared
            ? 'Git declares the pause.'
            : 'Nobody declared it in what is known of Git; somebody paused it in the cluster.',
        ],
        claims: [
          thing.get('spec', 'paused') === true
            ? view.about('live', thing, 'spec.paused', 'true', 'spec', 'paused')
            : view.about('live', thing, 'Progressing', 'DeploymentPaused', 'status', 'conditions'),
        ],
        misleading: [
          ['Available=True, all ready', 'of the template before'],
          ['rollout status waits without a word, Helm reports success', 'neither looks at the pause'],
        ],
        now: [
          'Resume it, once it is clear why it was paused.',
          `kubectl rollout resume ${thing.ref}${thing.n}`,
        ],
        lasting: ['A pause needs an owner and an end; a proof that says "not attempted" instead of green.'],
        verify: [`kubectl rollout status ${thing.ref}${thing.n}`],
        space: thing.namespace,
      });
    }
    return drafts;
  });
}

function setOf(set: Thing, workload: Thing): boolean {
  const owner = getString(set.list('metadata', 'ownerReferences')[0], 'name');
  return owner === undefined
    ? ownerName('ReplicaSet', set.name) === workload.name
    : owner === workload.name && (set.namespace ?? workload.namespace) === workload.namespace;
}

/** Longer than a rollout takes that goes on by itself: Kubernetes' own default deadline. */
const LONG = 600_000;

/** How much later than its grace period a pod may be gone, in ms. */
const TOLERANCE = 10_000;

/** Nothing in the counts alone tells a rollout that goes on from one that does not; its age or somebody who waited does. */
function isStuck(view: View, thing: Thing): boolean {
  const waited = view.world.answers.some(
    ({ asked, answer, ok }) =>
      ok === false &&
      /timed out waiting|exceeded its progress deadline/.test(answer) &&
      (asked.includes(thing.name) || asked === ''),
  );
  const now = Date.parse(view.world.at ?? '');
  const moved = Date.parse(
    getString(
      thing.list('status', 'conditions').find((item) => getString(item, 'type') === 'Progressing'),
      'lastUpdateTime',
    ) ?? '',
  );
  const newest = view
    .kind('ReplicaSet')
    .filter((set) => setOf(set, thing) && (set.number('spec', 'replicas') ?? 0) > 0)
    .flatMap(({ ageMs }) => ageMs ?? [])
    .toSorted((a, b) => a - b)[0];
  return (
    waited ||
    (newest !== undefined && newest >= LONG) ||
    (!Number.isNaN(now) && !Number.isNaN(moved) && now - moved >= LONG / 2)
  );
}

/** Whether a pod should be gone: its deletion is due when its grace period is over. */
function isOverdue({ world }: View, { thing }: Pod): boolean {
  const due = Date.parse(thing.text('metadata', 'deletionTimestamp') ?? '');
  return due < Date.parse(world.at ?? '') - TOLERANCE;
}

/** ROL-16: pods of the release before that still end, long after those of the new one were there. */
function leaving(view: View): Draft[] {
  const groups = groupBy(view.pods, (pod) =>
    pod.workload.kind === 'Pod'
      ? undefined
      : `${pod.namespace ?? ''}/${pod.workload.kind}/${pod.workload.name}`,
  );
  return [...groups.values()].flatMap((pods): Draft[] => {
    const ending = pods.filter((pod) => pod.terminating);
    const [first] = ending;
    const ages = pods
      .filter((pod) => !pod.terminating && pod.ready === true)
      .flatMap(({ thing }) => thing.ageMs ?? []);
    const counts = view.find(first?.workload.kind ?? '', first?.namespace, first?.workload.name ?? '');
    // Where the workload shows its own counts, these decide.
    if (first === undefined || ages.length === 0 || Math.min(...ages) < LONG) return [];
    if (counts?.number('status', 'replicas') !== undefined) return [];
    return [
      {
        failure: 'ROL-16',
        id: 'old-pods-stay',
        boundary: 'rollout',
        title: `${first.workload.name}: ${counted(ending.length, 'pod')} will not go`,
        confidence: 0.8,
        why: [
          'The new pods have been ready for long, and others still end: a long grace period, a finalizer, or a node that does not answer.',
        ],
        claims: ending.map((pod) =>
          view.about('rollout', pod.thing, 'status', 'Terminating', 'metadata', 'deletionTimestamp'),
        ),
        misleading: [['the new version is ready', 'a test through the Deployment may reach a pod that ends']],
        now: [
          'See since when they end and on which node; mend the node, and force the end only after a look.',
          `kubectl get pods${first.thing.n} -o wide`,
          'kubectl get nodes',
        ],
        lasting: ['Test only what the Service leads to, and bound the grace period.'],
        verify: [`kubectl get pods${first.thing.n}`],
        space: first.namespace,
        symptom: true,
      },
    ];
  });
}

/** ROL-14, ROL-15, ROL-16: counts of a Deployment that do not agree. Symptoms, where a cause is known. */
function counts(view: View): Draft[] {
  return view.kind('Deployment').flatMap((thing): Draft[] => {
    if (
      thing.get('spec', 'paused') === true ||
      condition(thing, 'Progressing')?.reason === 'DeploymentPaused'
    )
      return [];
    const wanted = thing.number('spec', 'replicas') ?? (thing.whole ? 1 : undefined);
    const zero = thing.whole ? 0 : undefined;
    const updated = thing.number('status', 'updatedReplicas') ?? zero;
    const total = thing.number('status', 'replicas') ?? zero;
    const available = thing.number('status', 'availableReplicas') ?? zero;
    const generation = thing.number('metadata', 'generation');
    const observed = thing.number('status', 'observedGeneration');
    const progressing = condition(thing, 'Progressing');
    const seen = generation === undefined || observed === undefined || observed >= generation;
    const stale =
      progressing?.reason === 'ProgressDeadlineExceeded' &&
      wanted !== undefined &&
      updated === wanted &&
      available === wanted &&
      total === wanted;
    const base = {
      boundary: 'rollout' as const,
      space: thing.namespace,
      verify: [`kubectl rollout status ${thing.ref}${thing.n}`],
    };
    if (progressing?.reason === 'ProgressDeadlineExceeded')
      return [
        {
          ...base,
          failure: 'ROL-14',
          id: stale ? 'deadline-condition-stale' : 'progress-deadline-exceeded',
          kind: stale ? 'risk' : 'cause',
          title: stale
            ? `${thing.id} says that its deadline has passed, and all its pods are there`
            : `${thing.id} did not progress within its deadline`,
          confidence: stale ? 0.9 : 0.7,
          why: [
            stale
              ? 'The condition is older than the state: nothing removes it before the next rollout.'
              : `${quote(progressing.message)} It is a symptom, never a cause: why stands at the pods of the newest ReplicaSet. Kubernetes takes nothing back by itself.`,
          ],
          claims: [
            view.about(
              'rollout',
              thing,
              'Progressing',
              `ProgressDeadlineExceeded: ${progressing.message}`,
              'status',
              'conditions',
              progressing.index,
            ),
          ],
          misleading: [
            ['a slow start looks like a failure', 'and may still complete'],
            ['rollout status fails after a rollback that worked', 'the condition is old'],
          ],
          now: [
            'Look at the pods of the newest ReplicaSet.',
            `kubectl get replicasets${thing.n} --sort-by=.metadata.creationTimestamp`,
            `kubectl describe pods${thing.n}`,
          ],
          lasting: [
            'A deadline above the slowest start times the steps, and reports that name the cause, not the timeout.',
          ],
          can: 'rollback',
          symptom: true,
        },
      ];
    if (!seen || wanted === undefined || wanted === 0) return [];
    const old = () =>
      view
        .kind('ReplicaSet')
        .some((set) => setOf(set, thing) && (set.number('status', 'readyReplicas') ?? 0) > 0);
    if (
      updated !== undefined &&
      updated < wanted &&
      ((available !== undefined && available > 0) || old()) &&
      isStuck(view, thing)
    )
      return [
        {
          ...base,
          failure: 'ROL-15',
          id: 'half-rolled',
          title: `${thing.id} is half rolled out: ${updated} of ${wanted} pods have the new template`,
          confidence: 0.65,
          why: ['Old and new pods serve together. The update goes on only when new pods become available.'],
          claims: [
            view.about(
              'rollout',
              thing,
              'updatedReplicas',
              `${updated} of ${wanted}`,
              'status',
              'updatedReplicas',
            ),
          ],
          misleading: [['Available=True, users are served', 'by the old pods']],
          now: [
            'See why the new pods do not become available; mend it or go back.',
            `kubectl get replicasets${thing.n}`,
          ],
          lasting: ['Landed only when every ready endpoint has the intended template and digest.'],
          can: 'rollback',
          symptom: true,
        },
      ];
    if (updated === wanted && total !== undefined && total > wanted && (available ?? 0) >= wanted) {
      const leaving = view.podsOf(thing).filter((pod) => pod.terminating);
      if (!isStuck(view, thing) && !leaving.some((pod) => isOverdue(view, pod))) return [];
      return [
        {
          ...base,
          failure: 'ROL-16',
          id: 'old-pods-stay',
          title: `${thing.id}: ${counted(total - wanted, 'old pod')} will not go`,
          confidence: 0.8,
          why: [
            'All new pods are available, and old ones still end: a long grace period, a finalizer, or a node that does not answer.',
          ],
          claims: [
            view.about('rollout', thing, 'replicas', `${total}, wanted ${wanted}`, 'status', 'replicas'),
            ...leaving.map((pod) =>
              view.about(
                'rollout',
                pod.thing,
                'deletionTimestamp',
                pod.thing.text('metadata', 'deletionTimestamp') ?? '',
                'metadata',
                'deletionTimestamp',
              ),
            ),
          ],
          misleading: [
            ['the new version is ready', 'a test through the Deployment may reach a pod that ends'],
          ],
          now: [
            'See since when they end and on which node; mend the node, and force the end only after a look.',
            `kubectl get pods${thing.n} -o wide`,
            'kubectl get nodes',
          ],
          lasting: ['Test only what the Service leads to, and bound the grace period.'],
        },
      ];
    }
    return [];
  });
}

/** REC-14: ready counts that belong to an older generation. */
function beforeObserved(view: View): Draft[] {
  return view.kind('Deployment', 'StatefulSet', 'DaemonSet').flatMap((thing): Draft[] => {
    const generation = thing.number('metadata', 'generation');
    const observed = thing.number('status', 'observedGeneration');
    const declared = view.world.engines.some(
      ({ operation, sync }) => operation?.phase === 'Succeeded' || sync === 'Synced',
    );
    if (generation === undefined || observed === undefined || observed >= generation || !declared) return [];
    return [
      {
        failure: 'REC-14',
        id: 'success-before-observed',
        boundary: 'rollout',
        title: `${thing.id} was called a success before its controller had seen the change`,
        confidence: 0.75,
        why: [
          `Its status speaks of generation ${observed}, the change is generation ${generation}: what it counts as ready is the release before.`,
        ],
        claims: [
          view.about(
            'rollout',
            thing,
            'observedGeneration',
            `${observed} of ${generation}`,
            'status',
            'observedGeneration',
          ),
        ],
        misleading: [['green at once', 'nothing had been looked at yet']],
        now: ['Look again when the generation is observed.', `kubectl rollout status ${thing.ref}${thing.n}`],
        lasting: ['Bind every verdict to the generation that the apply produced.'],
        verify: [
          `kubectl get ${thing.ref}${thing.n} -o jsonpath='{.metadata.generation} {.status.observedGeneration}'`,
        ],
        space: thing.namespace,
        symptom: true,
      },
    ];
  });
}

/** LIV-05, LIV-06, REC-14, ROL-14 to ROL-16: rollouts by their own numbers. */
export const rolloutCountsRule: WorldRule = (view) => [
  ...notAttempted(view),
  ...counts(view),
  ...leaving(view),
  ...beforeObserved(view),
];
