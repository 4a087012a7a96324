import { describe, expect, it } from 'vitest';
import { settingsOf } from '../boundaries/settings/index.ts';
import { createPolls, pollTiming } from './polls.ts';

function at(data: Readonly<Record<string, string>>, own?: number) {
  let now = 1_000_000;
  const clock = { now: () => now, after: () => ({ cancel: () => {} }) };
  const settings = settingsOf(data).poll;
  const polls = createPolls({
    clock,
    random: () => 0.5,
    timing: () => pollTiming(own, settings, 180_000),
  });
  return {
    polls,
    pass: (ms: number) => {
      now += ms;
    },
  };
}

describe('looking at Git', () => {
  it('comes back after three minutes and half a jitter where nothing is said', () => {
    const { polls, pass } = at({});
    expect(polls.due('a')).toBe('git');
    polls.asked('a', 'git');
    expect(polls.next('a')).toBe(210_000);
    expect(polls.due('a')).toBeUndefined();
    pass(180_000);
    expect(polls.due('a')).toBe('git');
    expect(polls.next('a')).toBe(30_000);
  });

  it('comes back as argocd-cm says, days included, and at once where the time is over', () => {
    const { polls, pass } = at({
      'timeout.reconciliation': '1d12h',
      'timeout.reconciliation.jitter': '0s',
    });
    polls.asked('a', 'git');
    expect(polls.next('a')).toBe(36 * 3_600_000);
    pass(40 * 3_600_000);
    expect(polls.next('a')).toBe(0);
  });

  it('is not done by the time alone where that is 0', () => {
    const { polls, pass } = at({ 'timeout.reconciliation': '0s' });
    expect(polls.due('a')).toBe('git');
    polls.asked('a', 'git');
    expect(polls.next('a')).toBeUndefined();
    pass(1e9);
    expect(polls.due('a')).toBeUndefined();
  });

  it('is done anew after timeout.hard.reconciliation, whatever was looked at in between', () => {
    const { polls, pass } = at({
      'timeout.reconciliation': '60s',
      'timeout.reconciliation.jitter': '0',
      'timeout.hard.reconciliation': '150s',
    });
    polls.asked('a', 'git');
    pass(60_000);
    expect(polls.due('a')).toBe('git');
    polls.asked('a', 'git');
    pass(60_000);
    polls.asked('a', 'git');
    expect(polls.next('a')).toBe(30_000);
    pass(30_000);
    expect(polls.due('a')).toBe('hard');
    polls.asked('a', 'hard');
    expect(polls.next('a')).toBe(60_000);
  });

  it('is as often as the command line says, whatever the settings are', () => {
    const { polls } = at({ 'timeout.reconciliation': '60s', 'timeout.reconciliation.jitter': '10s' }, 5000);
    polls.asked('a', 'git');
    expect(polls.next('a')).toBe(10_000);
  });

  it('goes on as if nothing was said where the setting is no duration', () => {
    const settings = settingsOf({
      'timeout.reconciliation': 'often',
      'timeout.reconciliation.jitter': '-5s',
    });
    expect(settings.poll).toEqual({});
    expect(settings.problems).toEqual([]);
    expect(settings.warnings).toEqual([
      'argocd-cm, timeout.reconciliation: often is no duration, and counts for nothing',
      'argocd-cm, timeout.reconciliation.jitter: -5s is no duration, and counts for nothing',
    ]);
  });
});
