import type { Claim } from '../../../boundaries/index.ts';
import { getArray, getString, isJsonObject } from '../../../kernel/index.ts';
import { sameDigest } from '../../world/index.ts';
import { digestIn, repositoryOf, sameReference, shortOf, tagOf } from './digests.ts';
import { maskedFailures } from './masking.ts';
import type { Container, Pod } from './pods.ts';
import { counted, groupBy } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import { thingOf } from './thing.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

interface Running {
  readonly pod: Pod;
  readonly container: Container;
  readonly digest: string;
}

/** What somebody says a reference is: a registry, or the build that pushed it. */
interface Answer {
  readonly digest: string;
  readonly time: string | undefined;
  readonly version: string | undefined;
  readonly commit: string | undefined;
  readonly claim: Claim;
}

function answersFor(view: View, reference: string): readonly Answer[] {
  const registry = view.world.digests.flatMap((fact) =>
    fact.digest !== undefined && !fact.reference.includes('@') && sameReference(fact.reference, reference)
      ? [
          {
            digest: fact.digest,
            time: undefined,
            version: undefined,
            commit: undefined,
            claim: view.claim('artifact', fact.reference, 'digest', fact.digest, fact.source),
          },
        ]
      : [],
  );
  const builds = view.world.builds
    .flatMap((build) =>
      build.image !== undefined &&
      build.digest !== undefined &&
      (build.state ?? 'succeeded') === 'succeeded' &&
      sameReference(build.image, reference)
        ? [
            {
              digest: build.digest,
              time: build.time,
              version: build.version,
              commit: build.commit,
              claim: view.claim('artifact', build.image, 'digest', build.digest, build.source),
            },
          ]
        : [],
    )
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
  return [...registry, ...builds];
}

function runningOf(view: View, workload: Thing, name: string, image: string): readonly Running[] {
  return view
    .podsOf(workload)
    .filter((pod) => !pod.terminating)
    .flatMap((pod) =>
      pod.containers.flatMap((container) => {
        const digest = digestIn(container.imageID);
        if (digest === undefined || (container.name !== '' && name !== '' && container.name !== name))
          return [];
        const told = container.imageID ?? '';
        const ours =
          !told.includes('/') || repositoryOf(told) === repositoryOf(image) || container.name === name;
        return ours ? [{ pod, container, digest }] : [];
      }),
    );
}

interface Use {
  readonly workload: Thing;
  readonly name: string;
  readonly image: string;
  readonly policy: string | undefined;
  readonly path: readonly (string | number)[];
}

const KINDS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout'] as const;

/** Workloads that only their pods or Git show: what the pods were made of is what they run. */
function untold(view: View): readonly Thing[] {
  const shown = view.kind(...KINDS);
  const missing = (kind: string, name: string) =>
    !shown.some((thing) => thing.kind === kind && thing.name === name);
  const asked = view.desired.filter(
    ({ kind, name }) => KINDS.some((one) => one === kind) && missing(kind, name),
  );
  const groups = groupBy(view.pods, ({ workload, namespace }) =>
    missing(workload.kind, workload.name) && !asked.some(({ name }) => name === workload.name)
      ? `${namespace ?? ''}/${workload.kind}/${workload.name}`
      : undefined,
  );
  const made = [...groups.values()].flatMap(([pod]) => {
    const containers = pod?.thing.list('spec', 'containers') ?? [];
    return pod === undefined || pod.workload.kind === 'Pod' || containers.length === 0
      ? []
      : [
          thingOf([
            {
              apiVersion: undefined,
              kind: pod.workload.kind,
              namespace: pod.namespace,
              name: pod.workload.name,
              value: { spec: { template: { spec: { containers: [...containers] } } } },
              whole: false,
              cite: () => pod.thing.cite('spec', 'containers', 0, 'image'),
            },
          ]),
        ];
  });
  return [...asked, ...made];
}

/** The images of workloads that name no digest. */
function mutableUses(view: View): readonly Use[] {
  return [...view.kind(...KINDS), ...untold(view)].flatMap((workload) =>
    workload.list('spec', 'template', 'spec', 'containers').flatMap((container, index) => {
      const image = getString(container, 'image');
      return image === undefined || image.includes('@')
        ? []
        : [
            {
              workload,
              name: getString(container, 'name') ?? '',
              image,
              policy: getString(container, 'imagePullPolicy'),
              path: ['spec', 'template', 'spec', 'containers', index, 'image'],
            },
          ];
    }),
  );
}

