import type { ErrorShare, Observation, Observed } from './facts.ts';
import type { Sample } from './prometheus.ts';

type Errors = NonNullable<Observation['errors']>;

/** Adds up counters of all pods: the total first, then each group in the order of its name. */
export function errorShares(samples: readonly Sample[], errors: Errors): readonly ErrorShare[] {
  const groups = new Map<string, { failed: number; total: number }>();
  const add = (group: string, failed: boolean, value: number) => {
    const sum = groups.get(group) ?? { failed: 0, total: 0 };
    sum.total += value;
    if (failed) sum.failed += value;
    groups.set(group, sum);
  };
  const wanted = Object.entries(errors.failed);
  for (const sample of samples) {
    if (!Number.isFinite(sample.value)) continue;
    const failed = wanted.every(([label, value]) => sample.labels[label] === value);
    add('', failed, sample.value);
    const by = errors.by ?? [];
    if (by.length > 0)
      add(by.map((label) => `${label}=${sample.labels[label] ?? ''}`).join(','), failed, sample.value);
  }
  return [...groups]
    .map(([group, sum]) => ({ group, ...sum }))
    .toSorted((a, b) => a.group.localeCompare(b.group));
}

export function shareOf(share: ErrorShare): number {
  return share.total === 0 ? 0 : share.failed / share.total;
}

export function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(ratio > 0 && ratio < 0.1 ? 1 : 0)}%`;
}

/** `SMS 35% failing`, for the group with the highest share; undefined where nothing fails. */
export function worstGroup(shares: readonly ErrorShare[], minimumSamples: number): ErrorShare | undefined {
  const groups = shares.filter((share) => share.group !== '' && share.total >= minimumSamples);
  const pool = groups.length > 0 ? groups : shares.filter((share) => share.total >= minimumSamples);
  return pool.toSorted((a, b) => shareOf(b) - shareOf(a)).find((share) => share.failed > 0);
}

export function groupName(group: string): string {
  return group === '' ? 'all requests' : group.replaceAll(/[a-zA-Z_]\w*=/g, '');
}

/** `notifications/sent_total`: what a kept share was measured of. */
export function measuredOf({ observation }: Observed): string {
  return `${observation.service}/${observation.errors?.metric ?? ''}`;
}
