import { getNumber } from '../../kernel/index.ts';
import type { EventFact, World } from '../../verdict/index.ts';
import { isOver, isProgress } from '../attribute.ts';
import { WORKLOADS, workloadOf } from '../trace.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, oneLine } from './trouble.ts';

/** Events that warn of objects whose state nobody shows; what is healthy now has only a past. */
export function eventTroubles(world: World): readonly Trouble[] {
  const shown = new Set(world.live.map((object) => object.name));
  const workloads = world.live.filter(({ kind }) => WORKLOADS.has(kind));
  const fine = (name: string) => {
    const workload = workloads.find(
      (each) =>
        each.name === name || workloadOf({ ...each, kind: 'Pod', name, value: {} }, [each]) !== undefined,
    );
    const wanted = getNumber(workload?.value, 'spec', 'replicas');
    const ready = getNumber(workload?.value, 'status', 'readyReplicas');
    return wanted !== undefined && ready !== undefined && ready >= wanted;
  };
  const byObject = new Map<string, EventFact[]>();
  for (const event of world.events) {
    if (!isProgress(event)) continue;
    const own = byObject.get(event.object);
    if (own === undefined) byObject.set(event.object, [event]);
    else own.push(event);
  }
  const byReason = new Map<string, Trouble>();
  for (const event of world.events) {
    const name = event.object.split('/').at(-1) ?? '';
    if (event.type !== 'Warning' || shown.has(name) || fine(name)) continue;
    if (isOver(event, byObject.get(event.object) ?? [])) continue;
    const key = `${event.reason} ${event.message.replaceAll(/[0-9a-f]{5,}|\d+/g, '#').slice(0, 80)}`;
    if (byReason.has(key)) continue;
    byReason.set(key, {
      boundary: /SyncFailed|ReconciliationFailed|BuildFailed|ArtifactFailed|InstallFailed|UpgradeFailed/.test(
        event.reason,
      )
        ? 'sync'
        : 'health',
      subject: event.object,
      reason: `event-${event.reason.toLowerCase()}`,
      title: `${event.object}: ${event.reason}: ${oneLine(event.message)}`,
      claims: [claimOf('health', event.object, `event ${event.reason}`, event.message, event.source)],
      weight:
        (event.count ?? 1) > 2 ||
        /^(?:FailedScheduling|FailedCreate|FailedMount|FailedAttachVolume|Failed|BackOff|ErrImagePull|ReconciliationFailed|BuildFailed|InstallFailed|UpgradeFailed|SyncFailed|ArtifactFailed)$/.test(
          event.reason,
        )
          ? 'hard'
          : 'soft',
      check: `kubectl describe ${(event.object.split('/')[0] ?? 'pod').toLowerCase()} ${name}`,
    });
    if (byReason.size >= 20) break;
  }
  return [...byReason.values()];
}

/** What logs say loudest: fatal lines, and errors that come again. */
export function logTroubles(world: World): readonly Trouble[] {
  const shapes = new Map<
    string,
    { count: number; readonly log: World['logs'][number]; readonly fatal: boolean }
  >();
  for (const log of world.logs) {
    const fatal =
      log.level === 'fatal' ||
      /^(?:panic:|Traceback|Exception in thread|FATAL)|OutOfMemoryError|Segmentation fault/.test(log.message);
    if (!fatal && log.level !== 'error') continue;
    const key = log.message
      .replaceAll(/"[^"]*"|'[^']*'/g, '"')
      .replaceAll(/[0-9a-f-]{6,}|\d+/g, '#')
      .slice(0, 120);
    const known = shapes.get(key);
    if (known !== undefined) known.count += 1;
    else if (shapes.size < 500) shapes.set(key, { count: 1, log, fatal });
  }
  return [...shapes.values()]
    .toSorted((a, b) => Number(b.fatal) - Number(a.fatal) || b.count - a.count)
    .slice(0, 3)
    .map(({ count, log, fatal }) => ({
      boundary: 'health' as const,
      subject: log.component ?? 'log',
      reason: 'log-errors',
      title: `${log.component ?? 'A log'} says${count > 1 ? ` ${count} times` : ''}: ${oneLine(log.message)}`,
      claims: [claimOf('health', log.component ?? 'log', fatal ? 'fatal' : 'error', log.message, log.source)],
      weight: 'soft' as const,
      check: log.component === undefined ? 'kubectl get pods' : `kubectl logs ${log.component} --tail 50`,
    }));
}
