import { fullRepository } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTexts, FileTree } from '../../git/index.ts';
import { diffRenders, render as kustomize } from '../../kustomize/index.ts';
import type { ObjectChange } from '../../kustomize/index.ts';
import { renderSources } from '../../verdict/index.ts';
import type { ApplicationSpec, Sources } from '../../verdict/index.ts';
import { comparedObjects, reachOfChange } from '../reach.ts';
import type { Reached } from '../reach.ts';
import { forbiddenChanges, shownChanges } from './allowed.ts';
import type { ShownChange } from './allowed.ts';
import type { FoundRelease, ReleaseImage } from './release.ts';
import { slotName, slotsOf } from './write-images.ts';
import type { WrittenImages } from './write-images.ts';
import type { ImageEdit } from '../edits/index.ts';

/** Why a change is not made. Plain JSON. */
export interface Refusal {
  readonly code: string;
  /** One sentence. */
  readonly message: string;
  /** What it is about, with file and line. */
  readonly lines: readonly string[];
  readonly hint: string;
}

/** What a change of one environment would do, proven by rendering before and after. */
export interface ChangePlan {
  /** The commit that it was planned on. */
  readonly parent: string;
  readonly files: FileTexts;
  readonly edits: readonly ImageEdit[];
  readonly changes: readonly ShownChange[];
  /** The same, as objects and fields. */
  readonly rendered: readonly ObjectChange[];
  /** Environments that were rendered and stay as they are. */
  readonly unchanged: readonly string[];
  /** Environments that could not be rendered here, before as after. */
  readonly unread: readonly string[];
  readonly refusals: readonly Refusal[];
  /** Files and folders that the render of the environment rests on: what else changes meanwhile is no matter. */
  readonly inputs: readonly string[];
}

/** A plan of nothing, as what is refused or is there already has one. */
export function emptyPlan(parent: string): ChangePlan {
  return {
    parent,
    files: {},
    edits: [],
    changes: [],
    rendered: [],
    unchanged: [],
    unread: [],
    refusals: [],
    inputs: [''],
  };
}

export interface ChangeTarget {
  readonly sources: Pick<Sources, 'kube' | 'git'>;
  readonly spec: ApplicationSpec;
  readonly branch: string;
  /** Tip of the branch. */
  readonly parent: string;
  readonly signal: AbortSignal;
}

/** Renders the target from a tree that stands for that commit. */
export function rendererOf({ sources, spec, parent, signal }: ChangeTarget) {
  return async (tree: FileTree, commit = parent): Promise<RenderedSet> =>
    (await renderSources(sources, spec, commit, signal, tree)).set;
}

/** `Deployment/payment-api spec.replicas: 2 → 3   base/deployment.yaml:8` */
export function changeLine({ object, field, from, to, where }: ShownChange): string {
  const what = field === '' ? `${object}: ${to}` : `${object} ${field}: ${from} → ${to}`;
  return where === '' ? what : `${what}   ${where}`;
}

function fieldRefusal(changes: readonly ObjectChange[], fields: readonly string[]): readonly Refusal[] {
  const forbidden = forbiddenChanges(changes, fields);
  if (forbidden.length === 0) return [];
  const lines = shownChanges(forbidden).map(changeLine);
  return [
    {
      code: 'promotion-touches-more',
      message: `It would change ${lines.length === 1 ? 'a field' : `${lines.length} fields`} that a promotion may not touch (${fields.join(', ')} may be).`,
      lines,
      hint: 'Make that change on its own, or allow it: environments[].promotion.fields of landfall.yaml.',
    },
  ];
}

/** Refusals for environments that the change reaches without being meant for them. */
export function reachRefusals(reached: readonly Reached[], onlyOwn: boolean): readonly Refusal[] {
  const changed = reached.filter(({ state }) => state === 'changed');
  const refusals: Refusal[] = changed.map((other) => ({
    code: 'promotion-reaches-others',
    message: `It would change ${other.who}, too, which it is not meant for.`,
    lines:
      other.changes.length === 0
        ? [`${other.folder} does not render the same: ${other.why}`]
        : shownChanges(other.changes).map(changeLine),
    hint: `${other.folder} uses the same files: give the environment an overlay of its own.`,
  }));
  const unread = reached.filter(({ state }) => state === 'unread');
  // What lies in the environment's own folder alone reaches nobody; for more there has to be proof.
  if (onlyOwn || unread.length === 0) return refusals;
  return [
    ...refusals,
    {
      code: 'promotion-others-unread',
      message: `Whether ${unread.length === 1 ? 'another environment stays' : `${unread.length} other environments stay`} as ${unread.length === 1 ? 'it is' : 'they are'} cannot be proven.`,
      lines: unread.map(({ who, why }) => `${who}: ${why}`),
      hint: 'Mend what does not render, and promote again.',
    },
  ];
}

function isInside(file: string, folder: string): boolean {
  return folder === '.' || folder === '' || file.startsWith(`${folder}/`);
}

