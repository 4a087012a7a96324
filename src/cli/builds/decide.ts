import os from 'node:os';
import { attestedIdentity } from '../../apply/index.ts';
import { asLandfallError, LandfallError } from '../../kernel/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { Build, BuildReview, Ledger } from '../../ledger/index.ts';
import { decideGate, planOf, whyNotReviewer } from '../../pipeline/index.ts';
import type { Reviewer } from '../../pipeline/index.ts';
import type { BuildOptions, ReviewOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { openKube } from '../sources.ts';
import { findBuild } from './find.ts';

interface Known extends Reviewer {
  readonly cluster: string;
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
    return { name: os.userInfo().username, groups: [], attestedBy: 'nobody', permitted: false, cluster: '' };
  }
  try {
    const user = await attestedIdentity(kube, io.signal);
    if (user === undefined)
      return {
        name: os.userInfo().username,
        groups: [],
        attestedBy: 'nobody',
        permitted: false,
        cluster: kube.server,
      };
    // Not a resource that is served: a name for a permission that roles can give.
    const access = { group: 'landfall.dev', resource: 'builds', name: build.trigger };
    const { allowed } = await kube.canI(
      kind === 'cancel' ? 'cancel' : 'approve',
      access,
      undefined,
      io.signal,
    );
    return { ...user, attestedBy: 'cluster', permitted: allowed, cluster: kube.server };
  } finally {
    kube.close();
  }
}

function refuse(build: Build, kind: string, why: string): LandfallError {
  const { approval } = planOf(build);
  const hint =
    approval?.notAuthor === true && why.includes('not declared')
      ? `Add the addresses under 'people' in landfall.yaml of ${build.declaredIn}: people: { USER: [you@example.org] }.`
      : `Ask ${approval?.by?.join(' or ') ?? `somebody who may: kubectl create clusterrole build-approver --verb=approve --resource=builds.landfall.dev`}.`;
  return new LandfallError(
    `The build ${build.id} was not ${kind === 'approve' ? 'approved' : 'rejected'}: ${why}.`,
    {
      kind: 'denied',
      code: 'build-review-denied',
      object: build.id,
      hint,
    },
  );
}

/** Records what somebody decided about a build, when they may; what it means is decided by whoever serves the ledger. */
export async function decideBuild(
  id: string,
  kind: BuildReview['kind'],
  options: ReviewOptions,
  io: CliIo,
): Promise<number> {
  const ledger = ledgerOf(options, io);
  try {
    const build = await findBuild(ledger, id);
    const reviewer = await reviewerOf(build, kind, options, io);
    if (kind !== 'cancel') {
      if (build.state !== 'PENDING') throw notPending(build, kind);
      const why = whyNotReviewer(build, reviewer, kind);
      if (why !== undefined) throw refuse(build, kind, why);
    }
    const review = await ledger.builds.review({
      build: build.id,
      kind,
      actor: { name: reviewer.name, attestedBy: reviewer.attestedBy },
      groups: reviewer.groups,
      permitted: reviewer.permitted,
      cluster: reviewer.cluster,
      comment: options.comment,
      url: options.url,
      commit: build.commit,
      definitionDigest: build.definitionDigest,
    });
    const words = options.comment === '' ? '' : `: ${options.comment}`;
    if (kind === 'cancel') await ledger.builds.cancel(build.id, `${reviewer.name} cancelled it${words}`);
    return await answer(ledger, build.id, review, options, io);
  } finally {
    await ledger.close();
  }
}

function notPending(build: Build, kind: string): LandfallError {
  return new LandfallError(
    `The build ${build.id} does not wait to be ${kind === 'approve' ? 'approved' : 'rejected'}: it is ${build.state}, ${build.message}.`,
    {
      kind: 'conflict',
      code: 'build-not-pending',
      object: build.id,
      hint: `landfall builds show ${build.id} says how it stands.`,
    },
  );
}

async function answer(
  ledger: Ledger,
  id: string,
  review: BuildReview,
  options: ReviewOptions,
  io: CliIo,
): Promise<number> {
  const build = await findBuild(ledger, id);
  const gate = decideGate(build, await ledger.builds.reviews(id), io.clock.now());
  const state = {
    approve: gate.state === 'open' ? 'it begins as soon as landfall serve looks' : gate.message,
    reject: 'it ends as soon as landfall serve looks',
    cancel: build.state === 'WORKING' ? 'its processes are being ended' : build.message,
  }[review.kind];
  const done = { approve: 'approved', reject: 'rejected', cancel: 'cancelled' }[review.kind];
  io.out(
    formatAnswer(options.output, { build: id, state: build.state, review, gate }, () => {
      const { name, attestedBy } = review.actor;
      const known = attestedBy === 'nobody' ? `${name}, whom nobody attests` : name;
      return `${outStyle(io).green('✓')} build ${id} ${done} by ${known}: commit ${review.commit.slice(0, 12)}; ${state}\n`;
    }),
  );
  return EXIT.ok;
}
