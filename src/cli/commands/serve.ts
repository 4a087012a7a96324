import { EXIT } from '../exit.ts';
import { parseDuration, withCluster, withExamples } from '../options.ts';
import type { ClusterOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export const serveCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('serve')
      .summary('keep the Applications of a cluster delivered')
      .description(
        'Keep every Application of the cluster delivered: fetch, render, apply, write its status, until Ctrl-C.',
      )
      .option('--poll <duration>', 'how often Git is asked for something new', parseDuration, 180_000);
    withExamples(withCluster(command), [
      'landfall serve',
      'landfall serve --poll 30s --context staging',
    ]).action(async (options: ClusterOptions & { readonly poll: number }) => {
      const [{ openSources }, { ledgerOf }, { startController }, { jsonLogger }, { untilAborted }] =
        await Promise.all([
          import('../sources.ts'),
          import('../ledger.ts'),
          import('../../controller/index.ts'),
          import('../../kernel/index.ts'),
          import('../until-aborted.ts'),
        ]);
      const ledger = ledgerOf(options, io);
      const sources = await openSources(options, io);
      try {
        const { gitVersion } = await sources.kube.version(io.signal);
        if (options.quiet !== true)
          io.err(
            `serving the Applications of ${sources.kube.server} (Kubernetes ${gitVersion}), Ctrl-C stops\n`,
          );
        const controller = startController({
          client: sources.kube,
          mirrors: sources.git,
          clock: io.clock,
          logger: jsonLogger(io.out, () => io.clock.now()),
          pollMs: options.poll,
          ledger,
        });
        await untilAborted(io.signal);
        await controller.close();
        exit(EXIT.ok);
      } finally {
        await ledger.close();
        sources.close();
      }
    });
  },
};