async function inputsOf(tree: FileTree, folder: string, signal: AbortSignal): Promise<readonly string[]> {
  try {
    const { inputs } = await kustomize(tree, folder === '.' ? '' : folder, { signal });
    return [folder, ...inputs.map((input) => input.path)];
  } catch {
    signal.throwIfAborted();
    // A chart, plain manifests: anything may matter to it.
    return [''];
  }
}

/** Whether a file that somebody changed may matter to what was planned. */
export function mattersTo(plan: Pick<ChangePlan, 'inputs'>, file: string): boolean {
  return plan.inputs.some(
    (input) => input === '' || input === '.' || file === input || file.startsWith(`${input}/`),
  );
}

export interface EditedChange extends ChangeTarget {
  /** Fields that may change besides what the editor is asked for. */
  readonly fields: readonly string[];
  /** A file outside of the environment's folder that is meant, too: a version file. */
  readonly versionFile?: string | undefined;
  readonly write: (
    tree: FileTree,
    render: (tree: FileTree) => Promise<RenderedSet>,
  ) => Promise<WrittenImages>;
}

/** Plans new texts for files of one environment, and proves what they do and to whom. */
export async function planEdits(change: EditedChange): Promise<ChangePlan> {
  const { sources, spec, branch, parent, signal, fields, versionFile, write } = change;
  const tree = sources.git.open(spec.repository).tree(parent);
  const render = rendererOf(change);
  const before = await render(tree);
  const { files, edits } = await write(tree, (at) => render(at));
  const edited = treeWith(tree, files);
  const after = await render(edited);
  const changes = diffRenders({ objects: comparedObjects(before) }, { objects: comparedObjects(after) });
  const outside = Object.keys(files).filter((file) => !isInside(file, spec.path) && file !== versionFile);
  const reached =
    Object.keys(files).length === 0
      ? []
      : await reachOfChange({ sources, spec, branch, commit: parent, before: tree, after: edited, signal });
  const refusals: Refusal[] = [
    ...(outside.length === 0
      ? []
      : [
          {
            code: 'promotion-outside',
            message: 'It would have to change files that do not belong to the environment alone.',
            lines: outside,
            hint: `Give ${spec.path} a value of its own.`,
          },
        ]),
    ...fieldRefusal(changes, fields),
    ...reachRefusals(reached, outside.length === 0 && versionFile === undefined),
  ];
  return {
    parent,
    files,
    edits,
    changes: shownChanges(changes),
    rendered: changes,
    unchanged: reached.filter(({ state }) => state === 'unchanged').map(({ who }) => who),
    unread: reached.filter(({ state }) => state === 'unread').map(({ who }) => who),
    refusals,
    inputs: await inputsOf(tree, spec.path, signal),
  };
}

/** Plans to let the environment's branch or tag name another commit, and proves what that does and to whom. */
export async function planMove(
  change: ChangeTarget & { readonly to: string; readonly fields: readonly string[] },
): Promise<ChangePlan> {
  const { sources, spec, branch, parent, to, fields, signal } = change;
  const mirror = sources.git.open(spec.repository);
  const render = rendererOf(change);
  const [before, after] = [mirror.tree(parent), mirror.tree(to)];
  const changes = diffRenders(
    { objects: comparedObjects(await render(before)) },
    { objects: comparedObjects(await render(after, to)) },
  );
  const reached = await reachOfChange({ sources, spec, branch, commit: to, before, after, signal });
  // Folders that nobody delivers from this branch are not in its reach.
  const delivered = reached.filter(({ who, folder }) => who !== folder);
  return {
    parent,
    files: {},
    edits: [],
    changes: shownChanges(changes),
    rendered: changes,
    unchanged: delivered.filter(({ state }) => state === 'unchanged').map(({ who }) => who),
    unread: delivered.filter(({ state }) => state === 'unread').map(({ who }) => who),
    refusals: [...fieldRefusal(changes, fields), ...reachRefusals(delivered, false)],
    inputs: [''],
  };
}

/** Why the images of a release cannot run in an environment: it takes them from elsewhere, or knows none of them. */
export function registryRefusal(
  release: Pick<FoundRelease, 'images'>,
  target: RenderedSet,
): Refusal | undefined {
  const slots = slotsOf(target);
  const matches = (image: ReleaseImage, reference: string) => fullRepository(reference) === image.repository;
  if (slots.some((slot) => release.images.some((image) => matches(image, slot.reference)))) return undefined;
  const beside = slots.flatMap((slot) => {
    const image = release.images.find(({ uses }) => uses.includes(slotName(slot)));
    return image === undefined
      ? []
      : [`${slotName(slot)}: ${slot.reference}, in the source ${image.repository}`];
  });
  if (beside.length > 0)
    return {
      code: 'promotion-other-registry',
      message:
        'The target takes its images from another registry than the source: what was proven there is not in it.',
      lines: beside,
      hint: 'Such an environment is built again, usually from a tag: push the tag and let its build run. The bytes are others then, and are proven on their own.',
    };
  return {
    code: 'promotion-nothing-shared',
    message: 'The target runs none of the images of the release.',
    lines: release.images.map(({ repository }) => repository),
    hint: 'Check that the two applications deliver the same workload.',
  };
}