/** How the old image came to stay, told by times where they are known; else both ways, and what decides. */
function mechanism(
  use: Use,
  pods: readonly Pod[],
  pushed: string | undefined,
): { readonly sure: boolean; readonly lines: readonly string[] } {
  const time = Date.parse(pushed ?? '');
  const created = pods.map((pod) => Date.parse(pod.created ?? ''));
  const known = !Number.isNaN(time) && created.length > 0 && created.every((at) => !Number.isNaN(at));
  const policy = use.policy ?? 'not shown';
  if (known && created.every((at) => at < time - 5_000))
    return {
      sure: true,
      lines: [
        `Every pod was created before the push (${pushed ?? ''}). The pod template never changed, so no pod was created since and nothing pulled, whatever the pull policy (${policy}).`,
      ],
    };
  if (
    known &&
    use.policy !== undefined &&
    use.policy !== 'Always' &&
    created.every((at) => at > time + 5_000)
  )
    return {
      sure: true,
      lines: [
        `The pods were created after the push (${pushed ?? ''}) and still run the old image: with imagePullPolicy ${use.policy} a node takes the copy that it has under that name and does not ask the registry.`,
      ],
    };
  return {
    sure: false,
    lines: [
      'Two mechanisms lead to this picture. Either no pod was created since the push: the template says the same as before, so nothing rolled out and nothing pulled, whatever the pull policy.',
      `Or pods were created since and took the copy that their node had, which needs a stored imagePullPolicy of IfNotPresent or Never (here: ${policy}; left out, the API server stores Always for :latest and IfNotPresent for any other tag).`,
      `What decides: the creation time of the pods against the time of the push${pushed === undefined ? '' : ` (${pushed})`}, then the stored pull policy.`,
    ],
  };
}

function gitSays(view: View, image: string): Claim[] {
  const repository = repositoryOf(image);
  return view.world.files.flatMap((file) =>
    file.kind !== 'kustomization'
      ? []
      : getArray(file.value, 'images').flatMap((item, index) => {
          const name = getString(item, 'name');
          const tag = isJsonObject(item) ? getString(item, 'newTag') : undefined;
          return name !== undefined &&
            repositoryOf(getString(item, 'newName') ?? name) === repository &&
            tag !== undefined
            ? [
                view.claim(
                  'intent',
                  image,
                  'image',
                  `${getString(item, 'newName') ?? name}:${tag}`,
                  file.cite(['images', index, 'newTag']),
                ),
              ]
            : [];
        }),
  );
}

/** Where the engine's green comes from, and what it did not do. */
function greenSignals(view: View, use: Use, ready: number, pods: number): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const engine of view.world.engines) {
    if (engine.sync === 'Synced')
      found.push([
        `${engine.engine}: Synced`,
        `the manifest in Git equals the one in the cluster; both say ${use.image}`,
      ]);
    if (engine.health === 'Healthy') found.push([`${engine.engine}: Healthy`, 'the old version is']);
    if (engine.operation?.updated === 0)
      found.push([
        `Sync succeeded: 0 updated, ${engine.operation.unchanged ?? 'all'} unchanged`,
        'a sync that changes nothing deploys nothing',
      ]);
  }
  const wanted = use.workload.number('spec', 'replicas');
  const told = use.workload.number('status', 'readyReplicas');
  if ((told ?? ready) > 0)
    found.push([
      `${told ?? ready}/${wanted ?? pods} ready, all up to date`,
      'of the old image: up to date counts templates, not images',
    ]);
  for (const { signal, truth } of maskedFailures(view.world.samples)) found.push([signal, truth]);
  return [...new Map(found.map((item) => [item[0], item])).values()].slice(0, 8);
}

/** What the running process says of itself. */
export function versionsTold(view: View): Claim[] {
  return view.world.samples
    .filter(
      ({ name, labels }) =>
        /build_?info|version_info|app_info/.test(name) &&
        (labels['version'] ?? labels['commit']) !== undefined,
    )
    .flatMap((sample) =>
      (['version', 'commit'] as const).flatMap((label) =>
        sample.labels[label] === undefined
          ? []
          : [view.claim('traffic', sample.from ?? sample.name, label, sample.labels[label], sample.source)],
      ),
    );
}

