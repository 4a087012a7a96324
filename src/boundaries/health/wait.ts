import { getArray, getIn, jsonEqual, LandfallError } from '../../kernel/index.ts';
import type { Clock, Timer } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject, ObjectRef } from '../../kube/index.ts';
import { writtenAt } from '../live/index.ts';
import { read } from '../reading.ts';
import { isWorkload, podTemplate } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import type { HealthSubject, ObjectHealth } from './facts.ts';
import { objectHealth } from './object.ts';
import type { HealthRules } from './rules.ts';
import { startWatched } from './watched.ts';

/** One object that an apply produced. */
export interface AppliedObject {
  /** As the API server answered the apply: with its uid, generation and defaults. */
  readonly object: KubeObject;
  /** ms after the start by which this one has to be healthy; else it counts as broken. Default: the whole deadline. */
  readonly timeoutMs?: number;
}

export interface ObjectOutcome extends ObjectHealth {
  /** `Deployment/shop/web`. */
  readonly name: string;
  readonly ref: ObjectRef;
}

/**
 * `healthy`: every object is proven or has nothing to prove. `broken`: one is, and waiting does not mend it.
 * `late`: the deadline passed while one was still on its way. `unproven`: nothing moves any more, and of one it is not
 * known whether it is healthy.
 */
export interface WatchOutcome {
  readonly outcome: 'healthy' | 'broken' | 'late' | 'unproven';
  /** In the order in which they were given. */
  readonly objects: readonly ObjectOutcome[];
  readonly tookMs: number;
}

export interface WatchHealthOptions {
  readonly clock: Clock;
  /** ms for the whole. Kinds with a deadline of their own (`progressDeadlineSeconds`) keep it too. */
  readonly timeoutMs: number;
  /** Called as soon as everything was read, and then whenever the state, reason or count of an object changes. Must not throw. */
  readonly onProgress?: (objects: readonly ObjectOutcome[]) => void;
  /** ms that a container without a readiness probe has to stay up before it counts. Default 3000. */
  readonly steadyMs?: number;
  /** ms after which nobody is expected to say more about an object that says nothing. Default 10000. */
  readonly silenceMs?: number;
  /** Rules of landfall.yaml, or of a Flux Kustomization. */
  readonly rules?: HealthRules;
}

const STEADY_MS = 3_000;
const SILENCE_MS = 10_000;
/** A broken state counts when it lasts this long: between two events a cluster may pass through anything. */
const CONFIRM_MS = 1_000;
/** Changes come in bursts; what is there is read within this time, or is told to be unread. */
const GATHER_MS = 100;
/** Looked again after this long even if nothing changes; timers of many days overflow. */
const LONGEST_PAUSE_MS = 60_000;
/** A pod that started this long ago is steady, however far apart the clocks of two machines are. */
const LONG_AGO_MS = 60_000;

/**
 * Waits for what an apply produced to become healthy by the strict rules, and no longer than needed: it resolves as
 * soon as everything is healthy, one object is broken in a way that no waiting mends, or the deadline has passed.
 * Everything is watched, nothing polled; a lost connection leaves objects unknown until it is back.
 *
 * Bound to the apply: an object with another uid was replaced, one whose pod template is not the applied one any more
 * was changed by somebody else, and a status counts only when it is about the stored generation; pods and endpoints
 * count only when they are of the stored template. Throws `cancelled` when `signal` aborts, and nothing else.
 */
