import type { BoundaryName } from '../../../boundaries/index.ts';
import { repositoryOf } from './digests.ts';
import { isFine } from './pods.ts';
import type { Container, Pod } from './pods.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { View } from './view.ts';

const PULLING = new Set(['ErrImagePull', 'ImagePullBackOff', 'ImageInspectError', 'RegistryUnavailable']);

interface Stuck {
  readonly pod: Pod;
  readonly container: Container;
  readonly image: string;
  /** Everything that kubelet said of this pull, the waiting message first. */
  readonly said: string;
  readonly events: View['world']['events'];
}

interface Row {
  readonly failure: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly fits: (stuck: Stuck, view: View) => boolean;
  readonly title: (image: string) => string;
  readonly confidence: number;
  readonly why: string;
  readonly misleading: readonly (readonly [string, string])[];
  readonly now: (stuck: Stuck) => Draft['now'];
  readonly lasting: string;
  readonly verify: (stuck: Stuck) => readonly string[];
  readonly can?: 'commit' | 'rollback';
}

const said =
  (pattern: RegExp) =>
  (stuck: Stuck): boolean =>
    pattern.test(stuck.said);

/** What a registry or `crane` answered for the image, where somebody asked. */
function answered(stuck: Stuck, view: View, pattern: RegExp): boolean {
  return view.world.digests.some(
    (fact) =>
      repositoryOf(fact.reference) === repositoryOf(stuck.image) &&
      (fact.reference === stuck.image || !stuck.image.includes('@')) &&
      pattern.test(fact.answer ?? ''),
  );
}

const n = (stuck: Stuck) => stuck.pod.thing.n;
const host = (image: string) => repositoryOf(image).split('/')[0] ?? 'registry';
const AUTH =
  /401 Unauthorized|403 Forbidden|no basic auth credentials|failed to authorize|authentication required|authorization failed|insufficient_scope|pull access denied|requested access to the resource is denied|unauthorized:|FailedToRetrieveImagePullSecret/i;
const MISSING =
  /code = NotFound|manifest unknown|name unknown|MANIFEST_UNKNOWN|NAME_UNKNOWN|: not found\b|manifest for .* not found/i;

/** Another pod runs the very image that this one cannot pull: it was there once. */
function runsElsewhere(stuck: Stuck, view: View): boolean {
  return view.pods.some(
    (pod) =>
      pod !== stuck.pod &&
      pod.containers.some((container) => container.image === stuck.image && container.running),
  );
}

