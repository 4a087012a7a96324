import path from 'node:path';
import { fullRepository, withoutTag } from '../../boundaries/index.ts';
import { startBuilds } from '../../controller/index.ts';
import type { BuildLoop, Controller } from '../../controller/index.ts';
import type { JsonValue, Logger } from '../../kernel/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { parseBuildReport, receiveReport } from '../../pipeline/index.ts';
import type { Sources } from '../../verdict/index.ts';
import { rememberRecord } from '../built-images.ts';
import { stateFolder } from '../folders.ts';
import type { CliIo } from '../io.ts';

export interface ServedBuilds extends BuildLoop {
  /** Keeps what another CI tells of a build; what is answered. */
  reported(report: JsonValue): Promise<string>;
}

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
  };
}
