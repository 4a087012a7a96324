import { percent } from '../../../boundaries/index.ts';
import type { MetricSample } from '../../world/index.ts';

/** Label values by which an application says that something did not work as meant. */
const FAILED = /^(?:failed|failure|fail|error|errors|ko|rejected|timeout|5\d\d|5xx)$/i;
const RESULT_LABELS = new Set(['status', 'result', 'outcome', 'code', 'state', 'success']);
const MANY = 50;

interface Share {
  readonly failed: number;
  readonly total: number;
}

const shareOf = ({ failed, total }: Share) => (total === 0 ? 0 : failed / total);

export interface Masked {
  readonly signal: string;
  readonly truth: string;
  readonly samples: readonly MetricSample[];
}

/** Counters whose total looks better than its worst part: one channel works and hides another that does not. */
export function maskedFailures(samples: readonly MetricSample[]): readonly Masked[] {
  const found: Masked[] = [];
  const names = [...new Set(samples.map(({ name }) => name))];
  for (const name of names) {
    const own = samples.filter((sample) => sample.name === name);
    const result = Object.keys(own[0]?.labels ?? {}).find((label) => RESULT_LABELS.has(label));
    if (result === undefined || !own.some(({ labels }) => FAILED.test(labels[result] ?? ''))) continue;
    const share = (list: readonly MetricSample[]): Share => ({
      total: list.reduce((sum, { value }) => sum + value, 0),
      failed: list
        .filter(({ labels }) => FAILED.test(labels[result] ?? ''))
        .reduce((sum, { value }) => sum + value, 0),
    });
    const all = share(own);
    for (const label of Object.keys(own[0]?.labels ?? {}).filter((key) => key !== result)) {
      const values = [...new Set(own.flatMap(({ labels }) => labels[label] ?? []))];
      if (values.length < 2 || values.length > MANY) continue;
      const parts = values
        .map((value) => ({ value, share: share(own.filter(({ labels }) => labels[label] === value)) }))
        .toSorted((a, b) => shareOf(b.share) - shareOf(a.share));
      const [worst] = parts;
      const best = parts.at(-1);
      if (worst === undefined || best === undefined || shareOf(worst.share) < 1.5 * shareOf(all)) continue;
      if (worst.share.failed < 10 || shareOf(worst.share) < 0.02) continue;
      found.push({
        signal: `${percent(shareOf(all))} of all ${name} fail`,
        truth: `the total hides ${label} ${worst.value}, which fails ${percent(shareOf(worst.share))} (${worst.share.failed} of ${worst.share.total}), behind ${best.value} with ${percent(shareOf(best.share))}`,
        samples: own,
      });
    }
  }
  return found;
}