/** The first row that fits counts: what is special stands before what is general. Wording: containerd, kubelet. */
const ROWS: readonly Row[] = [
  {
    failure: 'PIP-07',
    id: 'registry-rate-limit',
    boundary: 'health',
    fits: said(/429 Too Many Requests|toomanyrequests|reached your (?:unauthenticated )?pull rate limit/i),
    title: (image) => `${host(image)} refuses further pulls: its rate limit is reached`,
    confidence: 0.97,
    why: 'The image is there and the reference is right. The registry counts pulls for each address or account and answers 429 until its window ends.',
    misleading: [['some pods of the same ReplicaSet start', 'they run on nodes that have the image already']],
    now: (stuck) => [
      `Pull with an account or through a mirror, or wait until the window of ${host(stuck.image)} ends.`,
      `kubectl get events${n(stuck)} --field-selector reason=Failed`,
    ],
    lasting:
      'Mirror third-party images into a registry of your own, and pin digests with imagePullPolicy IfNotPresent: Always asks the registry at every start.',
    verify: (stuck) => [`kubectl get pods${n(stuck)}`, `crane digest ${stuck.image}`],
  },
  {
    failure: 'PIP-08',
    id: 'image-platform-missing',
    boundary: 'artifact',
    fits: (stuck, view) =>
      said(
        /no match for platform in manifest|no matching manifest for|does not match the specified platform|no image found in (?:image index|manifest list) for architecture/i,
      )(stuck) || answered(stuck, view, /no match for platform/i),
    title: (image) => `${image} was not built for the platform of the node`,
    confidence: 0.97,
    why: 'The reference resolves, but none of its manifests is for the operating system and architecture of the node.',
    misleading: [['the digest is the one that CI pushed', 'identity says nothing about platforms']],
    now: (stuck) => [
      'Push an image for the platform of the nodes, or send the pods to nodes of the platform that it has.',
      `crane manifest ${stuck.image}`,
      'kubectl get nodes -L kubernetes.io/arch,kubernetes.io/os',
    ],
    lasting:
      'Build for every platform that the cluster has, and check before the merge that the platforms of an image hold those of the nodes.',
    verify: (stuck) => [`kubectl get pods${n(stuck)} -o wide`],
  },
  {
    failure: 'PIP-06',
    id: 'registry-unreachable',
    boundary: 'health',
    fits: (stuck) =>
      said(
        /no such host|i\/o timeout|connection refused|x509:|TLS handshake timeout|server misbehaving|gave HTTP response to HTTPS client|proxyconnect|connection reset by peer|network is unreachable|no route to host|50[0234] (?:Service Unavailable|Bad Gateway|Internal Server Error|Gateway)/i,
      )(stuck) || stuck.container.waiting?.reason === 'RegistryUnavailable',
    title: (image) => `the nodes cannot reach ${host(image)}`,
    confidence: 0.95,
    why: 'Nothing is known of the image: the node did not get as far as asking for it.',
    misleading: [['CI pushes to the same registry', 'it does so from another network']],
    now: (stuck) => [
      'Mend name resolution, certificates, proxy or mirror of the nodes, and ask from a node, not from CI.',
      `kubectl debug node/${stuck.pod.node ?? 'NODE'} -it --image=busybox -- nslookup ${host(stuck.image)}`,
    ],
    lasting: 'A pull-through cache inside the network, and a probe that pulls from a node.',
    verify: (stuck) => [`kubectl get pods${n(stuck)} -w`],
  },
  {
    failure: 'PIP-05',
    id: 'registry-credentials',
    boundary: 'health',
    fits: (stuck, view) =>
      (said(AUTH)(stuck) &&
        !answered(stuck, view, /UNKNOWN|NOT_?FOUND|404/i) &&
        !/code = NotFound/.test(stuck.said)) ||
      (answered(stuck, view, /UNAUTHORIZED|DENIED|401|403/i) && stuck.said === ''),
    title: (image) => `the nodes may not pull from ${host(image)}: credentials are missing, wrong or expired`,
    confidence: 0.9,
    why: 'The registry answers and refuses. The pull secret has to stand in the namespace of the pod, be of type kubernetes.io/dockerconfigjson, name the host of the image, and be named by the pod or its ServiceAccount.',
    misleading: [
      ['older pods run', 'their nodes have the image already; only new nodes and pods have to ask'],
      [
        '"repository does not exist or may require authorization"',
        'registries answer the same for a missing repository and a missing right; ask with the credential',
      ],
    ],
    now: (stuck) => [
      'Make the pull secret again from a fresh credential in the namespace of the pod, then delete the waiting pod.',
      `kubectl get pod ${stuck.pod.name}${n(stuck)} -o jsonpath='{.spec.imagePullSecrets}'`,
      `kubectl get secret${n(stuck)} --field-selector type=kubernetes.io/dockerconfigjson`,
      `kubectl delete pod ${stuck.pod.name}${n(stuck)}`,
    ],
    lasting:
      'Credentials that the platform renews by itself (workload identity, or a secret operator with an alert on expiry), and a pull with them in CI.',
    verify: (stuck) => [`kubectl get pods${n(stuck)}`],
  },
  {
    failure: 'PIP-09',
    id: 'image-collected',
    boundary: 'artifact',
    fits: (stuck, view) =>
      said(/blob unknown|BLOB_UNKNOWN|failed to copy: .*not found|content at .* not found/i)(stuck) ||
      (said(MISSING)(stuck) && (runsElsewhere(stuck, view) || stuck.image.includes('@sha256:'))),
    title: (image) => `${image} is gone from its registry, and Git still asks for it`,
    confidence: 0.9,
    why: 'It could be pulled once: a cleanup of the registry has taken the manifest or one of its parts. What runs goes on; what has to start anew cannot.',
    misleading: [
      ['the tag is listed', 'a tag may point to an index whose parts are gone'],
      ['other replicas run', 'their nodes have a copy'],
    ],
    now: (stuck) => [
      'Push the same image again, or roll to one that is there.',
      `crane validate --remote ${stuck.image}`,
    ],
    lasting:
      'Keep every digest that an environment names out of the cleanup, and pull each of them regularly.',
    verify: (stuck) => [`crane validate --remote ${stuck.image}`, `kubectl get pods${n(stuck)}`],
    can: 'rollback',
  },
  {
    failure: 'PIP-04',
    id: 'image-missing',
    boundary: 'artifact',
    fits: (stuck, view) => said(MISSING)(stuck) || answered(stuck, view, /UNKNOWN|NOT_?FOUND|404/i),
    title: (image) => `${image} is not in its registry`,
    confidence: 0.95,
    why: 'The registry answered and has nothing under that name: a typing error in the reference, a push that failed, or another repository.',
    misleading: [
      ['Available=True', 'the pods of the release before go on serving while the new ones cannot start'],
    ],
    now: (stuck) => [
      'Correct the reference in Git or push the image; until then go back to the last reference that worked.',
      `crane ls ${repositoryOf(stuck.image)}`,
    ],
    lasting: 'Resolve every rendered image to a digest, for the platforms of the cluster, before the merge.',
    verify: (stuck) => [`crane digest ${stuck.image}`, `kubectl get pods${n(stuck)}`],
    can: 'rollback',
  },
  {
    failure: 'PIP-04',
    id: 'image-pull-failed',
    boundary: 'health',
    fits: () => true,
    title: (image) => `${image} cannot be pulled`,
    confidence: 0.55,
    why: 'Why is not shown: a missing image, a missing right and an unreachable registry look alike in the status. The event of the pull says which one it is.',
    misleading: [],
    now: (stuck) => [
      'Read what kubelet says of the pull.',
      `kubectl describe pod ${stuck.pod.name}${n(stuck)}`,
      `crane digest ${stuck.image}`,
    ],
    lasting: 'Resolve every rendered image to a digest before the merge.',
    verify: (stuck) => [`kubectl get pods${n(stuck)}`],
  },
];

