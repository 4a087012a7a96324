import { Option } from 'commander';
import { EXIT } from '../exit.ts';
import { withExamples, withOutput } from '../options.ts';
import type { OutputOptions } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface RenderCommandOptions extends OutputOptions {
  readonly revision?: string;
  readonly why?: string;
  readonly provenance?: boolean;
  readonly reorder: 'legacy' | 'none';
  readonly loadRestrictor: string;
}

export const renderCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('render')
      .summary('render a kustomization, and say which line set each field')
      .description(
        'Render a kustomization as kustomize build does, and say which file and line set each field.',
      )
      .argument('[dir]', 'folder with a kustomization.yaml', '.')
      .option(
        '--revision <revision>',
        'render the folder as it is at this commit, tag or branch, without a checkout',
      )
      .option('--why <object:field>', 'who set this field: deploy/payment-api:spec.replicas')
      .option('--provenance', 'every field with the file and line that set it, as JSON')
      .addOption(
        new Option('--reorder <order>', 'order of the objects where the kustomization does not say')
          .choices(['legacy', 'none'])
          .default('legacy'),
      )
      .addOption(
        new Option('--load-restrictor <rule>', 'whether files outside of the folder may be read')
          .choices(['LoadRestrictionsRootOnly', 'LoadRestrictionsNone'])
          .default('LoadRestrictionsRootOnly'),
      );
    withExamples(withOutput(command), [
      'landfall render k8s/overlays/prod',
      'landfall render k8s/overlays/staging --why deploy/payment-api:spec.replicas',
      'landfall render k8s/overlays/prod --revision v1.4.0 | kubectl diff -f -',
    ]).action(async (folder: string, options: RenderCommandOptions) => {
      const { renderFolder } = await import('../render/render-folder.ts');
      await renderFolder(folder, options, io);
      exit(EXIT.ok);
    });
  },
};
