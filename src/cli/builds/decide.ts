import os from 'node:os';
import { attestedIdentity } from '../../apply/index.ts';
import { asLandfallError, LandfallError } from '../../kernel/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Build, BuildReview } from '../../ledger/index.ts';
import { reviewBuild, reviewedText } from '../../pipeline/index.ts';
import type { Reviewer } from '../../pipeline/index.ts';
import type { BuildOptions, ReviewOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { openKube } from '../sources.ts';
import { findBuild } from './find.ts';

interface Known {
  readonly reviewer: Reviewer;
  readonly cluster: string;
}

function nobody(cluster: string): Known {
  const reviewer = {
    name: os.userInfo().username,
    groups: [],
    attestedBy: 'nobody',
    permitted: false,
  } as const;
  return { reviewer, cluster };
}

/** Who the cluster says that this is. Without a cluster nobody attests anything. */
async function reviewerOf(
  build: Build,
  kind: BuildReview['kind'],
  options: BuildOptions,
  io: CliIo,
): Promise<Known> {
  let kube: KubeClient;
  try {
    kube = await openKube(options, io);
  } catch (thrown) {
    const error = asLandfallError(thrown);
    // Ending something needs nobody's word; letting it begin does.
    if (kind !== 'cancel' || error.code !== 'no-kubeconfig') throw error;
    return nobody('');
  }
  try {
    const user = await attestedIdentity(kube, io.signal);
    if (user === undefined) return nobody(kube.server);
    // Not a resource that is served: a name for a permission that roles can give.
    const access = { group: 'landfall.dev', resource: 'builds', name: build.trigger };
    const verb = kind === 'cancel' ? 'cancel' : 'approve';
    const { allowed } = await kube.canI(verb, access, undefined, io.signal);
    return { reviewer: { ...user, attestedBy: 'cluster', permitted: allowed }, cluster: kube.server };
  } finally {
    kube.close();
  }
}

function otherCommit(build: Build, commit: string): LandfallError {
  return new LandfallError(`The build ${build.id} is of ${build.commit}, not of ${commit}.`, {
    kind: 'conflict',
    code: 'build-other-commit',
    object: build.id,
    hint: 'Decide about the build of that commit.',
  });
}

/** Records what somebody decided about a build, when they may. */
export async function decideBuild(
  id: string,
  kind: BuildReview['kind'],
  options: ReviewOptions,
  io: CliIo,
): Promise<number> {
  if (options.server !== undefined) {
    const { decideRemotely } = await import('./decide-remote.ts');
    return decideRemotely(options.server, id, kind, options, io);
  }
  const ledger = ledgerOf(options, io);
  try {
    const build = await findBuild(ledger, id);
    const { commit } = options;
    if (commit !== undefined && !build.commit.startsWith(commit)) throw otherCommit(build, commit);
    const known = await reviewerOf(build, kind, options, io);
    const { comment, url } = options;
    const reviewed = await reviewBuild(ledger.builds, build, { kind, ...known, comment, url }, io.clock);
    const { review, gate } = reviewed;
    io.out(
      formatAnswer(
        options.output,
        { build: build.id, state: reviewed.build.state, review, gate },
        () => `${outStyle(io).green('✓')} ${reviewedText(reviewed)}\n`,
      ),
    );
    return EXIT.ok;
  } finally {
    await ledger.close();
  }
}
