import { getString } from '../kernel/index.ts';
import type { World } from '../verdict/index.ts';
import { WORKLOADS } from './trace.ts';

const TIME = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/;
const AMISS = /^(?:not_?found|missing|fallback|unknown|unavailable)$/i;

/** Whether a rollout was recorded after the newest push, which leaves both mechanisms of a stale image open. */
function rolloutAfterPush(world: World): readonly string[] {
  const pushed = world.builds
    .flatMap(({ time, digest }) => (time === undefined || digest === undefined ? [] : [time]))
    .toSorted()
    .at(-1);
  if (pushed === undefined) return [];
  return world.live.flatMap((object) => {
    if (!WORKLOADS.has(object.kind)) return [];
    const cause = getString(object.value, 'metadata', 'annotations', 'kubernetes.io/change-cause');
    const revision = getString(object.value, 'metadata', 'annotations', 'deployment.kubernetes.io/revision');
    const time = TIME.exec(cause ?? '')?.[0];
    if (time === undefined || revision === undefined) return [];
    return Date.parse(time) > Date.parse(pushed)
      ? [
          `Revision ${revision} of ${object.name} is recorded at ${time}, after the push of ${pushed.replace('.000Z', 'Z')}. If pods were created then, they took the copy that their node had under that tag (IfNotPresent); if that apply left the template as it was, no pod was created and nothing pulled. The pull policy is not decided by these artifacts; the creation times of the pods are.`,
        ]
      : [
          `The newest recorded revision of ${object.name}, ${revision} at ${time}, is older than the push of ${pushed.replace('.000Z', 'Z')}: nothing was rolled out since.`,
        ];
  });
}

/** What the version that runs does not know, and what that leads to. */
function impact(world: World): readonly string[] {
  return world.samples
    .filter((sample) => sample.value > 0 && Object.values(sample.labels).some((value) => AMISS.test(value)))
    .slice(0, 3)
    .map((sample) => {
      const words = Object.values(sample.labels).filter((value) => !AMISS.test(value) && value.length > 4);
      const log = world.logs.find(({ message }) => words.some((word) => message.includes(word)));
      return `${sample.name} counts ${Object.entries(sample.labels)
        .map(([label, value]) => `${label}=${value}`)
        .join(
          ', ',
        )} ${sample.value} times${log === undefined ? '' : `; the log says: ${log.message.slice(0, 200)}`}. The old version cannot know what came with the new one.`;
    });
}

/** What times and counters add to the story of an image that did not move. */
export function timelineOf(world: World): readonly string[] {
  return [...rolloutAfterPush(world), ...impact(world)];
}
