import { getArray, getIn, getNumber, getObject, getString } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { World, WorldObject } from '../../verdict/index.ts';
import { subjectOf } from '../trace.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, inSpace, isFresh, oneLine } from './trouble.ts';

/** The loudest of the last lines that a pod wrote: what it says before it ends. */
function lastWords(world: World, pod: WorldObject): World['logs'][number] | undefined {
  const own = world.logs.filter(
    ({ component }) =>
      component !== undefined &&
      (component === pod.name || (component.length > 2 && pod.name.startsWith(`${component}-`))),
  );
  const ended = own.some(({ previous }) => previous) ? own.filter(({ previous }) => previous) : own;
  const tail = ended.slice(-40).toReversed();
  return (
    tail.find(({ level }) => level === 'fatal') ??
    tail.find(
      ({ level, message }) =>
        level === 'error' || /\b(?:Error|Exception|panic|fatal|failed|cannot|refused|denied)\b/.test(message),
    ) ??
    tail[0]
  );
}

const STARTING = /^(?:ContainerCreating|PodInitializing)$/;

interface PodTold {
  readonly pod: WorldObject;
  readonly subject: string;
  readonly phase: string | undefined;
  readonly statuses: readonly { readonly status: JsonValue; readonly path: readonly (string | number)[] }[];
  readonly check: string;
}

function toldBy(pod: WorldObject): PodTold {
  return {
    pod,
    subject: subjectOf(pod),
    phase: getString(pod.value, 'status', 'phase'),
    statuses: ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
      getArray(pod.value, 'status', list).map((status, index) => ({
        status,
        path: ['status', list, index],
      })),
    ),
    check: `kubectl describe pod ${pod.name}${inSpace(pod.namespace)}`,
  };
}

function endWords(ended: JsonObject): string {
  const exitCode = getNumber(ended, 'exitCode');
  return [
    getString(ended, 'reason'),
    exitCode === undefined ? undefined : `exit code ${exitCode}`,
    getString(ended, 'message'),
  ]
    .filter(Boolean)
    .join(', ');
}

/** A container that waits or ended, in its own words and those of its log. */
function containerTrouble(
  world: World,
  { pod, subject, check }: PodTold,
  { status, path }: PodTold['statuses'][number],
): Trouble | undefined {
  const name = getString(status, 'name');
  const waiting = getObject(status, 'state', 'waiting');
  const terminated = getObject(status, 'state', 'terminated');
  const ended = terminated ?? getObject(status, 'lastState', 'terminated');
  const reason = getString(waiting, 'reason') ?? getString(terminated, 'reason');
  if (reason === undefined || reason === 'Completed') return undefined;
  const isCrash = /CrashLoop|Error|OOM/.test(reason);
  const last = isCrash ? lastWords(world, pod) : undefined;
  const words = [
    reason,
    getString(waiting, 'message'),
    ended === undefined ? undefined : endWords(ended),
    last === undefined ? undefined : `its log says ${oneLine(last.message)}`,
  ]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
  const attribute = name === undefined ? 'state' : `container ${name}`;
  return {
    boundary: 'health',
    subject,
    reason: `pod-${reason.toLowerCase()}`,
    title: `${name === undefined ? 'A container' : `Container ${name}`} of ${subject} is in ${words}`,
    claims: [
      claimOf('health', subject, attribute, words, pod.cite(path)),
      ...(last === undefined ? [] : [claimOf('health', subject, 'log', last.message, last.source)]),
    ],
    weight: STARTING.test(reason) ? 'moving' : 'hard',
    check: isCrash
      ? `kubectl logs ${pod.name}${inSpace(pod.namespace)}${name === undefined ? '' : ` -c ${name}`} --previous`
      : check,
  };
}

/** A pod that has not come to run, by its conditions, its events or its own message. */
function phaseTrouble(world: World, { pod, subject, phase, check }: PodTold): Trouble | undefined {
  if (phase !== 'Pending' && phase !== 'Failed' && phase !== 'Unknown') return undefined;
  const [said] = getArray(pod.value, 'status', 'conditions').flatMap((condition) =>
    getString(condition, 'status') === 'False' ? (getString(condition, 'message') ?? []) : [],
  );
  const event = world.events.find(
    ({ type, object }) => type === 'Warning' && object.endsWith(`/${pod.name}`),
  );
  const why = said ?? event?.message ?? getString(pod.value, 'status', 'message') ?? '';
  return {
    boundary: 'health',
    subject,
    reason: `pod-${phase.toLowerCase()}`,
    title: `${subject} is ${phase}${why === '' ? '' : `: ${oneLine(why)}`}`,
    claims: [
      claimOf('health', subject, 'phase', phase, pod.cite(['status', 'phase'])),
      ...(event === undefined
        ? []
        : [claimOf('health', subject, `event ${event.reason}`, event.message, event.source)]),
    ],
    weight: phase === 'Pending' && why === '' ? 'moving' : 'hard',
    check,
  };
}

function readinessTrouble({ pod, subject, phase, statuses, check }: PodTold): Trouble | undefined {
  const unready = statuses.find(
    ({ status, path }) => path[1] === 'containerStatuses' && getIn(status, 'ready') === false,
  );
  if (unready === undefined || phase !== 'Running') return undefined;
  return {
    boundary: 'health',
    subject,
    reason: 'pod-not-ready',
    title: `${subject} runs and is not ready`,
    claims: [claimOf('health', subject, 'ready', 'false', pod.cite([...unready.path, 'ready']))],
    weight: isFresh(pod) ? 'moving' : 'hard',
    check,
  };
}

/** Of each pod what its containers say; where they say nothing, what it says itself. */
export function podTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((pod): readonly Trouble[] => {
    if (pod.kind !== 'Pod' || getIn(pod.value, 'metadata', 'deletionTimestamp') !== undefined) return [];
    const told = toldBy(pod);
    const found = told.statuses.flatMap((each) => containerTrouble(world, told, each) ?? []);
    if (found.length > 0) return found;
    const trouble = phaseTrouble(world, told) ?? readinessTrouble(told);
    return trouble === undefined ? [] : [trouble];
  });
}
