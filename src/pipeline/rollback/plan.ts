import type { RenderedSet } from '../../boundaries/index.ts';
import { fullRepository } from '../../boundaries/index.ts';
import type { FileTree, GitMirror } from '../../git/index.ts';
import { parseReference } from '../../oci/index.ts';
import { ownerOf } from '../../verdict/index.ts';
import { IMAGES, planEdits, slotsOf, versionFileOf, writeImages, writeTargetOf } from '../promotion/index.ts';
import type {
  ChangeDetail,
  ChangePlan,
  ReleaseImage,
  SurveyedApplication,
  WrittenImages,
} from '../promotion/index.ts';

/** Commits of the environment's folder that a revert is looked for in. */
const LOOKED_THROUGH = 50;

export interface RollbackPlanning {
  readonly target: SurveyedApplication;
  readonly detail: Pick<ChangeDetail, 'release' | 'style' | 'branch'>;
  /** Tip of the branch. */
  readonly parent: string;
  readonly signal: AbortSignal;
}

interface Reverting extends RollbackPlanning {
  readonly mirror: GitMirror;
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
}

/** Whether everything that is rendered of the release's images asks for exactly them: by digest, else by tag. */
function asksFor(set: RenderedSet, images: readonly ReleaseImage[]): boolean {
  if (set.failure !== undefined) return false;
  const wanted = slotsOf(set).flatMap(({ reference }) => {
    const image = images.find(({ repository }) => repository === fullRepository(reference));
    return image === undefined ? [] : [{ image, ...parseReference(reference) }];
  });
  return (
    wanted.length > 0 &&
    wanted.every(({ image, tag, digest }) =>
      digest === undefined ? tag === image.tag : digest === image.digest,
    )
  );
}

async function text(tree: FileTree, file: string): Promise<string | undefined> {
  const bytes = await tree.readFile(file);
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

/** `git diff` of one commit's lines, for people: the first line that differs. */
function firstLine(before: string, after: string): number {
  const old = before.split('\n');
  return after.split('\n').findIndex((line, index) => line !== old[index]) + 1;
}

/**
 * The commit that brought the release in, taken back: every file that it changed in the environment's folder reads as
 * before it. Undefined where that is not clean: the files were touched since, the commit reached further than the
 * folder or made and deleted files, or what it replaced is not what is wanted.
 */
async function revert(reverting: Reverting): Promise<WrittenImages | undefined> {
  const { mirror, target, parent, detail, render, signal } = reverting;
  const folder = target.spec.path;
  const now = mirror.tree(parent);
  const log = await mirror.log(
    { from: parent, ...(folder === '.' ? {} : { path: folder }), limit: LOOKED_THROUGH },
    signal,
  );
  for (const commit of log) {
    const [before, merged] = commit.parents;
    if (before === undefined) return undefined;
    const changed = await mirror.diffFiles(before, commit.commit, signal);
    const own = changed.filter(({ path }) => folder === '.' || path.startsWith(`${folder}/`));
    const old = mirror.tree(before);
    const wasWanted = asksFor(await render(old), detail.release.images);
    const isWanted = asksFor(await render(mirror.tree(commit.commit)), detail.release.images);
    if (!wasWanted || isWanted) continue;
    const clean =
      merged === undefined &&
      own.length === changed.length &&
      own.every(({ change }) => change === 'modified');
    if (!clean) return undefined;
    const files: Record<string, string> = {};
    const edits: WrittenImages['edits'][number][] = [];
    for (const { path } of own) {
      const [was, then, is] = [
        await text(old, path),
        await text(mirror.tree(commit.commit), path),
        await text(now, path),
      ];
      if (was === undefined || is === undefined || then !== is) return undefined;
      files[path] = was;
      edits.push({ file: path, line: firstLine(is, was), image: '', from: commit.commit, to: before });
    }
    return { files, edits };
  }
  return undefined;
}

/** Plans the way back on a tip: the commit taken back where that is clean, else the images written anew. */
export async function planRollback(planning: RollbackPlanning): Promise<ChangePlan> {
  const { target, detail, parent, signal } = planning;
  const { spec, place } = target;
  const mirror = place.sources.git.open(spec.repository);
  const policy = target.file?.environments?.find(({ name }) => name === target.environment)?.promotion ?? {};
  const change = { sources: place.sources, spec, branch: detail.branch, parent, signal };
  if (detail.style === 'revert') {
    let found: WrittenImages | undefined;
    const plan = await planEdits({
      ...change,
      // What the commit brought is what it takes away.
      fields: ANYTHING,
      async write(_tree, render) {
        found = await revert({ ...planning, mirror, render });
        return found ?? { files: {}, edits: [] };
      },
    });
    if (found !== undefined && plan.refusals.length === 0) return plan;
  }
  return planEdits({
    ...change,
    fields: [IMAGES],
    versionFile: versionFileOf(policy),
    write: (tree, render) =>
      writeImages({
        tree,
        folder: spec.path,
        application: ownerOf(spec),
        images: detail.release.images,
        target: writeTargetOf(policy),
        render,
        signal,
      }),
  });
}

/** Every field, and objects that come and go. */
const ANYTHING: readonly string[] = ['*'];
