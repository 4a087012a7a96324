import { BOUNDARIES, fullRepository, withoutTag } from '../boundaries/index.ts';
import type { BoundaryName, ClaimSource } from '../boundaries/index.ts';
import { getArray, getIn, getNumber, getString, textOf } from '../kernel/index.ts';
import { ownerName, sameCommit, sameDigest, sameVersion } from '../verdict/index.ts';
import type { BuildFact, World, WorldObject } from '../verdict/index.ts';

/** What one source says of an attribute, at one boundary. */
export interface TraceValue {
  readonly boundary: BoundaryName;
  readonly value: string;
  readonly source: ClaimSource;
}

/** The values of one attribute at each boundary, side by side, and where it changed. */
export interface FoundTrace {
  readonly subject: string;
  readonly attribute: 'image' | 'digest' | 'version' | 'commit' | 'replicas' | 'revision';
  readonly values: readonly TraceValue[];
  /** The first boundary whose value is another one than before; undefined where all agree or nothing can be told. */
  readonly changedAt: BoundaryName | undefined;
}

export const WORKLOADS = new Set(['Deployment', 'StatefulSet', 'DaemonSet', 'Rollout']);

export function subjectOf(object: Pick<WorldObject, 'kind' | 'namespace' | 'name'>): string {
  return [object.kind, object.namespace, object.name].filter((part) => part !== undefined).join('/');
}

