import { mkdir, open, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findRepository } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import type { InitOptions } from '../commands/init.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import type { Style } from '../output/style.ts';
import { discoverOverlays } from './discover.ts';
import type { FoundOverlay } from './discover.ts';
import { plannedFiles } from './files.ts';
import type { PlannedFile } from './files.ts';

function foundText(
  root: string,
  overlays: readonly FoundOverlay[],
  files: readonly PlannedFile[],
  style: Style,
): string {
  const lines = [`${style.bold('Found')} in ${root}`];
  for (const overlay of overlays) {
    if (overlay.failure !== undefined) {
      lines.push(`  ${style.red('✗')} ${overlay.path}  does not render: ${overlay.failure}`);
      continue;
    }
    const namespace =
      overlay.namespace === undefined ? 'no namespace of its own' : `namespace ${overlay.namespace}`;
    lines.push(
      `  ${style.green('✓')} ${overlay.path}  ${overlay.environment}, ${overlay.objects} objects, ${namespace}`,
    );
    if (overlay.registeredIn !== undefined)
      lines.push(`      delivered by ${overlay.application}, ${overlay.registeredIn}`);
    for (const image of overlay.images) lines.push(`      image ${image}`);
    for (const service of overlay.services)
      lines.push(
        `      Service ${service.name}, port ${service.port}${service.probe === undefined ? '' : `, probed at ${service.probe}`}`,
      );
  }
  lines.push('', style.bold('To write'), ...files.map((file) => `  ${file.path}`));
  return `${lines.join('\n')}\n`;
}

/** Writes new files only, all or none. */
async function writeAll(root: string, files: readonly PlannedFile[]): Promise<void> {
  const written: string[] = [];
  try {
    for (const file of files) {
      const target = path.join(root, file.path);
      await mkdir(path.dirname(target), { recursive: true });
      const handle = await open(target, 'wx').catch((cause: NodeJS.ErrnoException) => {
        throw new LandfallError(
          `${file.path} was to be written; ${cause.code === 'EEXIST' ? 'it exists already' : cause.message}. Nothing was written.`,
          {
            kind: 'conflict',
            code: 'file-exists',
            object: target,
            hint: 'Move it away, or keep it: landfall init --dry-run shows what it would hold.',
            cause,
          },
        );
      });
      written.push(target);
      await handle.writeFile(file.text);
      await handle.close();
    }
  } catch (error) {
    for (const target of written) await rm(target, { force: true });
    throw error;
  }
}

async function confirmed(options: InitOptions, io: CliIo): Promise<boolean> {
  if (options.yes === true) return true;
  if (options.dryRun === true || io.outTerminal.isTTY !== true || !process.stdin.isTTY) return false;
  const prompt = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await prompt.question('Write these? [Y/n] ', { signal: io.signal });
    return /^(?:y|yes|)$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}

/** Shows what a repository holds, and writes a first set-up when that is wanted. */
export async function initRepository(folder: string, options: InitOptions, io: CliIo): Promise<number> {
  const start = path.resolve(io.cwd, folder);
  const repository = await findRepository(start, io.signal);
  if (repository === undefined || repository.bare) {
    throw new LandfallError(
      `${start} is ${repository === undefined ? 'in no Git repository' : 'a bare repository'}; a deployment repository with its files is needed.`,
      {
        kind: 'invalid-input',
        code: 'not-a-repository',
        object: start,
        hint: 'Go to a clone of the repository that holds your manifests, or make one: git init.',
      },
    );
  }
  const { root } = repository;
  const overlays = await discoverOverlays(root, io.signal);
  const usable = overlays.filter((overlay) => overlay.failure === undefined && overlay.objects > 0);
  if (usable.length === 0) {
    const failed = overlays.filter((overlay) => overlay.failure !== undefined);
    throw new LandfallError(
      failed.length === 0
        ? `${root} holds no kustomization that renders an object.`
        : `${root} holds ${failed.length} overlays and none renders: ${failed[0]?.failure ?? ''}`,
      {
        kind: 'invalid-input',
        code: 'no-overlay',
        object: root,
        hint: 'Add a kustomization.yaml that lists your manifests: kustomize create --autodetect.',
      },
    );
  }
  const url = options.url ?? repository.remotes['origin'] ?? pathToFileURL(root).href;
  const plan = {
    url,
    revision: options.revision ?? repository.branch ?? 'main',
    namespace: options.applicationNamespace,
  };
  const files = plannedFiles(usable, plan);
  const style = outStyle(io);
  const text = () => foundText(root, overlays, files, style);
  if (options.output === 'text') io.out(text());
  const write = await confirmed(options, io);
  if (write) await writeAll(root, files);
  if (options.output !== 'text') {
    io.out(
      formatAnswer(
        options.output,
        { root, url, revision: plan.revision, overlays, files, written: write },
        text,
      ),
    );
    return EXIT.ok;
  }
  if (options.dryRun === true) io.out(files.map((file) => `\n--- ${file.path}\n${file.text}`).join(''));
  io.out(
    write
      ? `${style.green('✓')} written. Next:\n  git add landfall.yaml platform && git commit -m "Deliver with Landfall" && git push\n  kubectl apply -f platform/clusters/${usable[0]?.environment ?? ''}\n  landfall prove ${usable[0]?.application ?? ''} --wait 5m\n`
      : 'Nothing was written. landfall init --yes writes them.\n',
  );
  return EXIT.ok;
}
