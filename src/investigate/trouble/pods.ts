import { getArray, getIn, getNumber, getObject, getString, isJsonObject } from '../../kernel/index.ts';
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

export function podTroubles(world: World): readonly Trouble[] {
  return world.live.flatMap((pod): readonly Trouble[] => {
    if (pod.kind !== 'Pod' || getIn(pod.value, 'metadata', 'deletionTimestamp') !== undefined) return [];
    const phase = getString(pod.value, 'status', 'phase');
    const subject = subjectOf(pod);
    const check = `kubectl describe pod ${pod.name}${inSpace(pod.namespace)}`;
    const statuses = ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
      getArray(pod.value, 'status', list).map((status, index) => ({
        status,
        path: ['status', list, index] as const,
      })),
    );
    const found: Trouble[] = [];
    for (const { status, path } of statuses) {
      const name = getString(status, 'name');
      const waiting = getObject(status, 'state', 'waiting');
      const ended = getObject(status, 'state', 'terminated') ?? getObject(status, 'lastState', 'terminated');
      const reason =
        getString(waiting, 'reason') ?? getString(getObject(status, 'state', 'terminated'), 'reason');
      if (reason === undefined || reason === 'Completed') continue;
      const words = [
        reason,
        getString(waiting, 'message'),
        ended === undefined
          ? undefined
          : [
              getString(ended, 'reason'),
              getNumber(ended, 'exitCode') === undefined
                ? undefined
                : `exit code ${getNumber(ended, 'exitCode') ?? ''}`,
              getString(ended, 'message'),
            ]
              .filter(Boolean)
              .join(', '),
      ].filter((part) => part !== undefined && part !== '');
      const last = /CrashLoop|Error|OOM/.test(reason) ? lastWords(world, pod) : undefined;
      if (last !== undefined) words.push(`its log says ${oneLine(last.message)}`);
      found.push({
        boundary: 'health',
        subject,
        reason: `pod-${reason.toLowerCase()}`,
        title: `${name === undefined ? 'A container' : `Container ${name}`} of ${subject} is in ${words.join(': ')}`,
        claims: [
          claimOf(
            'health',
            subject,
            name === undefined ? 'state' : `container ${name}`,
            words.join(': '),
            pod.cite(path),
          ),
          ...(last === undefined ? [] : [claimOf('health', subject, 'log', last.message, last.source)]),
        ],
        weight: STARTING.test(reason) ? 'moving' : 'hard',
        check: /CrashLoop|Error|OOM/.test(reason)
          ? `kubectl logs ${pod.name}${inSpace(pod.namespace)}${name === undefined ? '' : ` -c ${name}`} --previous`
          : check,
      });
    }
    if (found.length > 0) return found;
    if (phase === 'Pending' || phase === 'Failed' || phase === 'Unknown') {
      const said = getArray(pod.value, 'status', 'conditions').flatMap((condition) =>
        getString(condition, 'status') === 'False' ? (getString(condition, 'message') ?? []) : [],
      )[0];
      const event = world.events.find(
        (each) => each.type === 'Warning' && each.object.endsWith(`/${pod.name}`),
      );
      const why = said ?? event?.message ?? getString(pod.value, 'status', 'message') ?? '';
      return [
        {
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
        },
      ];
    }
    const unready = statuses.filter(
      ({ status, path }) =>
        path[1] === 'containerStatuses' && isJsonObject(status) && status['ready'] === false,
    );
    const [first] = unready;
    if (first !== undefined && phase === 'Running')
      return [
        {
          boundary: 'health',
          subject,
          reason: 'pod-not-ready',
          title: `${subject} runs and is not ready`,
          claims: [claimOf('health', subject, 'ready', 'false', pod.cite([...first.path, 'ready']))],
          weight: isFresh(pod) ? 'moving' : 'hard',
          check,
        },
      ];
    return [];
  });
}
