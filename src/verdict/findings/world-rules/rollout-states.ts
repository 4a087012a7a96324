import { getString, textOf } from '../../../kernel/index.ts';
import { digestIn, sameDigest, shortOf } from './digests.ts';
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
    if (thing.get('spec', 'paused') === true) {
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
        claims: [view.about('live', thing, 'spec.paused', 'true', 'spec', 'paused')],
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

/** ROL-14, ROL-15, ROL-16: counts of a Deployment that do not agree. Symptoms, where a cause is known. */
function counts(view: View): Draft[] {
  return view.kind('Deployment').flatMap((thing): Draft[] => {
    if (thing.get('spec', 'paused') === true) return [];
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
    if (updated !== undefined && updated < wanted && available !== undefined && available > 0)
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

/** ROL-17, ROL-18: StatefulSets and DaemonSets whose strategy keeps pods old. */
function sets(view: View): Draft[] {
  return view.kind('StatefulSet', 'DaemonSet').flatMap((thing): Draft[] => {
    const type = thing.text('spec', 'updateStrategy', 'type');
    const partition = thing.number('spec', 'updateStrategy', 'rollingUpdate', 'partition') ?? 0;
    const wanted = thing.number('spec', 'replicas') ?? thing.number('status', 'desiredNumberScheduled');
    const updated =
      thing.number('status', 'updatedReplicas') ?? thing.number('status', 'updatedNumberScheduled');
    const revision = thing.text('status', 'updateRevision');
    const current = thing.text('status', 'currentRevision');
    const pods = view.podsOf(thing);
    const hash = (pod: (typeof pods)[number]) =>
      getString(pod.thing.get('metadata', 'labels'), 'controller-revision-hash');
    const old = pods.filter(
      (pod) => revision !== undefined && hash(pod) !== undefined && hash(pod) !== revision,
    );
    const differs = revision !== undefined && current !== undefined && revision !== current;
    const behind =
      (updated !== undefined &&
        wanted !== undefined &&
        updated < wanted &&
        (differs || thing.kind === 'DaemonSet')) ||
      old.length > 0;
    if (!behind) return [];
    const claims = [
      view.about('rollout', thing, 'updatedReplicas', `${updated ?? '?'} of ${wanted ?? '?'}`, 'status'),
      ...old.map((pod) =>
        view.about('rollout', pod.thing, 'controller-revision-hash', hash(pod) ?? '', 'metadata', 'labels'),
      ),
    ];
    if (type === 'OnDelete' || partition > 0)
      return [
        {
          failure: 'ROL-18',
          id: 'update-held-by-strategy',
          boundary: 'rollout',
          title:
            type === 'OnDelete'
              ? `${thing.id} updates a pod only when somebody deletes it`
              : `${thing.id} updates only pods from number ${partition} on`,
          confidence: 0.94,
          why: [
            type === 'OnDelete'
              ? 'The strategy OnDelete leaves every running pod as it is.'
              : `With partition ${partition} of ${wanted ?? '?'} replicas, the pods below keep the old revision.`,
          ],
          claims: [
            view.about(
              'rollout',
              thing,
              'updateStrategy',
              type === 'OnDelete' ? type : `partition ${partition}`,
              'spec',
              'updateStrategy',
            ),
            ...claims,
          ],
          misleading: [
            [
              'rollout status and Helm are content',
              'they judge by the strategy, not by the revision of the pods',
            ],
          ],
          now: [
            type === 'OnDelete'
              ? 'Delete the old pods, one after the other.'
              : 'Lower the partition, in Git.',
            ...(type === 'OnDelete'
              ? old.slice(0, 1).map((pod) => `kubectl delete pod ${pod.name}${pod.thing.n}`)
              : []),
          ],
          lasting: ['Judge a release by the revision of its pods.'],
          verify: [`kubectl get pods${thing.n} -L controller-revision-hash`],
          can: 'commit',
          space: thing.namespace,
        },
      ];
    const wedged = old.filter((pod) => pod.ready === false);
    const [stuck] = wedged;
    if (
      thing.kind !== 'StatefulSet' ||
      stuck === undefined ||
      thing.text('spec', 'podManagementPolicy') === 'Parallel'
    )
      return [];
    return [
      {
        failure: 'ROL-17',
        id: 'stateful-set-wedged',
        boundary: 'rollout',
        title: `${thing.id} waits for ${stuck.name}, which has an old revision and will never be ready`,
        confidence: 0.95,
        why: [
          'An ordered StatefulSet waits until a pod is ready before it touches the next, and does not replace the broken one itself. The fix in Git cannot reach it (kubernetes/kubernetes#67250).',
        ],
        claims: [
          view.about('rollout', thing, 'updateRevision', revision ?? '', 'status', 'updateRevision'),
          view.about('health', stuck.thing, 'Ready', 'False', 'status', 'conditions'),
          ...claims,
        ],
        misleading: [['Git is mended and the sync is green', 'the pod keeps the broken revision']],
        now: [
          'Delete the stuck pod; it comes back with the new revision.',
          `kubectl delete pod ${stuck.name}${stuck.thing.n}`,
        ],
        lasting: [
          'Delete stuck pods as a step of every rollback, and Parallel where the order does not matter.',
        ],
        verify: [
          `kubectl get pods${thing.n} -L controller-revision-hash`,
          `kubectl rollout status ${thing.ref}${thing.n}`,
        ],
        space: thing.namespace,
      },
    ];
  });
}

/** PIP-11: one reference, several images under it. */
function mixedDigests(view: View): Draft[] {
  const drafts: Draft[] = [];
  const groups = groupBy(
    view.pods.filter((pod) => !pod.terminating),
    (pod) => {
      const hash = getString(pod.thing.get('metadata', 'labels'), 'pod-template-hash');
      return pod.workload.kind === 'Pod'
        ? undefined
        : `${pod.namespace ?? ''}/${pod.workload.kind}/${pod.workload.name}/${hash ?? pod.name.replace(/-[0-9a-z]{5}$/, '')}`;
    },
  );
  for (const pods of groups.values()) {
    const names = [
      ...new Set(
        pods.flatMap((pod) => pod.containers.filter(({ role }) => role === 'main').map(({ name }) => name)),
      ),
    ];
    for (const name of names) {
      const running = pods.flatMap((pod) => {
        const container = pod.containers.find((item) => item.name === name);
        const digest = digestIn(container?.imageID);
        return container === undefined || digest === undefined || container.image?.includes('@') === true
          ? []
          : [{ pod, container, digest }];
      });
      const [first] = running;
      if (first === undefined) continue;
      const other = running.filter(({ digest }) => sameDigest(digest, first.digest) === false);
      const references = new Set(running.map(({ container }) => container.image));
      if (other.length === 0 || references.size > 1) continue;
      drafts.push({
        failure: 'PIP-11',
        id: 'replicas-differ',
        boundary: 'intent',
        title: `replicas of ${first.pod.workload.name} run different images under one reference`,
        confidence: 0.95,
        why: [
          `${[...new Set(running.map(({ digest }) => shortOf(digest)))].join(' and ')} run as ${first.container.image ?? 'the same reference'}, by node: the tag was pushed again, and each node took what it had or what there was.`,
        ],
        claims: running.map(({ pod, container, digest }) =>
          view.claim(
            'rollout',
            pod.thing.id,
            'imageID',
            `${digest}${pod.node === undefined ? '' : ` on ${pod.node}`}`,
            pod.thing.cite(...container.statusPath, 'imageID'),
          ),
        ),
        misleading: [['READY n/n, one ReplicaSet, one tag', 'a tag is a name, not an image']],
        now: [
          'Pin the digest that is meant in Git: a new template, and every pod gets the same.',
          `kubectl get pods${first.pod.thing.n} -o custom-columns='POD:.metadata.name,NODE:.spec.nodeName,IMAGE:.status.containerStatuses[*].imageID'`,
        ],
        lasting: ['Deploy by digest, and make tags immutable in the registry.'],
        verify: [
          `kubectl get pods${first.pod.thing.n} -o jsonpath='{.items[*].status.containerStatuses[*].imageID}'`,
        ],
        can: 'commit',
        space: first.pod.namespace,
      });
    }
  }
  return drafts;
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

/** INT-05, TRA-07, HEA-06: what progressive delivery shows of itself. Sources: Argo Rollouts, Flagger statuses. */
function progressive(view: View): Draft[] {
  const drafts: Draft[] = [];
  for (const thing of view.kind('Rollout')) {
    const phase = thing.text('status', 'phase');
    const message = thing.text('status', 'message') ?? '';
    if (thing.get('status', 'abort') === true || /RolloutAborted/.test(message))
      drafts.push({
        failure: 'INT-05',
        id: 'rollout-aborted',
        boundary: 'rollout',
        title: `${thing.id} was aborted: Git asks for the new version, users get the old one`,
        confidence: 0.96,
        why: [
          message === '' ? 'The rollout went back to its stable version.' : quote(message),
          'Git still asks for what was refused; another sync changes nothing, and a retry tries the same again.',
        ],
        claims: [
          view.about('rollout', thing, 'abort', 'true', 'status', 'abort'),
          view.about(
            'rollout',
            thing,
            'stableRS',
            thing.text('status', 'stableRS') ?? '',
            'status',
            'stableRS',
          ),
        ],
        misleading: [['Argo CD: Synced', 'the spec equals Git; the status says that it was refused']],
        now: [
          'Go back in Git, or commit a version that is mended.',
          `kubectl argo rollouts get rollout ${thing.name}${thing.n}`,
        ],
        lasting: ['Let an abort open the commit that goes back, and call it aborted, never synced.'],
        verify: [`kubectl argo rollouts status ${thing.name}${thing.n}`],
        can: 'rollback',
        space: thing.namespace,
      });
    else if (phase === 'Paused' || thing.list('status', 'pauseConditions').length > 0)
      drafts.push({
        failure: 'TRA-07',
        id: 'rollout-waits-for-promotion',
        boundary: 'rollout',
        title: `${thing.id} is paused at a step and waits for somebody`,
        confidence: 0.88,
        why: [
          `${getString(thing.list('status', 'pauseConditions')[0], 'reason') ?? message}: only a part of the users gets the new version until it is promoted.`,
        ],
        claims: [view.about('rollout', thing, 'phase', phase ?? 'Paused', 'status', 'pauseConditions')],
        misleading: [['all pods are healthy, Argo CD shows Suspended', 'and nobody looks at it']],
        now: ['Promote or abort it.', `kubectl argo rollouts promote ${thing.name}${thing.n}`],
        lasting: ['An alert on the age of a pause, and weights that are measured, not believed.'],
        verify: [`kubectl argo rollouts status ${thing.name}${thing.n}`],
        space: thing.namespace,
      });
    const active = thing.text('spec', 'strategy', 'blueGreen', 'activeService');
    const service = active === undefined ? undefined : view.find('Service', thing.namespace, active);
    const selected = service?.text('spec', 'selector', 'rollouts-pod-template-hash');
    const current = thing.text('status', 'currentPodHash');
    if (
      service !== undefined &&
      selected !== undefined &&
      current !== undefined &&
      selected !== current &&
      thing.get('status', 'abort') !== true &&
      phase !== 'Paused'
    )
      drafts.push({
        failure: 'TRA-07',
        id: 'active-service-not-switched',
        boundary: 'traffic',
        title: `the active Service ${service.name} still leads to the old version`,
        confidence: 0.92,
        why: [`It selects the pods of ${selected}; the rollout has made ${current}.`],
        claims: [
          view.about('traffic', service, 'rollouts-pod-template-hash', selected, 'spec', 'selector'),
          view.about('rollout', thing, 'currentPodHash', current, 'status', 'currentPodHash'),
        ],
        misleading: [['all new pods are ready', 'nobody is sent to them']],
        now: [
          'Promote it, or see who else writes the Service.',
          `kubectl argo rollouts promote ${thing.name}${thing.n}`,
        ],
        lasting: ['Verify the switch by what answers.'],
        verify: [`kubectl get service ${service.name}${service.n} -o jsonpath='{.spec.selector}'`],
        space: thing.namespace,
      });
  }
  for (const thing of view.kind('Canary')) {
    if (thing.text('status', 'phase') !== 'Failed') continue;
    drafts.push({
      failure: 'INT-05',
      id: 'rollout-aborted',
      boundary: 'rollout',
      title: `${thing.id} failed: Git asks for the new version, users get the old one`,
      confidence: 0.94,
      why: ['Flagger went back to the primary; Git still asks for what was refused.'],
      claims: [view.about('rollout', thing, 'phase', 'Failed', 'status', 'phase')],
      misleading: [['the sync is green', 'the spec equals Git; the analysis refused it']],
      now: [
        'Go back in Git, or commit a version that is mended.',
        `kubectl describe canary ${thing.name}${thing.n}`,
      ],
      lasting: ['Let a failed canary open the commit that goes back.'],
      verify: [`kubectl get canary ${thing.name}${thing.n}`],
      can: 'rollback',
      space: thing.namespace,
    });
  }
  for (const thing of view.kind('AnalysisRun')) {
    const results = thing.list('status', 'metricResults');
    const measured = results.reduce(
      (sum, item) => sum + (typeof item['successful'] === 'number' ? item['successful'] : 0),
      0,
    );
    const errors = results.reduce(
      (sum, item) => sum + (typeof item['error'] === 'number' ? item['error'] : 0),
      0,
    );
    const phase = thing.text('status', 'phase');
    const hollow = phase === 'Successful' && thing.whole && measured === 0;
    const provider = phase === 'Error' && errors > 0 && measured === 0;
    if (!hollow && !provider) continue;
    drafts.push({
      failure: 'HEA-06',
      id: 'analysis-misleads',
      boundary: 'rollout',
      title: hollow
        ? `${thing.id} is Successful and has measured nothing`
        : `${thing.id} ended because its metrics did not answer, not because the release is bad`,
      confidence: 0.9,
      why: [
        hollow
          ? 'It was ended before it had measured, and an analysis that is ended counts as successful.'
          : `${counted(errors, 'measurement')} failed at the provider; after a few of them in a row the analysis ends as an error and the rollout is aborted.`,
      ],
      claims: [
        view.about('rollout', thing, 'phase', phase ?? '', 'status', 'phase'),
        view.about(
          'rollout',
          thing,
          'measurements',
          `${measured} successful, ${errors} errors`,
          'status',
          'metricResults',
        ),
      ],
      misleading: [[`AnalysisRun ${phase ?? ''}`, 'the phase does not say what was measured']],
      now: [
        'Look at the measurements and run it again; promote or abort with a reason.',
        `kubectl get analysisrun ${thing.name}${thing.n} -o yaml`,
      ],
      lasting: ['Tell apart passed, failed, inconclusive, not run and provider error; keep the samples.'],
      verify: [`kubectl get analysisrun ${thing.name}${thing.n}`],
      space: thing.namespace,
    });
  }
  for (const { text, source } of [
    ...view.world.logs.map(({ message, source: from }) => ({ text: message, source: from })),
    ...view.world.events.map(({ message, source: from }) => ({ text: message, source: from })),
  ]) {
    if (
      !/Halt advancement no values found|reflect: slice index out of range|no values found for (?:custom )?metric|probably not receiving traffic/i.test(
        text,
      )
    )
      continue;
    drafts.push({
      failure: 'HEA-05',
      id: 'no-samples',
      boundary: 'traffic',
      title: 'the metrics of the new version have no samples: its health is not proven',
      confidence: 0.88,
      why: [
        quote(text),
        'No errors seen is not the same as no errors: nobody has asked the new version anything, or its metrics are not found.',
      ],
      claims: [view.claim('traffic', 'analysis', 'message', text, source)],
      misleading: [['no errors', 'of no requests']],
      now: ['Send traffic or mend the labels of the query; leave the verdict open until then.'],
      lasting: ['A least number of samples; none is inconclusive, never a success.'],
      verify: ['kubectl get canaries,analysisruns -A'],
    });
    break;
  }
  return drafts;
}

/** LIV-05, LIV-06, ROL-14 to ROL-18, PIP-11, REC-14, INT-05, TRA-07, HEA-05, HEA-06: rollouts by their own numbers. */
export const rolloutStatesRule: WorldRule = (view) => [
  ...notAttempted(view),
  ...counts(view),
  ...sets(view),
  ...mixedDigests(view),
  ...beforeObserved(view),
  ...progressive(view),
];
