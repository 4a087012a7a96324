import path from 'node:path';
import { render } from '../../kustomize/index.ts';
import type { RenderOptions, RenderResult } from '../../kustomize/index.ts';
import type { RenderCommandOptions } from '../commands/render.ts';
import { EXIT } from '../exit.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { OutputFormat } from '../options.ts';
import { formatAnswer } from '../output/format.ts';
import { whereOf } from './where.ts';
import type { Where } from './where.ts';

function formatOf(output: string): OutputFormat | undefined {
  return output === 'text' || output === 'json' || output === 'yaml' ? output : undefined;
}

async function renderOptions(where: Where, options: RenderCommandOptions, io: CliIo): Promise<RenderOptions> {
  return {
    reorder: options.reorder,
    loadRestrictor: options.loadRestrictor === 'LoadRestrictionsNone' ? 'none' : 'root-only',
    signal: io.signal,
    ...(options.enableHelm === true ? { helm: { command: options.helmCommand, signal: io.signal } } : {}),
    ...(options.allowRemote === true
      ? { remote: (await import('./remote.ts')).remoteFetcher(await where.git()) }
      : {}),
  };
}

/** Warnings, and what most likely was not meant, go beside the output and never into it. */
function remark(result: RenderResult, options: RenderCommandOptions, io: CliIo): void {
  const style = errStyle(io);
  for (const warning of result.warnings) io.err(`${style.yellow('!')} ${warning.trimEnd()}\n`);
  // Findings are worked out when they are asked for: a pipe that nobody watches need not wait for them.
  const wanted = options.findings === true || io.errTerminal.isTTY === true;
  for (const { message, file, line } of wanted ? result.findings : []) {
    io.err(`${style.yellow('!')} ${message}${line === 0 ? '' : `  ${style.dim(`${file}:${line}`)}`}\n`);
  }
}

/** Renders a folder, prints or writes what was asked for, and gives the exit code. */
export async function renderFolder(
  folder: string,
  options: RenderCommandOptions,
  io: CliIo,
): Promise<number> {
  const where = whereOf(folder, io);
  const format = formatOf(options.output);
  try {
    const rendering = await renderOptions(where, options, io);
    if (options.diff !== undefined || options.against !== undefined) {
      const { compareRenders } = await import('./compare.ts');
      return await compareRenders(where, options, rendering, format ?? 'text', io);
    }
    const result = await render(await where.tree(options.revision), where.dir, rendering);
    remark(result, options, io);
    if (options.why !== undefined) {
      const { whyOf, whyText } = await import('./why.ts');
      const answers = whyOf(result, options.why);
      io.out(formatAnswer(format ?? 'text', answers, () => whyText(answers)));
    } else if (options.provenance === true) {
      const { provenanceOf } = await import('./why.ts');
      io.out(formatAnswer(format === 'yaml' ? 'yaml' : 'json', provenanceOf(result), () => ''));
    } else if (format === undefined) {
      const { writeRender } = await import('./write.ts');
      const written = await writeRender(result, path.resolve(io.cwd, options.output));
      io.err(`wrote ${written.length} ${written.length === 1 ? 'file' : 'files'}\n`);
    } else {
      io.out(
        format === 'json'
          ? formatAnswer(
              'json',
              result.objects.map((object) => object.value),
              () => '',
            )
          : result.yaml,
      );
    }
    return EXIT.ok;
  } finally {
    where.close();
  }
}
