import { Option } from 'commander';
import { withRules } from '../option-rules.ts';
import { withExamples } from '../options.ts';
import type { CliCommand } from './command.ts';

export interface RenderCommandOptions {
  /** `text`, `json`, `yaml`, or a file or folder to write to, as the original has it. */
  readonly output: string;
  readonly revision?: string;
  readonly why?: string;
  readonly provenance?: boolean;
  readonly diff?: string;
  readonly against?: string;
  readonly others?: boolean;
  readonly reorder: 'legacy' | 'none';
  readonly loadRestrictor: string;
  readonly enableHelm?: boolean;
  readonly helmCommand: string;
  readonly allowRemote?: boolean;
  readonly findings?: boolean;
}

export const renderCommand: CliCommand = {
  register(program, io, exit) {
    const command = program
      .command('render')
      .summary('render a kustomization, and say which line set each field')
      .description(
        'Render a kustomization as kustomize build does, say which file and line set each field, and what a change changes. With --diff or --against, exit 1 means that something differs.',
      )
      .argument('[dir]', 'folder with a kustomization.yaml', '.')
      .option(
        '-o, --output <format|path>',
        'text, json or yaml; anything else is a file, or a folder for one file per object',
        'text',
      )
      .option(
        '--revision <revision>',
        'render the folder as it is at this commit, tag or branch, without a checkout',
      )
      .option('--why <object:field>', 'who set this field: deploy/payment-api:spec.replicas')
      .option('--provenance', 'every field with the file and line that set it, as JSON')
      .option(
        '--diff <revision>',
        'what differs from this revision, by object and field, with the line that causes it',
      )
      .option('--against <dir>', 'what differs from another folder: from one environment to the next')
      .option('--others', 'with --diff: also every other overlay of the repository that changes')
      .addOption(
        new Option('--reorder <order>', 'order of the objects where the kustomization does not say')
          .choices(['legacy', 'none'])
          .default('legacy'),
      )
      .addOption(
        new Option('--load-restrictor <rule>', 'whether files outside of the folder may be read')
          .choices(['LoadRestrictionsRootOnly', 'LoadRestrictionsNone'])
          .default('LoadRestrictionsRootOnly'),
      )
      .option('--enable-helm', 'render helmCharts with the helm program')
      .option('--helm-command <program>', 'the helm program', 'helm')
      .option('--findings', 'say what most likely was not meant; always said on a terminal')
      .option('--allow-remote', 'fetch resources over HTTP and from other repositories');
    withRules(command, {
      against: {
        '--why': ['--provenance', '--diff', '--against'],
        '--provenance': ['--diff', '--against'],
        '--diff': ['--against'],
      },
      needs: { '--others': '--diff', '--helm-command': '--enable-helm' },
    });
    withExamples(command, [
      'landfall render k8s/overlays/prod',
      'landfall render k8s/overlays/staging --why deploy/payment-api:spec.replicas',
      'landfall render k8s/overlays/prod --revision v1.4.0 | kubectl diff -f -',
      'landfall render k8s/overlays/staging --diff HEAD~1 --others   # did this change only what it should, only in staging?',
      'landfall render k8s/overlays/staging --against k8s/overlays/prod',
    ]).action(async (folder: string, options: RenderCommandOptions) => {
      const { renderFolder } = await import('../render/render-folder.ts');
      exit(await renderFolder(folder, options, io));
    });
  },
};
