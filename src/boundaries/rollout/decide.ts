import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { BoundaryReport, BoundaryState, Claim } from '../boundary.ts';
import { worst } from '../combine.ts';
import { shortDigest, shortNames } from '../names.ts';
import type { Reading } from '../reading.ts';
import { objectSource } from '../source.ts';
import { declaredReplicas, endsByItself, templateContainers } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import type { WorkloadPods } from '../workload-pods.ts';
import type { StaleConfiguration } from './configuration.ts';
import { configurationProgress, DONE, pinsItsImages, progressOf, terminatingText } from './progress.ts';
import type { Progress } from './progress.ts';

/** What comparing one running container with the image that was expected of it gave. */
export type DigestOutcome = 'match' | 'equivalent' | 'inconclusive' | 'mismatch';

export interface DigestCheck {
  readonly pod: string;
  readonly container: string;
  readonly role: 'main' | 'init' | 'sidecar';
  readonly imageID: string;
  /** The digest in imageID, when it has one. */
  readonly digest: string | undefined;
  readonly expected: string;
  readonly outcome: DigestOutcome;
  /** One sentence, when the outcome is not a match. */
  readonly why: string;
}

export interface RolloutSubject {
  readonly object: KubeObject;
  readonly live: Reading<KubeObject>;
  readonly pods: Reading<WorkloadPods>;
  readonly checks: readonly DigestCheck[];
  /** An autoscaler owns the replica count: any count within its bounds is right. */
  readonly autoscaled: boolean | 'unknown';
  /** The ScaledObject for which it rests at zero pods, where one says so. */
  readonly atRest?: string;
  /** Containers that are older than a change of what they read; left out where nothing was looked at. */
  readonly configuration?: readonly StaleConfiguration[];
}

export interface RolloutOptions {
  /** Pods that say of themselves that nothing runs in them count as running. Default false. */
  readonly acceptSimulated: boolean;
}

/** Pods per digest, most first: `3e7a9f2b on 3 of 3 pods`. */
function distribution(
  checks: readonly DigestCheck[],
): readonly { readonly digest: string; readonly pods: number }[] {
  const counted = new Map<string, Set<string>>();
  for (const check of checks) {
    const digest = check.digest ?? (check.imageID || 'no image');
    const pods = counted.get(digest) ?? new Set();
    pods.add(check.pod);
    counted.set(digest, pods);
  }
  return [...counted]
    .map(([digest, pods]) => ({ digest, pods: pods.size }))
    .toSorted((a, b) => b.pods - a.pods);
}

interface Judged extends Progress {
  readonly subject: RolloutSubject;
}

