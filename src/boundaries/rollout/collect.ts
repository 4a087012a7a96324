import { getString, mapBounded } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { compareImageId, parseImageId } from '../../oci/index.ts';
import type { ImageComparison, ImageLookup, Resolution } from '../../oci/index.ts';
import type { ImageFacts, NodePlatforms } from '../artifact/index.ts';
import { autoscaling, objectKey, restsAtZero } from '../live/index.ts';
import type { ClusterSnapshot } from '../live/index.ts';
import { shortDigest, shortReference } from '../names.ts';
import { valueOf } from '../reading.ts';
import type { RenderedFacts } from '../rendered.ts';
import { declaredReplicas, isWorkload, templateContainers } from '../workload.ts';
import type { PodContainer, PodFacts } from '../workload.ts';
import { workloadPods } from '../workload-pods.ts';
import { staleConfiguration } from './configuration.ts';
import type { DigestCheck, RolloutSubject } from './decide.ts';

const AT_ONCE = 6;

interface Platform {
  readonly os: string;
  readonly architecture: string;
}

function platformOf(node: KubeObject | undefined): Platform | undefined {
  const os = getString(node, 'status', 'nodeInfo', 'operatingSystem');
  const architecture = getString(node, 'status', 'nodeInfo', 'architecture');
  return os === undefined || architecture === undefined ? undefined : { os, architecture };
}

function distinct(nodes: readonly KubeObject[]): readonly Platform[] {
  const platforms = nodes.flatMap((node) => platformOf(node) ?? []);
  return [
    ...new Map(platforms.map((platform) => [`${platform.os}/${platform.architecture}`, platform])).values(),
  ];
}

/**
 * The distinct platforms of the nodes, and of those that pods of an image are on; empty when they could not be read,
 * which constrains nothing.
 */
export function nodePlatforms(snapshot: ClusterSnapshot, rollouts: readonly RolloutSubject[]): NodePlatforms {
  const nodes = snapshot.nodes.state === 'read' ? snapshot.nodes.value : [];
  return {
    all: distinct(nodes),
    used: (image) => {
      const objects = new Set(image.uses.map((use) => use.object));
      const names = new Set(
        rollouts
          .filter(({ object }) => objects.has(objectName(object)))
          .flatMap(({ pods }) => (pods.state === 'read' ? pods.value.current : []))
          .map((pod) => pod.node),
      );
      return distinct(nodes.filter((node) => names.has(node.metadata.name)));
    },
  };
}

interface Expectation {
  readonly reference: string;
  readonly role: DigestCheck['role'];
  readonly image: ImageFacts | undefined;
  readonly resolution: Resolution | undefined;
  /** A tag of an image that others build, beside images of ours. */
  readonly foreign: boolean;
}

type Compare = (
  expected: Resolution,
  imageID: string,
  platform: Platform | undefined,
) => Promise<ImageComparison>;

/** What decides when nodes may not be read: any platform of the image that agrees, else whether all disagree. */
const BEST_FIRST: readonly ImageComparison['outcome'][] = ['match', 'equivalent', 'inconclusive', 'mismatch'];

/** Comparisons are made once for each pair of images, not once for each pod. */
function comparing(lookup: ImageLookup): Compare {
  const made = new Map<string, Promise<ImageComparison>>();
  const one = (expected: Resolution, imageID: string, platform: Platform) => {
    const key = `${expected.digest} ${imageID} ${platform.os}/${platform.architecture}`;
    const running = made.get(key) ?? compareImageId(expected, imageID, platform, lookup);
    made.set(key, running);
    return running;
  };
  return async (expected, imageID, platform) => {
    const platforms: readonly Platform[] = platform === undefined ? expected.manifests : [platform];
    const outcomes: ImageComparison[] = [];
    for (const candidate of platforms) outcomes.push(await one(expected, imageID, candidate));
    outcomes.sort((a, b) => BEST_FIRST.indexOf(a.outcome) - BEST_FIRST.indexOf(b.outcome));
    const best = outcomes[0];
    return (
      best ?? {
        outcome: 'inconclusive',
        reason: 'platform-missing',
        observed: undefined,
        expectedConfigs: [],
        observedConfigs: [],
      }
    );
  };
}

