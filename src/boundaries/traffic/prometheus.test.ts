import { describe, expect, it } from 'vitest';
import { errorShares, percent, shareOf, worstGroup } from './errors.ts';
import { parsePrometheus } from './prometheus.ts';

describe('the Prometheus text format', () => {
  it('gives samples with labels, in any spacing, with escapes, and passes over what is none', () => {
    const text = [
      '# HELP a b',
      '# TYPE a counter',
      'a 1',
      'b{x="1",y="q\\"u\\no"} 2.5e3 1700000000000',
      'c { z = "v" , } +Inf',
      'not a sample',
      'd{unclosed="1 5',
      'e NaNa',
      '\ta_b:c{l="{}"} 0',
    ].join('\n');
    expect(parsePrometheus(text)).toEqual([
      { name: 'a', labels: {}, value: 1 },
      { name: 'b', labels: { x: '1', y: 'q"u\no' }, value: 2500 },
      { name: 'c', labels: { z: 'v' }, value: Number.POSITIVE_INFINITY },
      { name: 'a_b:c', labels: { l: '{}' }, value: 0 },
    ]);
  });

  it('reads a line that somebody made to be slow as fast as any', () => {
    const spaces = ' '.repeat(200_000);
    const started = performance.now();
    expect(parsePrometheus(`a${spaces}b${spaces}c\nok 1`)).toEqual([{ name: 'ok', labels: {}, value: 1 }]);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it('keeps only the metric that is asked for, not those whose names begin alike', () => {
    expect(parsePrometheus('app 1\napp_total 2', 'app')).toEqual([{ name: 'app', labels: {}, value: 1 }]);
  });
});

describe('shares of errors', () => {
  // The numbers of the incident that the product comes from.
  const text = [
    'sent{channel="email",status="success"} 14293',
    'sent{channel="email",status="failed"} 847',
    'sent{channel="sms",status="success"} 3891',
    'sent{channel="sms",status="failed"} 2104',
  ].join('\n');
  const shares = errorShares(parsePrometheus(text), {
    path: '/',
    metric: 'sent',
    by: ['channel'],
    failed: { status: 'failed' },
  });

  it('are told by group, so that one group does not hide in the total', () => {
    expect(shares.map((share) => [share.group, percent(shareOf(share))])).toEqual([
      ['', '14%'],
      ['channel=email', '5.6%'],
      ['channel=sms', '35%'],
    ]);
    expect(worstGroup(shares, 50)?.group).toBe('channel=sms');
  });

  it('mean nothing below the minimum of samples', () => {
    expect(worstGroup(shares, 100_000)).toBeUndefined();
  });
});
