import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../kernel/index.ts';
import { applicationSpec } from '../boundaries/sync/index.ts';
import { parseCron } from './cron.ts';
import { mayGoOn } from './windows.ts';

/** A Saturday. */
const NOON = Date.UTC(2026, 0, 10, 12, 30);
const HOUR = 3_600_000;

function subject(...windows: JsonObject[]) {
  const application = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: { name: 'shop-web', namespace: 'argocd' },
    spec: {
      source: { repoURL: 'x', path: '.' },
      destination: { server: 'https://prod.corp.io', namespace: 'shop' },
    },
  };
  return { application, spec: applicationSpec(application), project: { windows } };
}

const window = (kind: string, schedule: string, more: JsonObject = {}): JsonObject => ({
  kind,
  schedule,
  duration: '1h',
  applications: ['*'],
  ...more,
});
const BY_ITSELF = { automated: true };
const BY_HAND = { automated: false };

describe('sync windows', () => {
  it.each<[string, JsonObject[], boolean]>([
    ['there is none', [], true],
    ['an allowance is open', [window('allow', '0 12 * * *')], true],
    ['no allowance is open', [window('allow', '0 10 * * *')], false],
    ['a denial is open', [window('deny', '0 12 * * *')], false],
    ['no denial is open', [window('deny', '0 10 * * *')], true],
    ['both are open', [window('allow', '0 12 * * *'), window('deny', '0 12 * * *')], false],
    ['one of two allowances is open', [window('allow', '0 12 * * *'), window('allow', '0 1 * * *')], true],
    ['a denial has just ended', [window('deny', '30 11 * * *')], true],
    ['a denial begins this minute', [window('deny', '30 12 * * *')], true],
    [
      'it is open elsewhere by the clock',
      [window('deny', '0 13 * * *', { timeZone: 'Europe/Berlin' })],
      false,
    ],
    [
      'it is closed elsewhere by the clock',
      [window('deny', '0 12 * * *', { timeZone: 'Europe/Berlin' })],
      true,
    ],
    ['its schedule has a zone, and is open there', [window('deny', 'TZ=Europe/Berlin 0 13 * * *')], false],
    ['its schedule has a zone, and is closed there', [window('deny', 'CRON_TZ=Asia/Tokyo 0 12 * * *')], true],
    ['it lasts for days', [window('deny', '0 0 * * 5', { duration: '48h' })], false],
  ])('when %s', (_, windows, allowed) => {
    expect(mayGoOn(subject(...windows), BY_ITSELF, undefined, NOON).allowed).toBe(allowed);
  });

  it('let people do what they let nobody else do, where all of them say so', () => {
    const lenient = window('deny', '0 12 * * *', { manualSync: true });
    expect(mayGoOn(subject(lenient), BY_HAND, undefined, NOON).allowed).toBe(true);
    expect(mayGoOn(subject(lenient), BY_ITSELF, undefined, NOON).allowed).toBe(false);
    const strict = window('deny', '15 12 * * *');
    expect(mayGoOn(subject(lenient, strict), BY_HAND, undefined, NOON).allowed).toBe(false);
    const closed = window('allow', '0 1 * * *', { manualSync: true });
    expect(mayGoOn(subject(closed), BY_HAND, undefined, NOON).allowed).toBe(true);
  });

  it('let what was begun in time run over, where all of them say so', () => {
    const over = { syncOverrun: true };
    const deny = window('deny', '0 12 * * *', over);
    expect(mayGoOn(subject(deny), BY_ITSELF, NOON - HOUR, NOON).allowed).toBe(true);
    expect(mayGoOn(subject(deny), BY_ITSELF, NOON - 60_000, NOON).allowed).toBe(false);
    const allow = window('allow', '0 11 * * *', over);
    expect(mayGoOn(subject(allow), BY_ITSELF, NOON - HOUR, NOON).allowed).toBe(true);
    expect(mayGoOn(subject(allow), BY_ITSELF, NOON - 3 * HOUR, NOON).allowed).toBe(false);
    const strict = window('deny', '15 12 * * *');
    expect(mayGoOn(subject(deny, strict), BY_ITSELF, NOON - HOUR, NOON).allowed).toBe(false);
  });

  it.each<[JsonObject, boolean]>([
    [{ applications: ['shop-*'] }, true],
    [{ applications: ['web'] }, false],
    [{ applications: [], clusters: ['https://prod.*'] }, true],
    [{ applications: [], namespaces: ['shop'] }, true],
    [{ applications: [] }, false],
    [{ applications: ['other'], namespaces: ['shop'] }, true],
    [{ applications: ['other'], namespaces: ['shop'], andOperator: true }, false],
    [{ applications: ['shop-*'], namespaces: ['shop'], andOperator: true }, true],
  ])('are about %j', (more, concerned) => {
    const denied = mayGoOn(subject(window('deny', '0 12 * * *', more)), BY_ITSELF, undefined, NOON);
    expect(denied.allowed).toBe(!concerned);
  });

  it('that cannot be read let nothing through, and say why', () => {
    expect(mayGoOn(subject(window('allow', '61 * * * *')), BY_HAND, undefined, NOON)).toEqual({
      allowed: false,
      problem: "invalid sync windows: cannot parse schedule '61 * * * *'",
    });
    const nowhere = window('allow', 'TZ=Mars/Olympus * * * * *');
    expect(mayGoOn(subject(nowhere), BY_HAND, undefined, NOON).problem).toContain('cannot parse schedule');
    const odd = window('allow', '* * * * *', { duration: 'an hour' });
    expect(mayGoOn(subject(odd), BY_HAND, undefined, NOON).problem).toContain('an hour');
    const bare = window('allow', '* * * * *', { duration: '60' });
    expect(mayGoOn(subject(bare), BY_HAND, undefined, NOON).problem).toContain("cannot parse duration '60'");
    const kind = window('allow', '* * * * *', { kind: 'Deny' });
    expect(mayGoOn(subject(kind), BY_HAND, undefined, NOON).problem).toContain("kind 'Deny' mismatch");
  });
});

describe('a schedule', () => {
  const next = (text: string, from: string) => {
    const at = parseCron(text)?.next(Date.parse(from));
    return at === undefined ? undefined : new Date(at).toISOString();
  };

  it.each([
    ['*/15 * * * *', '2026-01-10T12:00:00Z', '2026-01-10T12:15:00.000Z'],
    ['0 9-17/4 * * mon-fri', '2026-01-09T17:30:00Z', '2026-01-12T09:00:00.000Z'],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['0 0 13 * 5', '2026-01-10T00:00:00Z', '2026-01-13T00:00:00.000Z'],
    ['5,35 22 1 JAN,jul *', '2026-01-02T00:00:00Z', '2026-07-01T22:05:00.000Z'],
    ['0 0 */2 * mon', '2026-01-03T12:00:00Z', '2026-01-05T00:00:00.000Z'],
    ['0 0 */2 * mon', '2026-01-11T12:00:00Z', '2026-01-12T00:00:00.000Z'],
    ['0 0 */1 * mon', '2026-01-05T12:00:00Z', '2026-01-12T00:00:00.000Z'],
    ['0 0 31 2 *', '2026-01-01T00:00:00Z', undefined],
  ])('%s after %s is %s', (text, from, expected) => {
    expect(next(text, from)).toBe(expected);
  });

  it.each(['', '* * * *', '60 * * * *', '* * 0 * *', '5-1 * * * *', '*/0 * * * *', '* * * foo *', '@daily'])(
    '%j is none',
    (text) => {
      expect(parseCron(text)).toBeUndefined();
    },
  );
});
