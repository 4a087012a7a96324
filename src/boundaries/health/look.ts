import { mapBounded } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { attempt, read } from '../reading.ts';
import type { Reading } from '../reading.ts';
import { podFacts } from '../workload.ts';
import { behind, surroundings, wantedKey } from './around.ts';
import type { HealthSubject } from './facts.ts';
import type { HealthRules } from './rules.ts';
import { tidied } from './tidy.ts';

const AT_ONCE = 8;

const ALONE = { old: [], currentHash: undefined, replicaSet: undefined };

function offline(why: string): Reading<never> {
  return { state: 'unreadable', why, code: 'not-read' };
}

function withNeighbours(
  subjects: readonly HealthSubject[],
  rules: HealthRules | undefined,
): readonly HealthSubject[] {
  return subjects.map((subject) => ({
    ...subject,
    beside: subjects,
    ...(rules === undefined ? {} : { rules }),
  }));
}

/**
 * Reads objects and what stands behind them, once. What could not be read says so; only a cancellation throws.
 * Objects first and pods after them: a workload is never judged by pods that are older than it.
 */
export async function lookAtHealth(
  client: KubeClient,
  objects: readonly KubeObject[],
  rules: HealthRules | undefined,
  signal: AbortSignal,
): Promise<readonly HealthSubject[]> {
  const lives = await mapBounded(objects, AT_ONCE, async (object): Promise<Reading<KubeObject>> => {
    const reading = await attempt(() => client.get(refOf(object), signal), signal);
    if (reading.state !== 'read') return reading;
    return reading.value === undefined
      ? { state: 'absent', why: `${objectName(object)} does not exist in the cluster.` }
      : { state: 'read', value: reading.value };
  });
  const lists = new Map<string, Reading<readonly KubeObject[]>>();
  await mapBounded(behind(objects), AT_ONCE, async (wanted) => {
    const { kind, namespace, fieldSelector } = wanted;
    const options = {
      ...(namespace === undefined ? {} : { namespace }),
      ...(fieldSelector === '' ? {} : { fieldSelector }),
    };
    lists.set(
      wantedKey(wanted),
      await attempt(async () => (await client.list(kind, options, signal)).items, signal),
    );
  });
  const { around, podsOf } = surroundings(
    (wanted) => lists.get(wantedKey(wanted)) ?? offline('it was not read'),
  );
  const subjects = objects.map((object, index): HealthSubject => {
    const live = lives[index] ?? offline('it was not read');
    return { object, live, around, pods: live.state === 'read' ? podsOf(live.value) : undefined };
  });
  return withNeighbours(subjects, rules);
}

/** Objects from a file, judged by what they say themselves: their pods and endpoints are not known. */
export function healthOffline(
  objects: readonly KubeObject[],
  rules: HealthRules | undefined,
): readonly HealthSubject[] {
  const { around, podsOf } = surroundings(() => offline('a file says nothing of it'));
  const subjects = objects.map(tidied).map((object): HealthSubject => ({
    object,
    live: { state: 'read', value: object },
    around,
    // A pod says itself how it is.
    pods: object.kind === 'Pod' ? read({ ...ALONE, current: [podFacts(object)] }) : podsOf(object),
  }));
  return withNeighbours(subjects, rules);
}