export async function watchHealth(
  client: KubeClient,
  applied: readonly AppliedObject[],
  options: WatchHealthOptions,
  signal: AbortSignal,
): Promise<WatchOutcome> {
  const { clock } = options;
  const start = clock.now();
  let wake: () => void = () => {};
  const watched = startWatched(
    client,
    applied.map(({ object }) => object),
    clock,
    () => wake(),
  );
  const appliedAt = Math.max(0, ...applied.map(({ object }) => writtenAt(object) ?? 0));
  const steady = steadiness(clock, options.steadyMs ?? STEADY_MS);
  const since = new Map<number, { readonly key: string; readonly at: number }>();
  let told = '';
  try {
    await untilRead();
    for (;;) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const now = clock.now();
      const subjects = applied.map(({ object }) => subjectOf(object));
      const beside = subjects.filter(({ object }) => isWorkload(object));
      const objects = subjects.map((subject, index) => judge(subject, applied[index], beside));
      tell(objects);
      const outcome = decide(objects, now);
      if (outcome !== undefined) return { outcome, objects, tookMs: now - start };
      watched.follow();
      await pause(changed, nextLook(objects, now), now);
    }
  } finally {
    await watched.close();
  }

  function subjectOf(object: KubeObject): HealthSubject {
    const live = watched.live(object);
    return {
      object,
      live,
      pods: live.state === 'read' ? watched.podsOf(live.value) : undefined,
      around: watched.around,
      ...(options.rules === undefined ? {} : { rules: options.rules }),
    };
  }

  function judge(
    subject: HealthSubject,
    wanted: AppliedObject | undefined,
    beside: readonly HealthSubject[],
  ): ObjectOutcome {
    const now = clock.now();
    const health = replaced(subject, patient({ ...subject, beside }, appliedAt, now));
    const found = boundToApply(subject) ?? steady(subject, health);
    const limit = wanted?.timeoutMs;
    // What could not be read is not late, it is not known.
    const late = found.state === 'moving' && limit !== undefined && now - start >= limit;
    return {
      ...found,
      ...(late ? { state: 'broken' as const } : {}),
      name: objectName(subject.object),
      ref: refOf(subject.object),
    };
  }

  function tell(objects: readonly ObjectOutcome[]): void {
    const now = clock.now();
    for (const [index, { state, reason }] of objects.entries()) {
      const key = `${state} ${reason}`;
      if (since.get(index)?.key !== key) since.set(index, { key, at: now });
    }
    const next = objects
      .map(({ state, reason, ready, wanted }) => `${state} ${reason} ${ready}/${wanted}`)
      .join('\n');
    if (next === told) return;
    told = next;
    options.onProgress?.(objects);
  }

  function lasts(index: number, now: number): number {
    return now - (since.get(index)?.at ?? now);
  }

  function decide(objects: readonly ObjectOutcome[], now: number): WatchOutcome['outcome'] | undefined {
    const overdue = now - start >= options.timeoutMs;
    const broken = objects.some(
      ({ state }, index) => state === 'broken' && (overdue || lasts(index, now) >= CONFIRM_MS),
    );
    if (broken) return 'broken';
    const open = objects.flatMap(({ state }, index) =>
      state === 'proven' || state === 'not-applicable' ? [] : [{ state, index }],
    );
    if (open.length === 0) return 'healthy';
    const moving = watched.isOpen() || open.some(({ state }) => state === 'moving');
    if (overdue) return moving ? 'late' : 'unproven';
    const silence = options.silenceMs ?? SILENCE_MS;
    const silent = open.every(({ state, index }) => state === 'unknown' && lasts(index, now) >= silence);
    return silent && !moving ? 'unproven' : undefined;
  }

  /** When time alone may change the answer, ms since the epoch. */
  function nextLook(objects: readonly ObjectOutcome[], now: number): number {
    const times = [start + options.timeoutMs];
    for (const [index, { state, deadline }] of objects.entries()) {
      const at = since.get(index)?.at ?? now;
      if (state === 'broken') times.push(at + CONFIRM_MS);
      if (state === 'unknown') times.push(at + (options.silenceMs ?? SILENCE_MS));
      if (state === 'moving' && deadline !== undefined) times.push(Date.parse(deadline) + 1);
      const limit = applied[index]?.timeoutMs;
      if (limit !== undefined) times.push(start + limit);
    }
    return Math.min(...times.filter((time) => time > now));
  }

  /** Waits for what `begin` resolves, with timers that end with it; throws when the signal aborts. */
  async function waitFor(begin: (resolve: () => void, timers: Timer[]) => void): Promise<void> {
    const timers: Timer[] = [];
    let stop: () => void = () => {};
    try {
      await new Promise<void>((resolve, reject) => {
        stop = () => reject(cancelled());
        if (signal.aborted) stop();
        signal.addEventListener('abort', stop, { once: true });
        begin(resolve, timers);
      });
    } finally {
      signal.removeEventListener('abort', stop);
      for (const timer of timers) timer.cancel();
    }
  }

  /** Most of what was just applied is healthy at the first look; before everything is read there is nothing to see. */
  function untilRead(): Promise<void> {
    return waitFor((resolve, timers) => {
      timers.push(clock.after(GATHER_MS, resolve));
      void watched.read.then(resolve);
    });
  }

  function pause(changed: Promise<void>, until: number, now: number): Promise<void> {
    return waitFor((resolve, timers) => {
      timers.push(clock.after(Math.min(Math.max(1, until - now), LONGEST_PAUSE_MS), resolve));
      void changed.then(() => timers.push(clock.after(GATHER_MS, resolve)));
    });
  }
}