function draftOf(view: View, use: Use, running: readonly Running[], answer: Answer): Draft {
  const { workload, image, name } = use;
  const pods = running.map(({ pod }) => pod);
  const old = [...new Set(running.map(({ digest }) => shortOf(digest)))].join(', ');
  const how = mechanism(use, pods, answer.time);
  const told = versionsTold(view);
  const version = told.find(({ attribute }) => attribute === 'version')?.value;
  const repository = image.replace(/:[^/:]*$/, '');
  const tag = tagOf(image) === 'latest' ? (answer.version ?? 'latest') : (tagOf(image) ?? 'latest');
  const pinned = `${repository}:${tag}@${/^sha256:[0-9a-f]{64}$/.test(answer.digest) ? answer.digest : `$(crane digest ${image})`}`;
  const release = answer.version ?? (answer.commit === undefined ? shortOf(answer.digest) : answer.commit);
  const { n, ref } = workload;
  return {
    failure: 'PIP-01',
    id: 'mutable-reference-moved',
    boundary: 'intent',
    title: `${image} was pushed again; the deploy changed nothing`,
    confidence: how.sure ? 0.98 : 0.93,
    why: [
      `Git and the cluster name ${image} before and after. ${answer.time === undefined ? 'It' : `Since ${answer.time} it`} is ${shortOf(answer.digest)}${answer.version === undefined ? '' : ` (${answer.version}${answer.commit === undefined ? '' : `, commit ${answer.commit}`})`}; ${counted(pods.length, 'pod')} of ${workload.id} run${pods.length === 1 ? 's' : ''} ${old}${version === undefined ? '' : `, which says it is ${version}`}.`,
      'The push changed the registry and nothing else: a reference that stays the same is no new desired state, so no controller could see a release.',
      ...how.lines,
    ],
    claims: [
      ...gitSays(view, image),
      view.about('live', workload, `containers[${name}].image`, image, ...use.path),
      answer.claim,
      ...running.map(({ pod, container, digest }) =>
        view.claim(
          'rollout',
          pod.thing.id,
          'imageID',
          digest,
          pod.thing.cite(...container.statusPath, 'imageID'),
        ),
      ),
      ...told,
    ],
    misleading: greenSignals(view, use, pods.filter((pod) => pod.ready === true).length, pods.length),
    now: [
      `Pin what was pushed, tag and digest, in Git and let it sync. The digest changes the pod template, so pods are created, and no cached copy can stand in for it. kubectl rollout restart alone helps only where the stored pull policy is Always or the node has no copy${use.policy === undefined ? '' : ` (stored: ${use.policy})`}.`,
      `kustomize edit set image ${repository}=${pinned}`,
      `git commit -am 'Deploy ${release}' && git push`,
    ],
    lasting: [
      'Let CI commit an immutable tag and its digest for every build, make tags immutable in the registry, and let the pipeline end with the proof that this digest runs instead of with the push. A pull policy of Always is no substitute: it pulls only when a pod starts.',
    ],
    verify: [
      `kubectl rollout status ${ref}${n}`,
      `kubectl get pods${n} -o custom-columns='POD:.metadata.name,CREATED:.metadata.creationTimestamp,IMAGE:.status.containerStatuses[*].imageID'`,
      `kubectl get ${ref}${n} -o jsonpath='{.spec.template.spec.containers[*].imagePullPolicy}'`,
    ],
    can: 'commit',
    space: workload.namespace,
  };
}

/**
 * PIP-01: a tag was pushed again and nothing in Git changed. Sources: Kubernetes "Images" (pull policies, defaults),
 * argoproj/argo-cd#5390, #6445. Refuted by one pod that runs what the reference is now, or by a registry that says
 * that the running digest belongs to it too (an index and its platform manifests).
 */
export const movedTagRule: WorldRule = (view) =>
  mutableUses(view).flatMap((use) => {
    const running = runningOf(view, use.workload, use.name, use.image);
    const answers = answersFor(view, use.image);
    const [answer] = answers;
    if (running.length === 0 || answer === undefined) return [];
    const known = answers
      .slice(0, 2)
      .some((one) => running.some(({ digest }) => sameDigest(digest, one.digest) !== 'different'));
    // The newest push counts; that an older build runs is just what the rule is about.
    const current = running.some(({ digest }) => sameDigest(digest, answer.digest) !== 'different');
    const otherRegistry = answers.filter(({ time }) => time === undefined);
    const belongs = otherRegistry.some((one) =>
      running.some(({ digest }) => sameDigest(digest, one.digest) === 'same'),
    );
    return current || belongs || (known && answer.time === undefined)
      ? []
      : [draftOf(view, use, running, answer)];
  });
