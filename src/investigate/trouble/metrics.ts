import type { World } from '../../verdict/index.ts';
import type { Trouble } from './trouble.ts';
import { claimOf, oneLine } from './trouble.ts';

const FAILED = /^(?:failed|failure|fail|error|errors|ko|rejected|timeout|false|5\d\d|5xx)$/i;
const RESULT = new Set([
  'status',
  'result',
  'outcome',
  'code',
  'state',
  'success',
  'status_code',
  'http_status',
  'response_code',
]);

/** Shares of failures, by every other label: a part that fails is told even where the total looks well. */
export function metricTroubles(world: World): readonly Trouble[] {
  const groups = new Map<
    string,
    { failed: number; total: number; readonly sample: World['samples'][number] }
  >();
  let name = '';
  for (const sample of world.samples) {
    const result = Object.keys(sample.labels).find((label) => RESULT.has(label));
    if (result === undefined || sample.value < 0 || !Number.isFinite(sample.value)) continue;
    name = `${sample.name}{${Object.entries(sample.labels)
      .filter(([label]) => label !== result)
      .map(([label, value]) => `${label}="${value}"`)
      .join(',')}}`;
    const group = groups.get(name) ?? { failed: 0, total: 0, sample };
    group.total += sample.value;
    if (FAILED.test(sample.labels[result] ?? '') && result !== 'success') group.failed += sample.value;
    else if (result === 'success' && sample.labels[result] === 'false') group.failed += sample.value;
    groups.set(name, group);
    if (groups.size > 2_000) break;
  }
  return [...groups]
    .filter(([, { failed, total }]) => failed < total && total >= 50 && failed / total >= 0.1)
    .toSorted(([, a], [, b]) => b.failed / b.total - a.failed / a.total)
    .slice(0, 3)
    .map(([group, { failed, total, sample }]) => ({
      boundary: 'traffic' as const,
      subject: group,
      reason: 'failing-share',
      title: `${group} fails ${Math.round((failed / total) * 100)}% (${failed} of ${total})`,
      claims: [
        claimOf(
          'traffic',
          group,
          'errors',
          `${failed} of ${total} (${((failed / total) * 100).toFixed(1)}%)`,
          sample.source,
        ),
      ],
      weight: failed / total >= 0.2 ? ('hard' as const) : ('soft' as const),
      check: '',
    }));
}

/** `up 0`: Prometheus does not reach a target; the program or only its port of metrics may be why. */
export function targetTroubles(world: World): readonly Trouble[] {
  return world.samples
    .filter(({ name, value }) => name === 'up' && value === 0)
    .slice(0, 3)
    .map((sample) => {
      const who = sample.labels['job'] ?? sample.labels['instance'] ?? 'a target';
      return {
        boundary: 'traffic' as const,
        subject: who,
        reason: 'target-down',
        title: `Prometheus does not reach ${who}${sample.labels['instance'] === undefined ? '' : ` at ${sample.labels['instance']}`}`,
        claims: [claimOf('traffic', who, 'up', '0', sample.source)],
        weight: 'soft' as const,
        check: 'kubectl get pods,endpointslices -A',
      };
    });
}

const AMISS = /^(?:not_?found|missing|miss|fallback|unknown|denied|unavailable|stale|mismatch)$/i;

/** Counters of something that the running version did not find or know. */
export function amissTroubles(world: World): readonly Trouble[] {
  return world.samples
    .filter(
      (sample) =>
        sample.value > 0 &&
        Object.values(sample.labels).some((value) => AMISS.test(value)) &&
        !/^(?:go_|process_|kube_|container_|node_|apiserver_|etcd_)/.test(sample.name),
    )
    .slice(0, 3)
    .map((sample) => {
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}="${value}"`);
      const words = Object.values(sample.labels).filter((value) => !AMISS.test(value));
      const log = world.logs.find((line) =>
        words.some((word) => word.length > 4 && line.message.includes(word)),
      );
      return {
        boundary: 'traffic' as const,
        subject: sample.name,
        reason: 'amiss',
        title: `${sample.name}{${labels.join(',')}} was counted ${sample.value} times${log === undefined ? '' : `; the log says: ${oneLine(log.message)}`}`,
        claims: [
          claimOf('traffic', sample.name, labels.join(','), String(sample.value), sample.source),
          ...(log === undefined
            ? []
            : [claimOf('traffic', log.component ?? 'log', 'message', log.message, log.source)]),
        ],
        weight: 'soft' as const,
        check: '',
      };
    });
}
