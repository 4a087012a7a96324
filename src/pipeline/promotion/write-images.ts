import { fullRepository, isWorkload, templateContainers } from '../../boundaries/index.ts';
import type { RenderedFacts, RenderedSet } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTexts, FileTree } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { parseReference } from '../../oci/index.ts';
import { changeField } from '../field/change-field.ts';
import { pinImage } from '../edits/index.ts';
import type { ReleaseImage } from './release.ts';

/** One line that says another image now. Plain JSON. */
export interface ImageEdit {
  readonly file: string;
  readonly line: number;
  readonly object: string;
  readonly container: string;
  readonly from: string;
  readonly to: string;
}

export interface WrittenImages {
  readonly files: FileTexts;
  readonly edits: readonly ImageEdit[];
}

export interface ImagesToWrite {
  readonly tree: FileTree;
  /** Folder of the environment. */
  readonly folder: string;
  readonly images: readonly ReleaseImage[];
  readonly render: (tree: FileTree) => Promise<RenderedSet>;
}

interface Slot {
  readonly facts: RenderedFacts;
  readonly container: string;
  readonly path: readonly (string | number)[];
  readonly reference: string;
}

/** Containers that the environment renders, with what each asks for. */
export function slotsOf(set: RenderedSet): readonly Slot[] {
  return set.objects
    .filter(({ object }) => isWorkload(object))
    .flatMap((facts) =>
      templateContainers(facts.object).map(({ name, image, imagePath }) => ({
        facts,
        container: name,
        path: imagePath,
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

/** The name as the environment writes it, with tag and digest of the release. */
function pinned(reference: string, image: ReleaseImage): string {
  return `${nameOf(reference)}${image.tag === undefined ? '' : `:${image.tag}`}@${image.digest}`;
}

function isPinnedTo(reference: string, image: ReleaseImage): boolean {
  const { tag, digest } = parseReference(reference);
  return digest === image.digest && tag === image.tag;
}

/** The first that still asks for something else than the release. */
function nextSlot(set: RenderedSet, images: readonly ReleaseImage[], done: ReadonlySet<string>) {
  for (const slot of slotsOf(set)) {
    const image = images.find(({ repository }) => repository === fullRepository(slot.reference));
    if (image === undefined || done.has(slotName(slot)) || isPinnedTo(slot.reference, image)) continue;
    return { slot, image };
  }
  return undefined;
}

const MOST_CONTAINERS = 500;

/**
 * Writes the images of a release into the files of an environment: tag and digest both, in the line of the environment
 * that sets each, else in its `images:` or a patch of its own. Never in a file that lies outside of its folder.
 */
export async function writeImages({ tree, folder, images, render }: ImagesToWrite): Promise<WrittenImages> {
  let files: FileTexts = {};
  const edits: ImageEdit[] = [];
  const done = new Set<string>();
  for (let left = MOST_CONTAINERS; left > 0; left -= 1) {
    const now = treeWith(tree, files);
    const set = await render(now);
    if (set.failure !== undefined) {
      throw new LandfallError(`${folder} does not render: ${set.failure.message}`, {
        kind: 'invalid-input',
        code: set.failure.code,
        object: folder,
        hint: 'Mend it before anything is promoted into it.',
      });
    }
    const next = nextSlot(set, images, done);
    if (next === undefined) return { files, edits };
    const { slot, image } = next;
    const to = pinned(slot.reference, image);
    const change = await writeOne({ tree: now, folder, slot, to, image, render });
    files = { ...files, [change.file]: change.text };
    done.add(slotName(slot));
    edits.push({
      file: change.file,
      line: change.line,
      object: `${slot.facts.object.kind}/${slot.facts.object.metadata.name}`,
      container: slot.container,
      from: slot.reference,
      to,
    });
  }
  throw new LandfallError(`${folder} has more than ${MOST_CONTAINERS} containers.`, {
    kind: 'invalid-input',
    code: 'promotion-too-large',
    object: folder,
  });
}

interface OneSlot extends Omit<ImagesToWrite, 'images'> {
  readonly slot: Slot;
  readonly to: string;
  readonly image: ReleaseImage;
}

const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/** The line of this one container; where several share an entry of `images:`, that entry for all of them. */
async function writeOne({ tree, folder, slot, to, image, render }: OneSlot) {
  const { facts, path } = slot;
  try {
    return await changeField({ tree, folder, facts, live: facts.object, path, value: to, render });
  } catch (thrown) {
    if (!(thrown instanceof LandfallError) || thrown.code !== 'field-not-editable') throw thrown;
    const shared = await writeEntry({ tree, folder, slot, to, image, render });
    if (shared === undefined) throw thrown;
    return shared;
  }
}

async function writeEntry({ tree, folder, slot, image }: OneSlot) {
  const original = slot.facts.why(slot.path).at(-1)?.value;
  if (typeof original !== 'string') return undefined;
  for (const name of KUSTOMIZATIONS) {
    const file = folder === '.' || folder === '' ? name : `${folder}/${name}`;
    const bytes = await tree.readFile(file);
    if (bytes === undefined) continue;
    const before = Buffer.from(bytes).toString('utf8');
    const text = pinImage({
      text: before,
      file,
      image: nameOf(original),
      digest: image.digest,
      ...(image.tag === undefined ? {} : { newTag: image.tag }),
    });
    const lines = before.split('\n');
    const line = text.split('\n').findIndex((each, index) => each !== lines[index]) + 1;
    return text === before ? undefined : { file, text, line };
  }
  return undefined;
}
