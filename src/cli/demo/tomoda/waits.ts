import type { PinnedImage, TomodaApplication } from '../../../../examples/tomoda/index.ts';
import { LandfallError } from '../../../kernel/index.ts';
import type { Clock } from '../../../kernel/index.ts';
import type { Build, BuildState } from '../../../ledger/index.ts';
import { until } from '../until.ts';
import type { TomodaStage } from './stage.ts';

const WAIT_MS = 180_000;
const ON_THE_WAY: readonly BuildState[] = ['PENDING', 'QUEUED', 'WORKING'];

export interface Waiting {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits until the build of a commit stands so; throws as soon as it ended in another way. */
export async function buildIs(
  stage: TomodaStage,
  trigger: string,
  commit: string,
  wanted: BuildState,
  { clock, signal }: Waiting,
): Promise<Build> {
  const what = `The build ${trigger} of ${commit.slice(0, 8)} being ${wanted}`;
  return until(clock, what, WAIT_MS, signal, async () => {
    const [build] = await stage.ledger.builds.list({ trigger, commit }, 1);
    if (build === undefined || build.state === wanted) return build;
    if (ON_THE_WAY.includes(build.state)) return undefined;
    throw new LandfallError(
      `The build ${build.id} of ${commit.slice(0, 8)} is ${build.state}: ${build.message}`,
      {
        kind: 'unavailable',
        code: 'demo-build',
        object: build.id,
        hint: `See what its steps said: landfall builds ${build.id}.`,
      },
    );
  });
}

/** Waits until the updater has committed a tag into the overlay of an application. */
export async function overlayAsksFor(
  stage: TomodaStage,
  application: TomodaApplication,
  tag: string,
  { clock, signal }: Waiting,
): Promise<PinnedImage & { readonly commit: string }> {
  return until(clock, `A commit of ${tag} for ${application}`, WAIT_MS, signal, async () => {
    const pin = await stage.repositories.readPin(application);
    return pin.tag === tag ? pin : undefined;
  });
}