function stuckOf(view: View): readonly Stuck[] {
  return view.pods.flatMap((pod) => {
    if (isFine(pod) || pod.terminating) return [];
    return pod.containers.flatMap((container) => {
      if (container.waiting === undefined || !PULLING.has(container.waiting.reason)) return [];
      const events = view
        .eventsOf('Pod', pod.name, pod.namespace)
        .filter(
          ({ reason, message }) =>
            /Failed|BackOff|ImagePullSecret/.test(reason) && /image|pull/i.test(message),
        );
      const text = [container.waiting.message ?? '', ...events.map(({ message }) => message)].join('\n');
      const shown = /[Ii]mage "(?<image>[^"]+)"/.exec(text)?.groups?.['image'];
      const template = view
        .find(pod.workload.kind, pod.namespace, pod.workload.name)
        ?.list('spec', 'template', 'spec', 'containers')[0]?.['image'];
      const image =
        container.image ?? shown ?? (typeof template === 'string' ? template : `the image of ${pod.name}`);
      return [{ pod, container, image, said: text, events }];
    });
  });
}

/**
 * PIP-04 to PIP-09: the image cannot be pulled, and why, in the words of containerd and kubelet. Counts only while a
 * container waits for it: events of a pod that has its image by now are history.
 */
export const imagePullRule: WorldRule = (view) => {
  const drafts: Draft[] = [];
  const rows = stuckOf(view).map((stuck) => ({ stuck, row: ROWS.find((row) => row.fits(stuck, view)) }));
  const groups = groupBy(rows, ({ stuck, row }) =>
    row === undefined
      ? undefined
      : [
          row.id,
          row.boundary === 'health' && row.failure !== 'PIP-04' ? host(stuck.image) : stuck.image,
          stuck.pod.namespace ?? '',
        ].join('|'),
  );
  for (const group of groups.values()) {
    const [{ stuck, row } = { stuck: undefined, row: undefined }] = group;
    if (stuck === undefined || row === undefined) continue;
    const pods = new Set(group.map((item) => item.stuck.pod.name));
    const told = stuck.said.split('\n').find((line) => line.length > 60) ?? stuck.said.split('\n')[0] ?? '';
    drafts.push({
      failure: row.failure,
      id: row.id,
      boundary: row.boundary,
      title: row.title(stuck.image),
      confidence: row.confidence,
      why: [
        `${counted(pods.size, 'pod')} of ${stuck.pod.workload.kind}/${stuck.pod.workload.name} wait${pods.size === 1 ? 's' : ''} for ${stuck.image}${told === '' ? '' : `: ${quote(told)}`}`,
        row.why,
      ],
      claims: group.flatMap((item) => [
        view.ofContainer(row.boundary, item.stuck.pod, item.stuck.container),
        ...item.stuck.events.slice(0, 2).map((event) => view.ofEvent(row.boundary, event)),
      ]),
      misleading: row.misleading,
      now: row.now(stuck),
      lasting: [row.lasting],
      verify: row.verify(stuck),
      ...(row.can === undefined ? {} : { can: row.can }),
      space: stuck.pod.namespace,
    });
  }
  return drafts;
};
