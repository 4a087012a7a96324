import { diffRenders, reachOf, render } from '../../kustomize/index.ts';
import type { ObjectChange, RenderFinding, RenderOptions } from '../../kustomize/index.ts';
import { EXIT } from '../exit.ts';
import { discoverOverlays } from '../init/discover.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { RenderCommandOptions } from '../commands/render.ts';
import { renderChanges, withoutSecrets } from '../output/changes.ts';
import { formatAnswer } from '../output/format.ts';
import { paragraph } from '../output/style.ts';
import type { OutputFormat } from '../options.ts';
import type { Where } from './where.ts';

interface Compared {
  readonly dir: string;
  readonly changes: readonly ObjectChange[];
}

interface Comparison {
  readonly compared: readonly Compared[];
  readonly findings: readonly RenderFinding[];
  /** Other overlays that render as before. */
  readonly unchanged: readonly string[];
}

/** The folder at a revision against the folder now; with `--others` every overlay of the repository beside it. */
async function againstRevision(
  where: Where,
  options: RenderCommandOptions,
  rendering: RenderOptions,
  revision: string,
  io: CliIo,
): Promise<Comparison> {
  const [before, after] = [await where.tree(revision), await where.tree(options.revision)];
  if (options.others !== true) {
    const changes = diffRenders(
      await render(before, where.dir, rendering),
      await render(after, where.dir, rendering),
    );
    return { compared: [{ dir: where.dir, changes }], findings: [], unchanged: [] };
  }
  const overlays = await discoverOverlays(where.root, io.signal);
  const dirs = [
    ...new Set([
      where.dir,
      ...overlays.filter((overlay) => overlay.failure === undefined).map((overlay) => overlay.path),
    ]),
  ];
  const there: string[] = [];
  // An overlay that is new has nothing to differ from.
  for (const dir of dirs)
    if ((await before.kind(dir)) === 'directory' && (await after.kind(dir)) === 'directory') there.push(dir);
  const { reached, findings } = await reachOf({
    before,
    after,
    dirs: there,
    expected: [where.dir],
    options: rendering,
  });
  const changed = new Set(reached.filter(({ changes }) => changes.length > 0).map(({ dir }) => dir));
  const unchanged = there.filter((dir) => dir !== where.dir && !changed.has(dir));
  return { compared: reached, findings, unchanged };
}

async function againstFolder(
  where: Where,
  options: RenderCommandOptions,
  rendering: RenderOptions,
  folder: string,
): Promise<Comparison> {
  const tree = await where.tree(options.revision);
  const other = where.inside(folder);
  const changes = diffRenders(await render(tree, other, rendering), await render(tree, where.dir, rendering));
  return { compared: [{ dir: `${other} → ${where.dir}`, changes }], findings: [], unchanged: [] };
}

/** Prints what differs, and answers 1 where something does, as diff does. */
export async function compareRenders(
  where: Where,
  options: RenderCommandOptions,
  rendering: RenderOptions,
  format: OutputFormat,
  io: CliIo,
): Promise<number> {
  const { compared, findings, unchanged } =
    options.against === undefined
      ? await againstRevision(where, options, rendering, options.diff ?? 'HEAD', io)
      : await againstFolder(where, options, rendering, options.against);
  const style = outStyle(io);
  const shown = compared.map(({ dir, changes }) => ({ dir, changes: withoutSecrets(changes) }));
  const differs = shown.some(({ changes }) => changes.length > 0);
  io.out(
    formatAnswer(format, { compared: shown, findings, unchanged }, () => {
      if (!differs) return 'nothing differs\n';
      const parts = shown
        .filter(({ changes }) => changes.length > 0)
        .map(({ dir, changes }) => `${style.bold(dir)}\n${renderChanges(changes, style)}`);
      const further = findings.map(
        (finding) =>
          `${style.red('✗')} ${finding.message}${finding.line === 0 ? '' : `   ${finding.file}:${finding.line}`}\n`,
      );
      const same =
        unchanged.length === 0
          ? ''
          : `${paragraph(`= ${unchanged.join(', ')} ${unchanged.length === 1 ? 'renders' : 'render'} as before`, style, 0).join('\n')}\n`;
      return parts.join('') + further.join('') + same;
    }),
  );
  return differs ? EXIT.broken : EXIT.ok;
}
