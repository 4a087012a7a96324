import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { CliIo } from '../io.ts';
import { withRules } from '../option-rules.ts';
import { parseMirror, withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';

export interface ReportOptions extends OutputOptions {
  readonly repository?: string;
  readonly commit?: string;
  readonly ref?: string;
  readonly url?: string;
  readonly builder?: string;
  readonly failed?: boolean;
  readonly message?: string;
  readonly attach: boolean;
  readonly server?: string;
  readonly secretFile?: string;
  readonly registryMirror?: Readonly<Record<string, string>>;
}

function parseServer(text: string): string {
  if (!/^https?:\/\/[^\s/@]+(?:\/\S*)?$/.test(text))
    throw new InvalidArgumentError('An http address without user and password is wanted.');
  return text.replace(/\/+$/, '');
}

export function registerReport(builds: Command, io: CliIo, exit: (code: number) => void): void {
  const report = builds
    .command('report')
    .summary('in a job of another CI: which commit became which image')
    .description(
      'In a job of GitHub Actions, GitLab CI, Cloud Build or Jenkins, after its push: ask the registry what was pushed, attach the record of which commit it is, and tell a landfall serve. Commit, ref and address are read from the environment of the job.',
    )
    .argument(
      '[image]',
      'what was pushed: registry.corp.io/shop:1.4.0, or with its digest; left out with --failed',
    )
    .option('--failed', 'the build failed: tell that, and attach nothing')
    .option('--message <text>', 'why it failed')
    .option('--repository <url>', 'repository that was built; default: as the CI says')
    .option('--commit <commit>', 'full commit that was built; default: as the CI says')
    .option('--ref <ref>', 'refs/heads/… or refs/tags/…; default: as the CI says')
    .option('--url <address>', 'where the build is shown; default: as the CI says')
    .option('--builder <name>', 'who built; default: the CI')
    .option('--no-attach', 'do not attach the record to the image')
    .option(
      '--server <address>',
      'tell this landfall serve --webhook, too; default: LANDFALL_SERVER',
      parseServer,
    )
    .option(
      '--secret-file <file>',
      'what it is signed with; default: LANDFALL_WEBHOOK_SECRET of the environment',
    )
    .option(
      '--registry-mirror <host=url>',
      'reach a registry by another address; may be repeated',
      parseMirror,
    );
  withRules(report, { needs: { '--message': '--failed' } });
  withExamples(withOutput(report), [
    'landfall builds report registry.corp.io/shop:1.4.0',
    'landfall builds report registry.corp.io/shop@sha256:9c4d… --server https://landfall.corp.io',
    "landfall builds report --failed --message 'tests failed' --server https://landfall.corp.io",
  ]).action(async (image: string | undefined, options: ReportOptions) => {
    const { reportBuild } = await import('../builds/report.ts');
    exit(await reportBuild(image, options, io));
  });
}
