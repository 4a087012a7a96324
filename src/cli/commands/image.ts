import { InvalidArgumentError } from 'commander';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import { withCluster, withExamples, withOutput } from '../options.ts';
import type { ClusterOptions, OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface BuildOptions extends ClusterOptions, OutputOptions {
  readonly tag: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly release?: string;
  readonly revision?: string;
  readonly source?: string;
  readonly platform?: readonly string[];
}

function addPair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('An environment variable is NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

const addText = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export const imageCommand: CliCommand = {
  register(program, io, exit) {
    const image = program
      .command('image')
      .summary('build an image and push it with its build record')
      .description(
        'Images: build one from a folder, reproducibly, and push it with the record of its build.',
      );
    withExamples(image, ['landfall image build . -t registry.corp.io/shop:1.4.0']);
    const build = image
      .command('build')
      .description('Build an OCI image from a folder and push it. Same commit, same bytes, same digest.')
      .argument('<dir>', 'folder that becomes the image')
      .requiredOption('-t, --tag <reference>', 'where to push it, registry and tag; may be repeated', addText)
      .option('--entrypoint <word>', 'the program and its arguments, one word each; may be repeated', addText)
      .option('--env <name=value>', 'environment of the program; may be repeated', addPair)
      .option('--workdir <path>', 'working directory in the image', '/app')
      .option('--release <version>', 'version that the image carries; default: that of package.json')
      .option(
        '--revision <commit>',
        'commit that it is built from; default: HEAD of the folder, which must be clean',
      )
      .option('--source <url>', 'repository that it is built from; default: the remote origin')
      .option('--platform <os/arch>', 'platform; may be repeated; default: that of this machine', addText);
    withExamples(withOutput(withCluster(build)), [
      'landfall image build . -t registry.corp.io/shop:1.4.0 --entrypoint node --entrypoint server.js',
    ]).action(async (folder: string, options: BuildOptions) => {
      const [{ buildFolder }, { formatAnswer }, { shortDigest }] = await Promise.all([
        import('../image/build-folder.ts'),
        import('../output/format.ts'),
        import('../../boundaries/index.ts'),
      ]);
      const built = await buildFolder(folder, options, io);
      io.out(
        formatAnswer(options.output, built, () =>
          built.references
            .map(
              (reference) =>
                `${outStyle(io).green('✓')} ${reference}@${built.digest}  built from ${shortDigest(built.commit)}\n`,
            )
            .join(''),
        ),
      );
      exit(EXIT.ok);
    });
  },
};
