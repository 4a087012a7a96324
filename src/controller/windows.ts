import { getArray, getIn, getString } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { durationMs } from '../boundaries/sync/index.ts';
import type { Subject } from './look.ts';
import type { SyncRequest } from './operation.ts';
import { parseCron } from './cron.ts';
import { globOf } from '../boundaries/settings/index.ts';

/** Whether the sync windows of the project let an operation run. */
export interface WindowAnswer {
  readonly allowed: boolean;
  /** Why nobody knows: a schedule that cannot be read blocks everything it is about. */
  readonly problem?: string;
}

/** One window that is about the application. */
interface Window {
  readonly deny: boolean;
  readonly manual: boolean;
  readonly overrun: boolean;
  readonly isActive: (now: number) => boolean;
}

type WindowSubject = Pick<Subject, 'spec' | 'application'> & {
  readonly project: Pick<Subject['project'], 'windows'>;
};

/** Whether an operation may begin or go on now. `startedAt` matters to windows that let what has begun run over. */
export function mayGoOn(
  subject: WindowSubject,
  request: Pick<SyncRequest, 'automated'>,
  startedAt: number | undefined,
  now: number,
): WindowAnswer {
  const windows: Window[] = [];
  for (const raw of subject.project.windows) {
    if (!concerns(raw, subject)) continue;
    const window = windowOf(raw);
    if ('problem' in window) return { allowed: false, problem: `invalid sync windows: ${window.problem}` };
    windows.push(window);
  }
  const manual = !request.automated;
  if (isOpen(windows, manual, now)) return { allowed: true };
  const closed = closing(windows, now);
  const runsOver =
    startedAt !== undefined &&
    closed.length > 0 &&
    closed.every((window) => window.overrun) &&
    isOpen(windows, manual, startedAt);
  return { allowed: runsOver };
}

/** The windows that keep an application from being synced: denials that are open, else allowances that are not. */
function closing(windows: readonly Window[], now: number): readonly Window[] {
  const denied = windows.filter((window) => window.deny && window.isActive(now));
  if (denied.length > 0) return denied;
  const allowances = windows.filter((window) => !window.deny);
  return allowances.some((window) => window.isActive(now)) ? [] : allowances;
}

/** Source: Argo CD's `SyncWindows.CanSync`: a denial counts more than an allowance; people may where all let them. */
function isOpen(windows: readonly Window[], manual: boolean, now: number): boolean {
  const closed = closing(windows, now);
  return closed.length === 0 || (manual && closed.every((window) => window.manual));
}

function windowOf(raw: JsonValue): Window | { readonly problem: string } {
  const schedule = getString(raw, 'schedule') ?? '';
  const [, own = '', fields = ''] = /^(?:(?:CRON_)?TZ=(\S+)\s)?(.*)$/s.exec(schedule) ?? [];
  const cron = parseCron(fields);
  if (cron === undefined || (own !== '' && !isZone(own)))
    return { problem: `cannot parse schedule '${schedule}'` };
  const kind = getString(raw, 'kind') ?? '';
  if (kind !== 'allow' && kind !== 'deny') {
    return { problem: `kind '${kind}' mismatch: can only be allow or deny` };
  }
  const text = getString(raw, 'duration') ?? '';
  // Go wants a unit: an hour and sixty seconds are not told apart without.
  const duration = /^[1-9]\d*$/.test(text) ? undefined : durationMs(text);
  if (duration === undefined) return { problem: `cannot parse duration '${text}'` };
  const zone = getString(raw, 'timeZone') ?? '';
  return {
    deny: kind === 'deny',
    manual: getIn(raw, 'manualSync') === true,
    overrun: getIn(raw, 'syncOverrun') === true,
    isActive(now) {
      const wall = now + offsetOf(zone, now) + offsetOf(own, now);
      const next = cron.next(wall - duration);
      return next !== undefined && next < wall;
    },
  };
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Ms that the wall clock of a zone is ahead of UTC; UTC where there is no such zone, as in Argo CD. */
function offsetOf(zone: string, now: number): number {
  if (zone === '' || zone === 'UTC') return 0;
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(now);
    const part = (type: string) => Number(parts.find((item) => item.type === type)?.value ?? 0);
    const wall = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wall - Math.floor(now / 1000) * 1000;
  } catch {
    return 0;
  }
}

/** Which applications a window is about: any of its lists names them, or with `andOperator` each that is there. */
function concerns(raw: JsonValue, { application, spec }: WindowSubject): boolean {
  const lists: readonly (readonly [string, readonly (string | undefined)[]])[] = [
    ['applications', [application.metadata.name]],
    ['clusters', [spec.destination.name, spec.destination.server]],
    ['namespaces', [spec.destination.namespace]],
  ];
  const answers = lists.flatMap(([field, values]) => {
    const patterns = getArray(raw, field).filter((item): item is string => typeof item === 'string');
    if (patterns.length === 0) return [];
    return [
      patterns.some((pattern) => values.some((value) => value !== undefined && isLike(pattern, value))),
    ];
  });
  if (answers.length === 0) return false;
  return getIn(raw, 'andOperator') === true ? answers.every(Boolean) : answers.some(Boolean);
}

function isLike(pattern: string, value: string): boolean {
  return globOf(pattern, '').test(value);
}
