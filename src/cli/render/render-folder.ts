import path from 'node:path';
import { createGitMirrors, findRepository } from '../../git/index.ts';
import { getIn, LandfallError } from '../../kernel/index.ts';
import type { JsonValue } from '../../kernel/index.ts';
import { folderTree, render } from '../../kustomize/index.ts';
import type { FileTree, RenderedObject, RenderOptions, RenderResult } from '../../kustomize/index.ts';
import { fieldPath, fieldTargets } from '../../boundaries/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import type { RenderCommandOptions } from '../commands/render.ts';
import { cacheFolder } from '../folders.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';

interface Where {
  readonly tree: FileTree;
  /** Of the folder inside the tree. */
  readonly dir: string;
  close(): void;
}

/** The tree that a folder stands in: its repository, or the file system where there is none. */
async function whereOf(folder: string, options: RenderCommandOptions, io: CliIo): Promise<Where> {
  const start = path.resolve(io.cwd, folder);
  const repository = await findRepository(start, io.signal).catch((thrown: unknown) => {
    // Without git, files can still be rendered.
    if (
      thrown instanceof LandfallError &&
      thrown.code === 'program-missing' &&
      options.revision === undefined
    )
      return undefined;
    throw thrown;
  });
  const root = repository?.root ?? path.parse(start).root;
  const dir = path.relative(root, start).split(path.sep).join('/') || '.';
  if (options.revision === undefined) return { tree: folderTree(root), dir, close: () => {} };
  if (repository === undefined) {
    throw new LandfallError(`${start} is in no Git repository, so it has no revision ${options.revision}.`, {
      kind: 'invalid-input',
      code: 'not-a-repository',
      object: start,
      hint: 'Leave --revision out to render the files as they are.',
    });
  }
  const mirrors = createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
  const mirror = mirrors.open(root);
  const { commit } = await mirror.resolve(options.revision, io.signal);
  return { tree: mirror.tree(commit), dir, close: () => mirrors.close() };
}

interface Origin {
  readonly value: JsonValue;
  readonly file: string;
  readonly line: number;
  readonly by?: string;
}

interface FieldAnswer {
  readonly object: string;
  readonly field: string;
  readonly value: JsonValue;
  /** Newest first. */
  readonly origins: readonly Origin[];
}

function originsOf(object: RenderedObject, at: readonly (string | number)[]): readonly Origin[] {
  return object
    .why(at)
    .map(({ value, file, line, by }) => ({ value, file, line, ...(by === undefined ? {} : { by }) }));
}

function whyAnswers(result: RenderResult, why: string): readonly FieldAnswer[] {
  const answers = fieldTargets(
    result.objects,
    why,
    (object) => object.value as unknown as KubeObject,
  ).flatMap(({ item, path: at }) => {
    const value = getIn(item.value, ...at);
    return value === undefined
      ? []
      : [{ object: `${item.kind}/${item.name}`, field: fieldPath(at), value, origins: originsOf(item, at) }];
  });
  if (answers.length > 0) return answers;
  throw new LandfallError(`No rendered object has the field ${why}.`, {
    kind: 'invalid-input',
    code: 'field-not-rendered',
    object: why,
    hint: 'Write it as deploy/payment-api:spec.template.spec.containers[0].image; landfall render shows what there is.',
  });
}

function shown(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function whyText(answers: readonly FieldAnswer[]): string {
  const several = answers.length > 1;
  return answers
    .map((answer) => {
      const rows = answer.origins.map(
        ({ value, file, line, by }, index) =>
          `${index === 0 ? '' : '    over '}${shown(value)}   ${file}:${line}${by === undefined ? '' : `   by ${by}`}`,
      );
      const lines = rows.length > 0 ? rows : [`${shown(answer.value)}   set by no file`];
      return `${several ? `${answer.object} ${answer.field}\n` : ''}${lines.map((line) => `  ${line}`).join('\n')}\n`;
    })
    .join('');
}

function provenanceOf(result: RenderResult): unknown {
  return result.objects.map((object) => ({
    apiVersion: object.apiVersion,
    kind: object.kind,
    name: object.name,
    ...(object.namespace === '' ? {} : { namespace: object.namespace }),
    fields: [...object.fields()].map(({ path: at }) => ({
      field: fieldPath(at),
      origins: originsOf(object, at),
    })),
  }));
}

/** Renders a folder and prints what was asked for; warnings and what most likely was not meant go to stderr. */
export async function renderFolder(folder: string, options: RenderCommandOptions, io: CliIo): Promise<void> {
  const where = await whereOf(folder, options, io);
  try {
    const renderOptions: RenderOptions = {
      reorder: options.reorder,
      loadRestrictor: options.loadRestrictor === 'LoadRestrictionsNone' ? 'none' : 'root-only',
      signal: io.signal,
    };
    const result = await render(where.tree, where.dir, renderOptions);
    const style = errStyle(io);
    for (const warning of result.warnings) io.err(`${style.yellow('!')} ${warning.trimEnd()}\n`);
    for (const finding of result.findings)
      io.err(
        `${style.yellow('!')} ${finding.message}${finding.line === 0 ? '' : `  ${style.dim(`${finding.file}:${finding.line}`)}`}\n`,
      );
    if (options.why !== undefined) {
      const answers = whyAnswers(result, options.why);
      io.out(formatAnswer(options.output, answers, () => whyText(answers)));
    } else if (options.provenance === true) {
      io.out(
        formatAnswer(options.output === 'text' ? 'json' : options.output, provenanceOf(result), () => ''),
      );
    } else {
      io.out(
        options.output === 'json'
          ? formatAnswer(
              'json',
              result.objects.map((object) => object.value),
              () => '',
            )
          : result.yaml,
      );
    }
  } finally {
    where.close();
  }
}
