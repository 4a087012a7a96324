import path from 'node:path';
import { fullRepository, withoutTag } from '../../boundaries/index.ts';
import { attestToken, mayDecide, startBuilds } from '../../controller/index.ts';
import type { BuildDecision, BuildLoop, Controller } from '../../controller/index.ts';
import { getString, LandfallError } from '../../kernel/index.ts';
import type { JsonValue, Logger } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { parseBuildReport, receiveReport, reviewBuild, reviewedText } from '../../pipeline/index.ts';
import type { Sources } from '../../verdict/index.ts';
import { rememberRecord } from '../built-images.ts';
import { stateFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';
import { findBuild } from './find.ts';

export interface ServedBuilds extends BuildLoop {
  /** Keeps what another CI tells of a build; what is answered. */
  reported(report: JsonValue): Promise<string>;
  /** Keeps what somebody decided whom the cluster knows by their token; what is answered. */
  decided(decision: BuildDecision): Promise<string>;
}

const MOST_WORDS = 4_000;

/** Builds, as `landfall serve` finds and runs them. */
export function serveBuilds(
  served: {
    readonly controller: Controller;
    readonly sources: Sources;
    readonly ledger: Ledger;
    readonly logger: Logger;
    readonly pollMs: number;
    readonly concurrency: number;
  },
  io: CliIo,
): ServedBuilds {
  const { controller, sources, ledger, logger, pollMs, concurrency } = served;
  const state = stateFolder(io.env);
  const loop = startBuilds({
    declarations: controller.declarations,
    // Where it turns out that it may not act at all, serve ends and says so.
    ready: controller.ready.catch(() => undefined),
    open: (url, signal) => controller.openRepository(url, signal),
    ledger,
    registry: sources.registry,
    clock: io.clock,
    logger,
    folder: path.join(state, 'builds'),
    env: io.env,
    pollMs,
    concurrency,
    async onPushed(record) {
      await rememberRecord(state, record);
      // Whoever follows the image need not find out by asking the registry.
      controller.imagesPushed(new Set([fullRepository(record.image)]));
    },
    // Also what other processes, steps and other CIs pushed.
    onBuilt: ({ image }) => {
      controller.imagesPushed(new Set([fullRepository(withoutTag(image))]));
    },
  });
  return {
    ...loop,
    async reported(json) {
      const report = parseBuildReport(json);
      const { known } = await controller.declarations.read('git', io.signal);
      const images = new Set(
        known.flatMap(({ file }) => [
          ...Object.values(file?.builds ?? {}).map((each) => each.image),
          ...Object.values(file?.applications ?? {}).flatMap(({ source }) => source?.image ?? []),
        ]),
      );
      const build = await receiveReport(
        {
          builds: ledger.builds,
          registry: sources.registry,
          clock: io.clock,
          isKnown: (image) => images.has(withoutTag(image)),
        },
        report,
        io.signal,
      );
      if (build.image !== '') controller.imagesPushed(new Set([fullRepository(build.image)]));
      logger.info('A build was reported', { build: build.id, builder: report.builder, state: build.state });
      return `build ${build.id}: ${build.message}`;
    },
    async decided({ build: id, kind, token, body }) {
      const user = await attestToken(sources.kube, token, io.signal);
      const build = await findBuild(ledger, id);
      const commit = getString(body, 'commit');
      if (commit !== undefined && (commit.length < 7 || !build.commit.startsWith(commit))) {
        throw new LandfallError(
          `The build ${build.id} is of ${build.commit}, not of ${commit.slice(0, 64)}.`,
          {
            kind: 'conflict',
            code: 'build-other-commit',
            object: build.id,
            hint: 'Decide about the build of that commit.',
          },
        );
      }
      const permitted = await mayDecide(
        sources.kube,
        user,
        kind === 'cancel' ? 'cancel' : 'approve',
        build.trigger,
        io.signal,
      );
      const reviewed = await reviewBuild(
        ledger.builds,
        build,
        {
          kind,
          reviewer: { ...user, attestedBy: 'cluster', permitted },
          cluster: sources.kube.server,
          comment: (getString(body, 'comment') ?? '').slice(0, MOST_WORDS),
          url: /^https?:\/\/\S{1,1000}$/.exec(getString(body, 'url') ?? '')?.[0],
        },
        io.clock,
      );
      logger.info('A build was decided about', { build: build.id, kind, by: user.name });
      return reviewedText(reviewed);
    },
  };
}
