import { getString } from '../../../kernel/index.ts';
import { sameDigest } from '../../world/index.ts';
import { digestIn, shortOf } from './digests.ts';
import { groupBy } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

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
      // A pod of a StatefulSet names its whole revision; older tables and copies show its hash alone.
      (pod) => {
        const own = hash(pod);
        return (
          revision !== undefined && own !== undefined && own !== revision && !revision.endsWith(`-${own}`)
        );
      },
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
      const other = running.filter(({ digest }) => sameDigest(digest, first.digest) === 'different');
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

/** PIP-11, ROL-17, ROL-18: pods by the revision and the image that they have. */
export const podRevisionsRule: WorldRule = (view) => [...sets(view), ...mixedDigests(view)];
