/** What is not as it should be, in the words of whoever says it; one file for each kind of source. */
import type { World } from '../../verdict/index.ts';
import { conditionTroubles, serviceTroubles } from './conditions.ts';
import { answerTrouble, artifactOf, buildTroubles, engineTrouble } from './delivery.ts';
import { eventTroubles, logTroubles } from './events-and-logs.ts';
import { amissTroubles, metricTroubles, targetTroubles } from './metrics.ts';
import { podTroubles } from './pods.ts';
import type { Trouble } from './trouble.ts';
import { workloadTroubles } from './workloads.ts';
export { claimOf, inSpace } from './trouble.ts';
export type { Trouble } from './trouble.ts';

/** Everything that is not as it should be, by what a source says now. Order: as a delivery crosses the boundaries. */
export function troublesOf(world: World): readonly Trouble[] {
  return [
    ...buildTroubles(world),
    ...world.engines.flatMap((engine) => engineTrouble(engine) ?? []),
    ...world.answers
      .filter(
        ({ source }) =>
          !world.builds.some(
            (build) => build.state === 'failed' && artifactOf(build.source) === artifactOf(source),
          ),
      )
      .flatMap((answer) => answerTrouble(answer) ?? []),
    ...workloadTroubles(world),
    ...podTroubles(world),
    ...conditionTroubles(world),
    ...serviceTroubles(world),
    ...eventTroubles(world),
    ...metricTroubles(world),
    ...targetTroubles(world),
    ...amissTroubles(world),
    ...logTroubles(world),
  ];
}