function judge(subject: RolloutSubject, options: RolloutOptions): Judged {
  const name = objectName(subject.object);
  if (subject.live.state === 'unreadable')
    return { subject, state: 'unknown', reason: 'unreadable', text: subject.live.why };
  if (subject.live.state === 'absent' && endsByItself(subject.object))
    return {
      subject,
      state: 'unknown',
      reason: 'job-gone',
      text: `${name} is not there; it is deleted some time after its end`,
    };
  if (subject.live.state === 'absent')
    return { subject, state: 'broken', reason: 'missing', text: `${name} does not exist` };
  if (subject.pods.state !== 'read')
    return { subject, state: 'unknown', reason: 'pods-unreadable', text: subject.pods.why };
  const live = subject.live.value;
  const pods = subject.pods.value;
  const progress = progressOf(live, pods, subject.object);
  if (progress.state === 'not-applicable') return { subject, ...progress };
  const running = pods.current.filter((pod) => !pod.terminating);
  const scale = declaredReplicas(live);
  if (live.kind === 'DaemonSet' && running.length === 0 && progress.state === 'proven') {
    // Zero is declared nowhere: a selector that no node fits may be meant, or mistyped.
    return {
      subject,
      state: 'unknown',
      reason: 'no-eligible-node',
      text: `${name} runs nowhere: no node fits it, and whether that is meant cannot be told`,
    };
  }
  if (running.length === 0 && scale === 0) {
    if (progress.state !== 'proven') return { subject, ...progress };
    if (pods.current.length > 0) {
      const text = `${name}: ${terminatingText(pods.current)}`;
      return { subject, state: 'moving', reason: 'old-pods-terminating', text };
    }
    if (subject.atRest !== undefined)
      return {
        subject,
        state: 'not-applicable',
        reason: 'at-rest',
        text: `${name} rests at zero pods, as ScaledObject ${subject.atRest} has it`,
      };
    return declaredReplicas(subject.object) === 0
      ? { subject, state: 'not-applicable', reason: 'zero-declared', text: `${name} declares zero pods` }
      : {
          subject,
          state: 'unknown',
          reason: 'scaled-to-zero',
          text: `${name} has no pods to look at: it was scaled to zero`,
        };
  }
  if (running.length === 0) {
    return progress.state === 'proven' && live.kind === 'Job' && pinsItsImages(live)
      ? { subject, ...DONE }
      : progress.state === 'proven'
        ? { subject, state: 'unknown', reason: 'no-pods', text: `${name} has no pod to look at` }
        : { subject, ...progress };
  }
  if (!options.acceptSimulated && running.some((pod) => pod.simulated)) {
    return {
      subject,
      state: 'unknown',
      reason: 'simulated',
      text: `${name}: its pods say that they are simulated; nothing runs (--accept-simulated takes them as running)`,
    };
  }
  const mismatch = subject.checks.find((check) => check.outcome === 'mismatch');
  // While pods are being replaced a wrong digest on a new pod is still a wrong digest: new pods are the only ones checked.
  if (mismatch !== undefined) return { subject, state: 'broken', reason: 'wrong-digest', text: mismatch.why };
  if (progress.state !== 'proven') return { subject, ...progress };
  const configuration = configurationProgress(subject.configuration ?? []);
  if (configuration?.state === 'broken') return { subject, ...configuration };
  const unseen = unseenContainer(subject, running);
  if (unseen !== undefined) return { subject, state: 'unknown', reason: 'container-missing', text: unseen };
  const undecided = subject.checks.find((check) => check.outcome === 'inconclusive');
  if (undecided !== undefined)
    return { subject, state: 'unknown', reason: 'digest-undecided', text: undecided.why };
  if (configuration !== undefined) return { subject, ...configuration };
  return { subject, ...DONE };
}

/** A kind of somebody's own that carries a pod template: which pods are of it is known to its controller. */
function notJudged(object: KubeObject): Judged {
  const unread = { state: 'unreadable' as const, why: 'not read', code: 'not-read' };
  return {
    subject: { object, live: unread, pods: unread, checks: [], autoscaled: false },
    state: 'unknown',
    reason: 'kind-not-judged',
    text: `${objectName(object)} runs pods, and which ones is not known for its kind`,
  };
}

/** A container that the template names and a pod says nothing about: what runs in its place was not looked at. */
function unseenContainer({ object, checks }: RolloutSubject, pods: readonly PodFacts[]): string | undefined {
  if (object.kind === 'Job') return undefined;
  for (const { name, role } of templateContainers(object)) {
    if (role === 'init') continue;
    const silent = pods.find(
      (pod) => !checks.some((check) => check.pod === pod.name && check.container === name),
    );
    if (silent !== undefined) return `${silent.name} says nothing about its container ${name}`;
  }
  return undefined;
}

/**
 * Boundary 7: has the new revision replaced the old one on every pod, with the right digest? Counts come from the
 * generation that the controller has observed; digests from every pod of the stored template, never from one. `others`
 * are objects that run pods in a way that is not known here.
 */