async function check(
  compare: Compare,
  pod: PodFacts,
  container: PodContainer,
  expected: Expectation,
  platform: Platform | undefined,
): Promise<DigestCheck> {
  const digest = parseImageId(container.imageID).digest;
  const wanted = expected.resolution?.digest ?? expected.image?.pinned ?? expected.reference;
  const base = {
    pod: pod.name,
    container: container.name,
    role: expected.role,
    imageID: container.imageID,
    digest,
    expected: wanted,
  };
  const running = digest === undefined ? container.imageID : shortDigest(digest);
  if (container.imageID === '')
    return {
      ...base,
      outcome: 'inconclusive',
      why: `${pod.name} has not reported which image ${container.name} runs`,
    };
  if (expected.resolution === undefined) {
    // Without the registry only a pinned digest decides, and only for itself: another wrapper of the same bytes looks different.
    if (expected.image?.pinned !== undefined && expected.image.pinned === digest)
      return { ...base, outcome: 'match', why: '' };
    const why =
      expected.image?.answer.state === 'read'
        ? ''
        : (expected.image?.answer.why ?? 'the image was not resolved');
    return {
      ...base,
      outcome: 'inconclusive',
      why: `${pod.name} runs ${running}; whether that is ${shortReference(expected.reference)} cannot be told: ${why}`,
    };
  }
  const compared = await compare(expected.resolution, container.imageID, platform);
  // Nobody here makes releases of it: that its tag moved on says nothing about ours, and proves nothing either.
  if (compared.outcome === 'mismatch' && expected.foreign)
    return {
      ...base,
      outcome: 'inconclusive',
      why: `${pod.name} runs ${running}; ${shortReference(expected.reference)} of ${container.name} is ${shortDigest(wanted)} by now, and is built elsewhere`,
    };
  const sentence = {
    match: '',
    equivalent: '',
    inconclusive: `${pod.name} runs ${running}; whether that is ${shortDigest(wanted)} cannot be told`,
    mismatch: `${pod.name} runs ${running}, wanted is ${shortDigest(wanted)}`,
  }[compared.outcome];
  return { ...base, outcome: compared.outcome, why: sentence };
}

/**
 * Pairs every rendered workload with its pods and compares each running container that the template names with the
 * image that was resolved for it. Sidecars that a webhook injected are not in the template and are not judged.
 */
export async function collectRollouts(
  lookup: ImageLookup,
  rendered: readonly RenderedFacts[],
  snapshot: ClusterSnapshot,
  images: readonly ImageFacts[],
  resolutions: ReadonlyMap<string, Resolution>,
): Promise<readonly RolloutSubject[]> {
  const compare = comparing(lookup);
  const configurations = rendered.flatMap(({ object }) => {
    const stored = snapshot.objects.get(objectKey(object));
    const configures = object.apiVersion === 'v1' && ['ConfigMap', 'Secret'].includes(object.kind);
    return configures && stored?.state === 'read' ? [stored.value] : [];
  });
  const nodes = new Map(
    snapshot.nodes.state === 'read' ? snapshot.nodes.value.map((node) => [node.metadata.name, node]) : [],
  );
  const workloads = rendered.filter(({ object }) => isWorkload(object));
  return mapBounded(workloads, 2, async ({ object }): Promise<RolloutSubject> => {
    const live = snapshot.objects.get(objectKey(object)) ?? {
      state: 'unreadable' as const,
      why: 'not read',
      code: 'not-read',
    };
    const facts = snapshot.namespaces.get(object.metadata.namespace ?? '');
    const pods =
      live.state === 'read'
        ? workloadPods(live.value, facts?.pods, facts?.replicaSets)
        : live.state === 'absent'
          ? { state: 'absent' as const, why: live.why }
          : live;
    const autoscaled = autoscaling(object, valueOf(live), facts?.autoscalers);
    const stored = valueOf(live);
    const rest =
      stored !== undefined && declaredReplicas(stored) === 0
        ? restsAtZero(stored, facts?.scaledObjects)
        : undefined;
    const atRest = rest === undefined ? {} : { atRest: rest };
    if (pods.state !== 'read') return { object, live, pods, checks: [], autoscaled, ...atRest };
    const expected = new Map<string, Expectation>(
      templateContainers(object).map((container) => {
        const image = images.find(({ reference }) => reference === container.image);
        return [
          container.name,
          {
            reference: container.image,
            role: container.role,
            image,
            resolution: resolutions.get(container.image),
            foreign: image?.ours === false && image.pinned === undefined && images.some(({ ours }) => ours),
          },
        ];
      }),
    );
    const pairs = pods.value.current
      .filter((pod) => !pod.terminating)
      .flatMap((pod) =>
        pod.containers.flatMap((container) => {
          const wanted = expected.get(container.name);
          // A container that waits runs nothing; one that ended still says what it ran.
          return wanted === undefined || container.state === 'waiting' ? [] : [{ pod, container, wanted }];
        }),
      );
    const checks = await mapBounded(pairs, AT_ONCE, ({ pod, container, wanted }) =>
      check(compare, pod, container, wanted, platformOf(nodes.get(pod.node ?? ''))),
    );
    const standing = pods.value.current.filter((pod) => !pod.terminating);
    const configuration =
      live.state === 'read' ? staleConfiguration(live.value, standing, configurations) : [];
    return { object, live, pods, checks, autoscaled, ...atRest, configuration };
  });
}