function repository(reference: string): string {
  return fullRepository(withoutTag(reference.replace(/^docker-pullable:\/\//, '')));
}

/** The workload that a pod belongs to, by its owners or, where these are not shown, by its name. */
export function workloadOf(pod: WorldObject, workloads: readonly WorldObject[]): WorldObject | undefined {
  const owner = getArray(pod.value, 'metadata', 'ownerReferences')[0];
  const named = getString(owner, 'name');
  const name =
    named === undefined
      ? ownerName('Pod', pod.name)
      : getString(owner, 'kind') === 'ReplicaSet'
        ? ownerName('ReplicaSet', named)
        : named;
  return workloads.find(
    (each) =>
      each.name === name &&
      (each.namespace === undefined || pod.namespace === undefined || each.namespace === pod.namespace),
  );
}

type Same = (one: string, other: string) => boolean;

const SAME: Readonly<Record<FoundTrace['attribute'], Same>> = {
  image: (one, other) =>
    one === other || repository(one) !== repository(other) || one.includes('@') !== other.includes('@'),
  digest: (one, other) => sameDigest(one, other) !== 'different',
  version: sameVersion,
  commit: (one, other) => sameCommit(one, other) !== 'different',
  revision: (one, other) => sameCommit(one, other) !== 'different',
  replicas: (one, other) => one === other,
};

function traceOf(
  subject: string,
  attribute: FoundTrace['attribute'],
  values: readonly TraceValue[],
): FoundTrace | undefined {
  const ordered = values.toSorted((a, b) => BOUNDARIES.indexOf(a.boundary) - BOUNDARIES.indexOf(b.boundary));
  const [first] = ordered;
  if (first === undefined || new Set(ordered.map(({ boundary }) => boundary)).size < 2) return undefined;
  const same = SAME[attribute];
  // Several builds of one image are its history: later boundaries may hold any that is the newest one.
  const before = (index: number) =>
    ordered.slice(0, index).filter(({ boundary }) => boundary !== ordered[index]?.boundary);
  const at = ordered.findIndex((each, index) => {
    const above = before(index).at(-1);
    // Several environments may ask for several values: one of them has to be this one.
    return (
      above !== undefined &&
      !ordered.some(({ boundary, value }) => boundary === above.boundary && same(each.value, value))
    );
  });
  return {
    subject,
    attribute,
    values: ordered.slice(0, 40),
    changedAt: at < 0 ? undefined : ordered[at]?.boundary,
  };
}

interface Images {
  readonly name: string;
  readonly image: string;
  readonly source: ClaimSource;
}

export function imagesOf(object: WorldObject): readonly Images[] {
  return getArray(object.value, 'spec', 'template', 'spec', 'containers').flatMap((container, index) => {
    const image = getString(container, 'image');
    return image === undefined
      ? []
      : [
          {
            name: getString(container, 'name') ?? '',
            image,
            source: object.cite(['spec', 'template', 'spec', 'containers', index, 'image']),
          },
        ];
  });
}

/** One workload, and what of the world is about it. */
interface TracedWorkload {
  readonly subject: string;
  /** There is no other workload: what names none is about this one. */
  readonly isOnly: boolean;
  readonly name: string;
  readonly live: readonly WorldObject[];
  readonly desired: readonly WorldObject[];
  readonly pods: readonly WorldObject[];
  /** The newest build that succeeded. */
  readonly build: BuildFact | undefined;
  /** Whether a reference is to one of its images. */
  readonly isMine: (reference: string | undefined) => boolean;
}

/** Whether a reference is to one of these images; one without a registry by its last part. */
function referenceOf(images: readonly Images[]): TracedWorkload['isMine'] {
  const repositories = new Set(images.map(({ image }) => repository(image)));
  const names = new Set([...repositories].map((each) => each.split('/').at(-1)));
  return (reference) =>
    reference !== undefined &&
    (repositories.has(repository(reference)) ||
      (!reference.includes('/') && names.has(repository(reference).split('/').at(-1))));
}

function tracedWorkloads(world: World): readonly TracedWorkload[] {
  const live = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  const desired = world.desired.filter(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  const subjects = new Map<string, WorldObject>();
  for (const object of [...live, ...desired]) {
    const key = `${object.kind}/${object.name}`;
    if (!subjects.has(key)) subjects.set(key, object);
  }
  return [...subjects.values()].slice(0, 500).map((object) => {
    const same = (each: WorldObject) => each.kind === object.kind && each.name === object.name;
    const own = { live: live.filter(same), desired: desired.filter(same) };
    const isMine = referenceOf([...own.live, ...own.desired].flatMap(imagesOf));
    const [build] = world.builds
      .filter(({ image, state }) => isMine(image) && (state ?? 'succeeded') === 'succeeded')
      .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
    const owners = live.length === 0 ? desired : live;
    return {
      ...own,
      subject: subjectOf(object),
      isOnly: subjects.size === 1,
      name: object.name,
      pods: pods.filter((pod) => workloadOf(pod, owners)?.name === object.name),
      build,
      isMine,
    };
  });
}

/** What the `images` of kustomizations ask for. */
function askedImages(world: World, isMine: TracedWorkload['isMine']): readonly TraceValue[] {
  const kustomizations = world.files.filter(({ kind }) => kind === 'kustomization');
  return kustomizations.flatMap((file) =>
    getArray(file.value, 'images').flatMap((entry, index): readonly TraceValue[] => {
      const name = getString(entry, 'newName') ?? getString(entry, 'name') ?? '';
      const tag = textOf(getIn(entry, 'newTag'));
      const digest = getString(entry, 'digest');
      if (!isMine(name) || (tag === '' && digest === undefined)) return [];
      return [
        {
          boundary: 'intent',
          value: `${name}${tag === '' ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`,
          source: file.cite(['images', index, tag === '' ? 'digest' : 'newTag']),
        },
      ];
    }),
  );
}

function imageTrace(
  world: World,
  { subject, live, desired, isMine }: TracedWorkload,
): FoundTrace | undefined {
  const asked = askedImages(world, isMine);
  const valuesOf = (objects: readonly WorldObject[], boundary: BoundaryName) =>
    objects.flatMap(imagesOf).map(({ image, source }): TraceValue => ({ boundary, value: image, source }));
  return traceOf(subject, 'image', [
    ...asked,
    // A base is not what is rendered where an overlay sets the image.
    ...(asked.length > 0 ? [] : valuesOf(desired, 'render')),
    ...valuesOf(live, 'live'),
  ]);
}

/** The digests that the containers of a pod run. */
function runDigests(pod: WorldObject, isMine: TracedWorkload['isMine']): readonly TraceValue[] {
  return getArray(pod.value, 'status', 'containerStatuses').flatMap(
    (status, index): readonly TraceValue[] => {
      const id = getString(status, 'imageID');
      if (id === undefined || !id.includes('sha256:') || !isMine(id.split('@')[0])) return [];
      const source = pod.cite(['status', 'containerStatuses', index, 'imageID']);
      return [{ boundary: 'rollout', value: id.slice(id.indexOf('sha256:')), source }];
    },
  );
}

function digestTrace(world: World, { subject, build, pods, isMine }: TracedWorkload): FoundTrace | undefined {
  const answered = world.digests.flatMap(({ reference, digest, source }): readonly TraceValue[] =>
    digest === undefined || !isMine(reference) || reference.includes('@')
      ? []
      : [{ boundary: 'artifact', value: digest, source }],
  );
  return traceOf(subject, 'digest', [
    ...artifactValue(build, 'digest'),
    ...answered,
    ...pods.flatMap((pod) => runDigests(pod, isMine)),
  ]);
}

function artifactValue(
  build: BuildFact | undefined,
  attribute: 'digest' | 'version' | 'commit',
): readonly TraceValue[] {
  const value = build?.[attribute];
  return build === undefined || value === undefined
    ? []
    : [{ boundary: 'artifact', value, source: build.source }];
}

/** What was built, and what the application says of itself. */
function buildInfoTrace(
  world: World,
  { subject, isOnly, name, build }: TracedWorkload,
  attribute: 'version' | 'commit',
): FoundTrace | undefined {
  const isTold = world.samples.some(({ from }) => from?.includes(name) === true);
  const samples = world.samples.filter(
    (sample) =>
      /build_?info|version_info|app_info/.test(sample.name) &&
      (isOnly || (isTold && (sample.from === undefined || sample.from.includes(name)))),
  );
  return traceOf(subject, attribute, [
    ...artifactValue(build, attribute),
    ...samples.flatMap(({ labels, source }): readonly TraceValue[] => {
      const value = labels[attribute] ?? (attribute === 'commit' ? labels['revision'] : undefined);
      return value === undefined ? [] : [{ boundary: 'traffic', value, source }];
    }),
  ]);
}

function replicasTrace(world: World, { subject, live, desired }: TracedWorkload): FoundTrace | undefined {
  // Overlays may set counts in ways that no single file shows.
  const isOverlaid = world.files.some(({ kind }) => kind === 'kustomization');
  const count = (from: readonly WorldObject[], boundary: BoundaryName, ...path: readonly string[]) =>
    from.flatMap((each): readonly TraceValue[] => {
      const value = getNumber(each.value, ...path);
      return value === undefined ? [] : [{ boundary, value: String(value), source: each.cite(path) }];
    });
  return traceOf(subject, 'replicas', [
    ...(isOverlaid ? [] : count(desired, 'render', 'spec', 'replicas')),
    ...count(live, 'live', 'spec', 'replicas'),
    ...count(live, 'health', 'status', 'readyReplicas'),
    ...count(live, 'rollout', 'status', 'updatedReplicas'),
  ]);
}

function workloadTraces(world: World): readonly FoundTrace[] {
  return tracedWorkloads(world).flatMap((workload) =>
    [
      imageTrace(world, workload),
      digestTrace(world, workload),
      buildInfoTrace(world, workload, 'version'),
      buildInfoTrace(world, workload, 'commit'),
      replicasTrace(world, workload),
    ].filter((trace) => trace !== undefined),
  );
}

/** What Git has at a branch, and what an engine says it brought. */
function revisionTraces(world: World): readonly FoundTrace[] {
  const names = [...new Set(world.engines.map(({ application }) => application))];
  return names.flatMap((name) => {
    const told = world.engines.filter(
      (engine) => engine.application === name && /[0-9a-f]{7,40}$/.test(engine.revision ?? ''),
    );
    const [first] = told;
    const target = first?.targetRevision;
    const follows = (ref: string) =>
      target === undefined || target === 'HEAD'
        ? /^(?:HEAD|(?:HEAD -> )?(?:main|master)$|origin\/(?:main|master)$)/.test(ref)
        : ref === target || ref.endsWith(`/${target}`) || ref === `HEAD -> ${target}`;
    const newest = world.commits.find(({ commit, refs }) => commit !== '' && refs.some(follows));
    // A log that does not hold what the engine brought is that of another repository.
    const same = world.commits.some(({ commit }) => sameCommit(commit, first?.revision ?? '') === 'same');
    if (newest === undefined || !same) return [];
    const trace = traceOf(name, 'revision', [
      { boundary: 'intent', value: newest.commit, source: newest.source },
      ...told.map((engine) => ({
        boundary: 'sync' as const,
        value: engine.revision ?? '',
        source: engine.source,
      })),
    ]);
    return trace === undefined ? [] : [trace];
  });
}

/** Every attribute that is seen at two boundaries or more. */
export function tracesOf(world: World): readonly FoundTrace[] {
  return [...workloadTraces(world), ...revisionTraces(world)];
}
