import { describe, expect, test } from 'vitest';
import type { Decision } from '../../ledger/index.ts';
import { APPROVED, approvalsGate, overriding, REJECTED, soakGate } from './gates.ts';
import { windowsAt } from './windows.ts';

type Windows = Parameters<typeof windowsAt>[0];

function check(windows: Windows, at: string): string {
  const { open, opensAt } = windowsAt(windows, Date.parse(at));
  if (open) return 'open';
  return opensAt === undefined ? 'closed' : `closed until ${new Date(opensAt).toISOString().slice(0, 16)}`;
}

describe('a window', () => {
  const office: Windows = [
    { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', timeZone: 'Europe/Berlin' },
  ];

  test.each([
    ['2026-07-01T06:59:59Z', 'closed until 2026-07-01T07:00'],
    ['2026-07-01T07:00:00Z', 'open'],
    ['2026-07-01T14:59:59Z', 'open'],
    ['2026-07-01T15:00:00Z', 'closed until 2026-07-02T07:00'],
    // The same hours by the wall clock in winter.
    ['2026-12-01T07:00:00Z', 'closed until 2026-12-01T08:00'],
    ['2026-12-01T08:00:00Z', 'open'],
    // Friday evening before the clock changes: opens on Monday by the new time.
    ['2026-03-27T17:00:00Z', 'closed until 2026-03-30T07:00'],
    ['2026-10-23T17:00:00Z', 'closed until 2026-10-26T08:00'],
  ])('of office hours in Berlin at %s: %s', (at, wanted) => {
    expect(check(office, at)).toBe(wanted);
  });

  test('over midnight belongs to the day on which it begins', () => {
    const nights: Windows = [{ days: ['fri'], from: '22:00', to: '02:00' }];
    expect(check(nights, '2026-01-02T23:00:00Z')).toBe('open');
    expect(check(nights, '2026-01-03T01:59:00Z')).toBe('open');
    expect(check(nights, '2026-01-03T02:00:00Z')).toBe('closed until 2026-01-09T22:00');
    expect(check(nights, '2026-01-02T01:00:00Z')).toBe('closed until 2026-01-02T22:00');
  });

  test('in an hour that a changing clock skips does not open that day, one in an hour that comes twice opens twice', () => {
    const early: Windows = [{ from: '02:00', to: '02:30', timeZone: 'Europe/Berlin' }];
    expect(check(early, '2026-03-29T00:45:00Z')).toBe('closed until 2026-03-30T00:00');
    expect(check(early, '2026-10-25T00:10:00Z')).toBe('open');
    expect(check(early, '2026-10-25T00:40:00Z')).toBe('closed until 2026-10-25T01:00');
  });

  test('that is closed counts more than one that is open', () => {
    const freeze: Windows = [
      ...(office ?? []),
      {
        kind: 'closed',
        since: '2026-12-20',
        until: '2027-01-03',
        timeZone: 'Europe/Berlin',
        reason: 'holidays',
      },
    ];
    expect(check(freeze, '2026-12-22T10:00:00Z')).toBe('closed until 2027-01-04T08:00');
    expect(windowsAt(freeze, Date.parse('2026-12-22T10:00:00Z')).why).toContain('holidays');
    expect(check([{ kind: 'closed', days: ['sat'] }], '2026-01-05T10:00:00Z')).toBe('open');
  });

  test('that never opens says no time, and none at all is open', () => {
    expect(check([{ since: '2020-01-01', until: '2020-01-02' }], '2026-01-01T00:00:00Z')).toBe('closed');
    expect(check(undefined, '2026-01-01T00:00:00Z')).toBe('open');
  });
});

describe('approvals', () => {
  const by = (name: string, kind = APPROVED, groups: readonly string[] = []): Decision => ({
    id: name,
    cluster: 'c',
    namespace: 'n',
    application: 'a',
    kind,
    actor: { name, attestedBy: 'cluster' },
    at: '',
    reason: '',
    detail: { promotion: 'p', groups: [...groups] },
  });
  const policy = { count: 2, by: ['alice', 'group:release'], notAuthor: true };
  const author = { name: 'alice', attestedBy: 'cluster' } as const;
  const state = (...decisions: readonly Decision[]) => approvalsGate({ policy, author, decisions }).state;

  test('count people who are named, by name or group, once each, and not the author', () => {
    expect(state(by('bob', APPROVED, ['release']), by('bob', APPROVED, ['release']))).toBe('waiting');
    expect(state(by('bob', APPROVED, ['release']), by('alice'))).toBe('waiting');
    expect(state(by('bob', APPROVED, ['release']), by('mallory', APPROVED, ['release-x']))).toBe('waiting');
    expect(state(by('bob', APPROVED, ['release']), by('eve', APPROVED, ['release']))).toBe('open');
  });

  test('of somebody whom nobody attests do not count', () => {
    const forged = {
      ...by('eve', APPROVED, ['release']),
      actor: { name: 'eve', attestedBy: 'nobody' as const },
    };
    expect(state(by('bob', APPROVED, ['release']), forged)).toBe('waiting');
  });

  test('end with one rejection by somebody who counts', () => {
    const two = [by('bob', APPROVED, ['release']), by('eve', APPROVED, ['release'])];
    expect(state(...two, by('carol', REJECTED, ['release']))).toBe('closed');
    expect(state(...two, by('mallory', REJECTED))).toBe('open');
  });

  test('are never overridden; soak is', () => {
    const gates = [
      approvalsGate({ policy, author, decisions: [] }),
      soakGate({ soakMs: 60_000, release: 'r', standing: undefined, now: 0 }),
    ];
    expect(overriding(gates, 'an outage').map((gate) => gate.state)).toEqual(['waiting', 'overridden']);
    expect(overriding(gates, undefined).map((gate) => gate.state)).toEqual(['waiting', 'waiting']);
  });
});

test('soak counts from when this very release began to stand', () => {
  const standing = { release: 'r', since: '2026-01-01T00:00:00.000Z', seen: '' };
  const at = (minute: number, release = 'r') =>
    soakGate({ soakMs: 1_800_000, release, standing, now: Date.UTC(2026, 0, 1, 0, minute) });
  expect(at(29).state).toBe('waiting');
  expect(at(29).opensAt).toBe('2026-01-01T00:30:00.000Z');
  expect(at(30).state).toBe('open');
  expect(at(300, 'another').state).toBe('waiting');
});