export function decideRollout(
  subjects: readonly RolloutSubject[],
  at: string,
  options: RolloutOptions,
  others: readonly KubeObject[] = [],
): BoundaryReport {
  if (subjects.length === 0 && others.length === 0) {
    return {
      boundary: 'rollout',
      state: 'not-applicable',
      reason: 'no-workload',
      headline: 'no workload',
      detail: 'nothing was rendered that runs pods',
      claims: [],
    };
  }
  const judged = [
    ...subjects.map((subject) => judge(subject, options)),
    ...others.map((object) => notJudged(object)),
  ];
  const state = worst(judged.map((item) => item.state));
  const leading = judged.find((item) => item.state === state);
  const checks = subjects.flatMap((subject) => subject.checks.filter((check) => check.role !== 'init'));
  const wrong = checks.filter((check) => check.outcome === 'mismatch');
  const shown = distribution(wrong.length > 0 ? wrong : checks);
  const digests = shown.map((entry) => entry.digest);
  const short = shortNames(digests.filter((digest) => digest.startsWith('sha256:')));
  const podCount = new Set(
    subjects.flatMap((subject) =>
      subject.pods.state === 'read'
        ? subject.pods.value.current.filter((pod) => !pod.terminating).map((pod) => pod.name)
        : [],
    ),
  ).size;
  const claims: Claim[] = subjects.flatMap((subject) => {
    const live = subject.live.state === 'read' ? subject.live.value : subject.object;
    const revision = live.metadata.annotations?.['deployment.kubernetes.io/revision'];
    const revisionClaim: Claim[] =
      revision === undefined
        ? []
        : [
            {
              boundary: 'rollout',
              subject: objectName(live),
              attribute: 'rollout.revision',
              value: revision,
              source: objectSource(live),
              at,
            },
          ];
    const pods = subject.pods.state === 'read' ? subject.pods.value.current : [];
    const podClaims = pods.map((pod): Claim => ({
      boundary: 'rollout',
      subject: `Pod/${pod.namespace}/${pod.name}`,
      attribute: 'createdAt',
      value: pod.createdAt,
      source: podSource(pod),
      at,
    }));
    const digestClaims = subject.checks.flatMap((check): Claim[] => {
      const pod = pods.find((candidate) => candidate.name === check.pod);
      const of = {
        boundary: 'rollout' as const,
        subject: `Pod/${pod?.namespace ?? ''}/${check.pod}/${check.container}`,
        source: pod === undefined ? objectSource(live) : podSource(pod),
        at,
      };
      return [
        { ...of, attribute: 'digest', value: check.digest ?? check.imageID },
        { ...of, attribute: 'digest.expected', value: check.expected },
        { ...of, attribute: 'digest.outcome', value: check.outcome },
      ];
    });
    const configurationClaims = (subject.configuration ?? []).map((one): Claim => {
      const pod = pods.find((candidate) => candidate.name === one.pod);
      return {
        boundary: 'rollout',
        subject: `Pod/${pod?.namespace ?? ''}/${one.pod}/${one.container}`,
        attribute: `configuration.${one.outcome}`,
        value: one.object,
        source: pod === undefined ? objectSource(live) : podSource(pod),
        at,
      };
    });
    return [...revisionClaim, ...podClaims, ...digestClaims, ...configurationClaims];
  });
  const first = shown[0];
  const firstName = first === undefined ? undefined : (short.get(first.digest) ?? first.digest);
  return {
    boundary: 'rollout',
    state,
    reason: leading?.reason ?? 'replaced',
    headline: firstName ?? (state === 'not-applicable' ? 'no pods' : `${podCount} pods`),
    detail: detail(state, leading, first, podCount),
    ...(wrong[0] === undefined ? {} : { where: `≠ ${shortDigest(wrong[0].expected)}` }),
    ...(leading === undefined ? {} : hintOf(leading)),
    claims,
  };
}

/** Whoever holds it has to let it go. */
const HELD: Readonly<Record<string, string>> = {
  paused: 'Take spec.paused out of what Git asks for: while it is paused no pod is replaced.',
  'on-delete': 'Delete the pods of the old revision one after the other, or let RollingUpdate do it.',
  'not-replaced': 'Delete the older pods, or run them by a Deployment, which replaces them.',
};

/** Only new containers read a configuration anew. */
function hintOf({ reason, subject }: Judged): { readonly hint?: string } {
  const { kind, metadata } = subject.object;
  const held = HELD[reason];
  if (held !== undefined) return { hint: held };
  if (!reason.startsWith('configuration-')) return {};
  return {
    hint: `Make the configuration part of the template, so that a change replaces pods (a configMapGenerator names it by its content); for now: kubectl rollout restart ${kind.toLowerCase()}/${metadata.name} -n ${metadata.namespace ?? 'default'}.`,
  };
}

function detail(
  state: BoundaryState,
  leading: Judged | undefined,
  first: { readonly pods: number } | undefined,
  podCount: number,
): string {
  if (leading?.reason === 'wrong-digest') return `on ${first?.pods ?? 0} of ${podCount} pods`;
  if (state === 'proven') return `on ${first?.pods ?? podCount} of ${podCount} pods`;
  return leading?.text ?? '';
}

function podSource(pod: PodFacts) {
  return {
    type: 'object' as const,
    apiVersion: 'v1',
    kind: 'Pod',
    namespace: pod.namespace,
    name: pod.name,
    ...(pod.resourceVersion === undefined ? {} : { resourceVersion: pod.resourceVersion }),
  };
}
