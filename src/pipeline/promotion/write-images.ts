import { fullRepository, isWorkload, templateContainers } from '../../boundaries/index.ts';
import type { OverrideOwner, RenderedFacts, RenderedSet } from '../../boundaries/index.ts';
import type { FileTexts, FileTree } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { parseReference } from '../../oci/index.ts';
import { editImages } from '../edits/index.ts';
import type { ImageChange, ImageEdit, WriteTarget } from '../edits/index.ts';
import type { ReleaseImage } from './release.ts';

export interface WrittenImages {
  readonly files: FileTexts;
  readonly edits: readonly ImageEdit[];
}

export interface ImagesToWrite {
  readonly tree: FileTree;
  /** Folder of the environment. */
  readonly folder: string;
  /** The Application that is rendered: Argo CD may override it in Git. */
  readonly application: OverrideOwner;
  readonly images: readonly ReleaseImage[];
  /** Where they are written. Default: where the rendered image comes from, never outside of the folder. */
  readonly target?: WriteTarget;
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
  readonly signal: AbortSignal;
}

interface Slot {
  readonly facts: RenderedFacts;
  readonly container: string;
  readonly reference: string;
}

/** Containers that the environment renders, with what each asks for. */
export function slotsOf(set: RenderedSet): readonly Slot[] {
  return set.objects
    .filter(({ object }) => isWorkload(object))
    .flatMap((facts) =>
      templateContainers(facts.object).map(({ name, image }) => ({
        facts,
        container: name,
        reference: image,
      })),
    );
}

export function slotName({ facts, container }: Slot): string {
  return `${facts.object.kind}/${facts.object.metadata.name} ${container}`;
}

function nameOf(reference: string): string {
  return reference.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

function isPinnedTo(reference: string, image: ReleaseImage): boolean {
  const { tag, digest } = parseReference(reference);
  return digest === image.digest && tag === image.tag;
}

/** Images of the release that the environment runs and does not ask for yet, each once. */
function changesIn(set: RenderedSet, images: readonly ReleaseImage[]): readonly ImageChange[] {
  const changes = new Map<string, ImageChange>();
  for (const { reference } of slotsOf(set)) {
    const image = images.find(({ repository }) => repository === fullRepository(reference));
    if (image === undefined || isPinnedTo(reference, image) || changes.has(image.repository)) continue;
    const { tag, digest, repository } = image;
    changes.set(repository, { image: nameOf(reference), tag, digest });
  }
  return [...changes.values()];
}

/**
 * Writes the images of a release into the files of an environment, all of them or none: tag and digest both, in the
 * line of the environment that sets each, else in an entry of its own.
 */
export async function writeImages(writing: ImagesToWrite): Promise<WrittenImages> {
  const { tree, folder, application, images, target = { kind: 'auto' }, render, signal } = writing;
  const set = await render(tree);
  if (set.failure !== undefined) {
    throw new LandfallError(`${folder} does not render: ${set.failure.message}`, {
      kind: 'invalid-input',
      code: set.failure.code,
      object: folder,
      hint: 'Mend it before anything is promoted into it.',
    });
  }
  const changes = changesIn(set, images);
  if (changes.length === 0) return { files: {}, edits: [] };
  return editImages({
    tree,
    folder,
    application,
    changes,
    target,
    render,
    signal,
  });
}