function cancelled(): LandfallError {
  return new LandfallError('Waiting for health was cancelled.', { kind: 'cancelled', code: 'cancelled' });
}

/**
 * The health of an object; one that the apply left as it was has its deadline from the apply too, by the clock of the
 * API server: what was changed beside it may take its pods away for a while.
 */
function patient(subject: HealthSubject, appliedAt: number, now: number): ObjectHealth {
  const health = objectHealth(subject, now);
  const { live } = subject;
  if (health.state !== 'broken' && health.state !== 'unknown') return health;
  if (live.state !== 'read' || (writtenAt(live.value) ?? 0) >= appliedAt) return health;
  const { metadata } = live.value;
  const entry = { manager: 'apply', operation: 'Apply', time: new Date(appliedAt).toISOString() };
  const managedFields = [...(metadata.managedFields ?? []), entry];
  const later = objectHealth(
    { ...subject, live: read({ ...live.value, metadata: { ...metadata, managedFields } }) },
    now,
  );
  return later.state === 'moving' ? later : health;
}

/** Undefined where the live object is the one that the apply produced. */
function boundToApply({ object, live }: HealthSubject): ObjectHealth | undefined {
  if (live.state !== 'read') return undefined;
  const name = objectName(object);
  const { uid, generation } = live.value.metadata;
  if (object.metadata.uid !== undefined && uid !== object.metadata.uid)
    return {
      state: 'broken',
      reason: 'replaced',
      text: `${name} was deleted and made again after the apply`,
    };
  const produced = object.metadata.generation;
  if (produced === undefined || generation === undefined || generation === produced) return undefined;
  if (generation < produced)
    return {
      state: 'moving',
      reason: 'not-seen',
      text: `${name}: generation ${generation} was read, the apply produced ${produced}`,
    };
  // An autoscaler raises the generation too: only another template makes the pods other ones.
  return isWorkload(object) && !jsonEqual(podTemplate(object), podTemplate(live.value))
    ? {
        state: 'broken',
        reason: 'template-changed',
        text: `${name}: somebody changed its pod template after the apply (generation ${generation}, applied ${produced})`,
      }
    : undefined;
}

/** An update is over when the pods before it are gone: until then they answer too. A Rollout keeps them on purpose. */
function replaced({ object, pods }: HealthSubject, health: ObjectHealth): ObjectHealth {
  if (health.state !== 'proven' || pods?.state !== 'read' || object.kind === 'Rollout') return health;
  const old = pods.value.old.filter((pod) => !pod.terminating).length;
  if (old === 0) return health;
  const what = old === 1 ? 'pod of an earlier template is' : 'pods of an earlier template are';
  return {
    ...health,
    state: 'moving',
    reason: 'old-pods',
    text: `${objectName(object)}: ${old} ${what} still there`,
  };
}

/** Whether the node looks at the container's readiness, or takes it for ready as soon as it runs. */
function hasUnprobed(object: KubeObject): boolean {
  return getArray(podTemplate(object), 'spec', 'containers').some(
    (container) => getIn(container, 'readinessProbe') === undefined,
  );
}

/**
 * A container without a readiness probe is ready the moment it starts, also one that is about to crash. It counts
 * after it was seen ready for a while, unless it runs since before the apply.
 */
function steadiness(
  clock: Clock,
  steadyMs: number,
): (subject: HealthSubject, health: ObjectHealth) => ObjectHealth {
  const seen = new Map<string, number>();
  const keyOf = (pod: PodFacts) =>
    `${pod.uid} ${pod.containers.map((container) => container.restarts).join(',')}`;
  return (subject, health) => {
    const { live, pods } = subject;
    if (health.state !== 'proven' || live.state !== 'read' || pods?.state !== 'read') return health;
    if (!isWorkload(live.value) || live.value.kind === 'Job' || !hasUnprobed(live.value)) return health;
    const now = clock.now();
    const written = writtenAt(live.value) ?? now;
    for (const pod of pods.value.current) {
      const started = Math.max(
        ...pod.containers.map((container) => Date.parse(container.startedAt ?? '') || 0),
      );
      if (!pod.ready || Date.parse(pod.createdAt) < written - 1000 || now - started > LONG_AGO_MS) continue;
      const key = keyOf(pod);
      const first = seen.get(key) ?? now;
      seen.set(key, first);
      if (now - first >= steadyMs) continue;
      return {
        ...health,
        state: 'moving',
        reason: 'just-started',
        text: `${pod.name} runs, has no readiness probe, and was started just now`,
        deadline: new Date(first + steadyMs).toISOString(),
      };
    }
    return health;
  };
}
