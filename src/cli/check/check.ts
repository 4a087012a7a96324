import { existsSync } from 'node:fs';
import path from 'node:path';
import { loadKubeClient } from '../../kube/index.ts';
import { LandfallError, systemClock } from '../../kernel/index.ts';
import type { CheckOptions, FailOn } from '../commands/check.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { discoverOverlays } from '../init/discover.ts';
import { formatAnswer } from '../output/format.ts';
import { whereOf } from '../render/where.ts';
import { checkFolder } from './folder.ts';
import { junit, sarif, shown } from './output.ts';
import type { Issue } from './issue.ts';
import { readSuppressions, suppress } from './suppress.ts';

/** What one run of `landfall check` answers. Plain JSON. */
export interface CheckAnswer {
  readonly folders: readonly string[];
  readonly issues: readonly Issue[];
  /** Left out because somebody said so, with the reason and its end. */
  readonly suppressed: readonly (Issue & { readonly because: string; readonly until: string })[];
  /** What was not looked at, and why. */
  readonly notChecked: readonly string[];
}

const ORDER: readonly FailOn[] = ['error', 'warning', 'risk'];

/** Checks folders, prints what was found, and gives the exit code: 1 when something is as bad as `--fail-on`. */
export async function answerCheck(folder: string, options: CheckOptions, io: CliIo): Promise<number> {
  if (!existsSync(path.resolve(io.cwd, folder)))
    throw new LandfallError(`There is no folder ${folder}.`, {
      kind: 'not-found',
      code: 'folder-not-found',
      object: folder,
      hint: 'Name a folder with manifests or a kustomization; for what runs ask landfall explain APP.',
    });
  const where = whereOf(folder, io);
  const kube =
    options.cluster === true
      ? await loadKubeClient({
          clock: systemClock,
          env: io.env,
          ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
          ...(options.context === undefined ? {} : { context: options.context }),
        })
      : undefined;
  try {
    const tree = await where.tree(undefined);
    const found = options.all === true ? await discoverOverlays(path.resolve(io.cwd, folder), io.signal) : [];
    const folders =
      options.all === true
        ? found.map((overlay) => (where.dir === '.' ? overlay.path : `${where.dir}/${overlay.path}`))
        : [where.dir];
    const results = [];
    for (const each of folders)
      results.push(await checkFolder({ tree, folder: each, kube, options, signal: io.signal }));
    const unique = new Map(
      results
        .flatMap(({ issues }) => issues)
        .map((issue) => [`${issue.id}|${issue.title}|${issue.file}|${issue.line}`, issue]),
    );
    const rules = await readSuppressions(tree, [...unique.values()]);
    const { issues, suppressed } = suppress(
      [...unique.values()],
      rules,
      new Date(io.clock.now()).toISOString().slice(0, 10),
    );
    const answer: CheckAnswer = {
      folders,
      issues: issues.toSorted(
        (a, b) =>
          ORDER.indexOf(a.level) - ORDER.indexOf(b.level) || a.file.localeCompare(b.file) || a.line - b.line,
      ),
      suppressed,
      notChecked: [...new Set(results.flatMap(({ notChecked }) => notChecked))],
    };
    io.out(
      options.format === 'sarif'
        ? sarif(answer)
        : options.format === 'junit'
          ? junit(answer)
          : formatAnswer(options.output, answer, () => shown(answer, outStyle(io))),
    );
    const fails = ORDER.slice(0, ORDER.indexOf(options.failOn) + 1);
    return answer.issues.some(({ level }) => fails.includes(level)) ? EXIT.broken : EXIT.ok;
  } finally {
    kube?.close();
    where.close();
  }
}
