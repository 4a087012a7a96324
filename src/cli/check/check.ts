import { existsSync } from 'node:fs';
import path from 'node:path';
import { KUSTOMIZATION_FILES } from '../../boundaries/index.ts';
import { asLandfallError, LandfallError } from '../../kernel/index.ts';
import type { CheckOptions, FailOn } from '../commands/check.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { discoverOverlays } from '../init/discover.ts';
import { formatAnswer } from '../output/format.ts';
import { whereOf } from '../render/where.ts';
import type { FileTree } from '../../kustomize/index.ts';
import { findApplication, fromGit } from '../../verdict/index.ts';
import { openKube, openSources } from '../sources.ts';
import { checkFolder } from './folder.ts';
import type { Checked } from './folder.ts';
import { junit, sarif, shown } from './output.ts';
import type { Issue } from './issue.ts';
import { readSuppressions, suppress, untoldEnvironments } from './suppress.ts';

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

/**
 * Checks folders, prints what was found, and gives the exit code: 1 when something is as bad as `--fail-on`. Where no
 * folder is named and this one has no kustomization, every environment below it is meant.
 */
export async function answerCheck(
  named: string | undefined,
  options: CheckOptions,
  io: CliIo,
): Promise<number> {
  const folder = named ?? '.';
  if (!existsSync(path.resolve(io.cwd, folder))) return checkApplication(folder, options, io);
  const where = whereOf(folder, io);
  const kube = options.cluster === true ? await openKube(options, io) : undefined;
  try {
    const tree = await where.tree(undefined);
    const here = path.resolve(io.cwd, folder);
    const below =
      named === undefined && !KUSTOMIZATION_FILES.some((name) => existsSync(path.join(here, name)));
    const found = options.all === true || below ? await discoverOverlays(here, io.signal) : [];
    const folders =
      options.all === true || found.length > 0
        ? found.map((overlay) => (where.dir === '.' ? overlay.path : `${where.dir}/${overlay.path}`))
        : [where.dir];
    const results = [];
    for (const each of folders)
      results.push(
        await checkFolder({ tree, folder: each, kube, options, signal: io.signal }).catch(
          (thrown: unknown) => {
            const error = asLandfallError(thrown);
            // One chart without a program to render it keeps nobody from the other environments.
            if (error.kind !== 'unavailable' || folders.length === 1) throw error;
            return { issues: [], notChecked: [`${each}: ${error.message}`] };
          },
        ),
      );
    return await report(results, folders, tree, options, io);
  } finally {
    kube?.close();
    where.close();
  }
}

/** What an Application of the cluster delivers, at the commit that it tracks, against that cluster. */
async function checkApplication(name: string, options: CheckOptions, io: CliIo): Promise<number> {
  if (/[/\\.]/.test(name))
    throw new LandfallError(`There is no folder ${name}.`, {
      kind: 'not-found',
      code: 'folder-not-found',
      object: name,
      hint: 'Name a folder with manifests or a kustomization, or an Application of the cluster.',
    });
  const { namespace: _objects, ...cluster } = options;
  const sources = await openSources(cluster, io);
  try {
    const spec = fromGit(await findApplication(sources.kube, name, undefined, io.signal));
    const mirror = sources.git.open(spec.repository);
    await mirror.fetch(io.signal);
    const { commit } = await mirror.resolve(spec.revision, io.signal);
    const tree = mirror.tree(commit);
    const result = await checkFolder({
      tree,
      folder: spec.path,
      kube: sources.kube,
      options: { ...options, namespace: options.namespace ?? spec.destination },
      signal: io.signal,
    });
    return await report([result], [spec.path], tree, options, io);
  } finally {
    sources.close();
  }
}

async function report(
  results: readonly Checked[],
  folders: readonly string[],
  tree: FileTree,
  options: CheckOptions,
  io: CliIo,
): Promise<number> {
  const found = [...results.flatMap(({ issues }) => issues), ...(await untoldEnvironments(tree))];
  const unique = [
    ...new Map(
      found.map((issue) => [`${issue.id}|${issue.title}|${issue.file}|${issue.line}`, issue]),
    ).values(),
  ];
  const today = new Date(io.clock.now()).toISOString().slice(0, 10);
  const { issues, suppressed } = suppress(unique, await readSuppressions(tree, unique), today);
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
}
