import { BOUNDARIES, fullRepository, withoutTag } from '../boundaries/index.ts';
import type { BoundaryName, ClaimSource } from '../boundaries/index.ts';
import { getArray, getIn, getNumber, getString, textOf } from '../kernel/index.ts';
import { ownerName, sameCommit, sameDigest, sameVersion } from '../verdict/index.ts';
import type { World, WorldObject } from '../verdict/index.ts';

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

function workloadTraces(world: World): readonly FoundTrace[] {
  const live = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  const desired = world.desired.filter(({ kind }) => WORKLOADS.has(kind));
  const pods = world.live.filter(({ kind }) => kind === 'Pod');
  const subjects = new Map<string, WorldObject>();
  for (const object of [...live, ...desired]) {
    const key = `${object.kind}/${object.name}`;
    if (!subjects.has(key)) subjects.set(key, object);
  }
  // Overlays may set counts in ways that no single file shows.
  const overlaid = world.files.some(({ kind }) => kind === 'kustomization');
  const traces: FoundTrace[] = [];
  const add = (trace: FoundTrace | undefined) => {
    if (trace !== undefined) traces.push(trace);
  };
  for (const object of [...subjects.values()].slice(0, 500)) {
    const subject = subjectOf(object);
    const mine = (each: WorldObject) => each.kind === object.kind && each.name === object.name;
    const liveImages = live.filter(mine).flatMap(imagesOf);
    const desiredImages = desired.filter(mine).flatMap(imagesOf);
    const all = [...liveImages, ...desiredImages];
    const repositories = new Set(all.map(({ image }) => repository(image)));
    const names = new Set([...repositories].map((each) => each.split('/').at(-1)));
    const isMine = (reference: string | undefined) =>
      reference !== undefined &&
      (repositories.has(repository(reference)) ||
        (!reference.includes('/') && names.has(repository(reference).split('/').at(-1))));
    const builds = world.builds
      .filter((build) => isMine(build.image) && (build.state ?? 'succeeded') === 'succeeded')
      .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
    const [build] = builds;
    const own = pods.filter(
      (pod) =>
        workloadOf(pod, live)?.name === object.name ||
        (live.length === 0 && workloadOf(pod, desired)?.name === object.name),
    );
    const asked = world.files.flatMap((file) =>
      file.kind !== 'kustomization'
        ? []
        : getArray(file.value, 'images').flatMap((entry, index): TraceValue[] => {
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
    add(
      traceOf(subject, 'image', [
        ...asked,
        // A base is not what is rendered where an overlay sets the image.
        ...(asked.length > 0 ? [] : desiredImages).map(({ image, source }) => ({
          boundary: 'render' as const,
          value: image,
          source,
        })),
        ...liveImages.map(({ image, source }) => ({ boundary: 'live' as const, value: image, source })),
      ]),
    );
    add(
      traceOf(subject, 'digest', [
        ...(build?.digest === undefined
          ? []
          : [{ boundary: 'artifact' as const, value: build.digest, source: build.source }]),
        ...world.digests
          .filter(
            (fact) => fact.digest !== undefined && isMine(fact.reference) && !fact.reference.includes('@'),
          )
          .map((fact) => ({ boundary: 'artifact' as const, value: fact.digest ?? '', source: fact.source })),
        ...own.flatMap((pod) =>
          getArray(pod.value, 'status', 'containerStatuses').flatMap((status, index) => {
            const id = getString(status, 'imageID');
            return id === undefined || !id.includes('sha256:') || !isMine(id.split('@')[0])
              ? []
              : [
                  {
                    boundary: 'rollout' as const,
                    value: id.slice(id.indexOf('sha256:')),
                    source: pod.cite(['status', 'containerStatuses', index, 'imageID']),
                  },
                ];
          }),
        ),
      ]),
    );
    const told =
      subjects.size > 1 && !world.samples.some(({ from }) => from?.includes(object.name) === true)
        ? []
        : world.samples.filter(
            ({ name, from }) =>
              /build_?info|version_info|app_info/.test(name) &&
              (from === undefined || subjects.size === 1 || from.includes(object.name)),
          );
    for (const attribute of ['version', 'commit'] as const) {
      const built = build?.[attribute];
      add(
        traceOf(subject, attribute, [
          ...(built === undefined || build === undefined
            ? []
            : [{ boundary: 'artifact' as const, value: built, source: build.source }]),
          ...told.flatMap((sample) => {
            const value =
              sample.labels[attribute] ?? (attribute === 'commit' ? sample.labels['revision'] : undefined);
            return value === undefined
              ? []
              : [{ boundary: 'traffic' as const, value, source: sample.source }];
          }),
        ]),
      );
    }
    const count = (from: readonly WorldObject[], boundary: BoundaryName, ...path: readonly string[]) =>
      from.filter(mine).flatMap((each): TraceValue[] => {
        const value = getNumber(each.value, ...path);
        return value === undefined ? [] : [{ boundary, value: String(value), source: each.cite(path) }];
      });
    add(
      traceOf(subject, 'replicas', [
        ...(overlaid ? [] : count(desired, 'render', 'spec', 'replicas')),
        ...count(live, 'live', 'spec', 'replicas'),
        ...count(live, 'health', 'status', 'readyReplicas'),
        ...count(live, 'rollout', 'status', 'updatedReplicas'),
      ]),
    );
  }
  return traces;
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
