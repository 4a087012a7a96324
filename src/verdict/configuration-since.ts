import { CLOCKS_APART_MS, asStored, attempt, fluxCommit, isFlux, valueOf } from '../boundaries/index.ts';
import type { Reading, RolloutSubject, RenderedSet, StaleConfiguration } from '../boundaries/index.ts';
import { getArray, getString, jsonEqual } from '../kernel/index.ts';
import { objectName } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import type { Origin } from './origin/index.ts';

/** What a controller says that it had delivered, and by when. */
interface Delivered {
  readonly commit: string;
  /** Ms since the epoch. */
  readonly at: number;
}

/** Deliveries of the past, newest first. Sources: `status.history` of an Application and of a Kustomization. */
export function deliveriesOf(application: KubeObject): readonly Delivered[] {
  return getArray(application, 'status', 'history')
    .flatMap((entry) => {
      const revision = isFlux(application)
        ? fluxCommit(getString(entry, 'metadata', 'revision') ?? '')
        : getString(entry, 'revision');
      const times = ['deployedAt', 'firstReconciled'].map((field) =>
        Date.parse(getString(entry, field) ?? ''),
      );
      const at = times.find((time) => !Number.isNaN(time));
      return revision === undefined || at === undefined ? [] : [{ commit: revision, at }];
    })
    .toSorted((a, b) => b.at - a.at);
}

/** Commits of the branch that are looked through for the one that was there when a container started. */
const COMMITS = 30;

/** A history that is shorter than any controller keeps it begins with the first delivery. */
const HISTORY_KEPT = 5;

function contentOf(set: RenderedSet | undefined, name: string, namespace: string): KubeObject | undefined {
  return set?.objects
    .map(({ object }) => object)
    .find((object) => {
      const placed = { ...object, metadata: { namespace, ...object.metadata } };
      return objectName(placed) === name;
    });
}

function sameContent(a: KubeObject, b: KubeObject): boolean {
  const [one, other] = [asStored(a), asStored(b)];
  return ['data', 'binaryData'].every((field) => jsonEqual(one[field] ?? null, other[field] ?? null));
}

type Known = 'same' | 'changed' | 'unknown';

/**
 * Takes back what only looks like a change of configuration. The API server keeps one time for all that a manager owns
 * of an object, so that a new label makes its data look new. What was delivered since a container started says more:
 * where each of those commits has the data that there is now, the container has it too. Where nobody says what was
 * delivered, the commit of the branch at that time tells whether there was a change at all.
 */
export async function withoutUnchanged(
  rollouts: readonly RolloutSubject[],
  application: KubeObject,
  origin: Origin,
  rendered: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly RolloutSubject[]> {
  const { git, renderAt: render } = origin;
  if (git === undefined || render === undefined) return rollouts;
  const { mirror, commit: tip } = git;
  if (!rollouts.some(({ configuration = [] }) => configuration.length > 0)) return rollouts;
  const history = deliveriesOf(application);
  const sets = new Map<string, Reading<RenderedSet>>();

  const compare = async (commit: string, object: KubeObject): Promise<Known> => {
    const set = sets.get(commit) ?? (await attempt(() => render(commit), signal));
    sets.set(commit, set);
    if (set.state !== 'read' || set.value.failure !== undefined) return 'unknown';
    const then = contentOf(set.value, objectName(object), object.metadata.namespace ?? '');
    return then !== undefined && sameContent(then, object) ? 'same' : 'changed';
  };

  /** The delivery that was surely there before the container started, and every one since. */
  async function byHistory(object: KubeObject, { startedAt, bornAt }: StaleConfiguration): Promise<Known> {
    const before = history.findIndex(({ at }) => at < startedAt - CLOCKS_APART_MS);
    // The first delivery of all brought the object itself.
    const isWhole = history.length > 0 && history.length < HISTORY_KEPT;
    const isFirst =
      before < 0 && isWhole && bornAt >= Date.parse(application.metadata.creationTimestamp ?? '');
    if (before < 0 && !isFirst) return 'unknown';
    const since = before < 0 ? history : history.slice(0, before + 1);
    for (const { commit } of since) {
      const known = await compare(commit, object);
      if (known !== 'same') return known;
    }
    return 'same';
  }

  async function byBranch(object: KubeObject, startedAt: number): Promise<Known> {
    const commits = await attempt(() => mirror.firstParents(tip, COMMITS, signal), signal);
    for (const commit of valueOf(commits) ?? []) {
      const info = valueOf(await attempt(() => mirror.commitInfo(commit, signal), signal));
      if (info === undefined) return 'unknown';
      if (Date.parse(info.time) <= startedAt) return compare(commit, object);
    }
    return 'unknown';
  }

  async function settled(one: StaleConfiguration): Promise<StaleConfiguration | undefined> {
    const object = rendered.find((each) => objectName(each) === one.object);
    if (object === undefined || Number.isNaN(one.startedAt)) return one;
    const known = await byHistory(object, one);
    if (known === 'same') return undefined;
    if (known === 'changed' || one.outcome !== 'stale') return one;
    if ((await byBranch(object, one.startedAt)) !== 'same') return one;
    const why = `${one.why}; Git has had the same data since before, and whether what was delivered has cannot be told`;
    return { ...one, outcome: 'undecided', why };
  }

  return Promise.all(
    rollouts.map(async (subject) => {
      if (subject.configuration === undefined) return subject;
      const kept: StaleConfiguration[] = [];
      for (const one of subject.configuration) {
        const left = await settled(one);
        if (left !== undefined) kept.push(left);
      }
      return { ...subject, configuration: kept };
    }),
  );
}
