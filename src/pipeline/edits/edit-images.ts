import { KUSTOMIZE_OPTIONS } from '../../boundaries/index.ts';
import type { RenderedSet } from '../../boundaries/index.ts';
import { treeWith } from '../../git/index.ts';
import type { FileTexts } from '../../git/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import { isDigest, isTag } from '../../oci/index.ts';
import { byProvenance } from './auto.ts';
import type { ImageChange, ImageEditRequest, ImageEdits } from './contract.ts';
import { editsOf, finalText } from './draft.ts';
import { isImageName } from './image-pin.ts';
import { byHelmValues } from './helm-values.ts';
import { byKustomization } from './kustomization.ts';
import { problemsOf } from './proof.ts';
import { bySetters } from './setters.ts';
import { imageFields, sameName, usesOf } from './rendered-images.ts';
import { refuseEdit, type Candidate, type Writing } from './writing.ts';

/** Files that hold configuration are small; what is larger is no place for an edit. */
const MAX_BYTES = 8 * 2 ** 20;

/**
 * The texts of the files in which these images are changed, all of them together or none. Proven by rendering before
 * and after: every place that uses one of the images runs what was wanted, and nothing else is different. Throws
 * `invalid-input` with what else would change, or why the place cannot be written; `unavailable` where it cannot be
 * rendered, since then nothing is proven.
 */
export async function editImages(request: ImageEditRequest): Promise<ImageEdits> {
  checkChanges(request.changes);
  const before = await rendered(request, request.render(request.tree));
  if (before.failure !== undefined) {
    throw refuseEdit(
      `${request.folder || '.'} does not render as it is, so that no change can be proven: ${before.failure.message}`,
      request.folder,
      before.failure.hint ?? 'Mend it first.',
    );
  }
  const writing: Writing = {
    request,
    before,
    fields: imageFields(before),
    read: (file) => readText(request, file),
  };
  let problems: readonly string[] = [];
  for (const candidate of await candidates(writing)) {
    const files = changedTexts(candidate);
    const after =
      Object.keys(files).length === 0
        ? before
        : await rendered(request, request.render(treeWith(request.tree, files)));
    problems = problemsOf(writing, after, candidate);
    if (problems.length === 0) {
      const edits = [...candidate.drafts].flatMap(([file, draft]) => editsOf(file, draft));
      return { files, edits, warnings: candidate.warnings };
    }
  }
  throw refused(writing, problems);
}

async function candidates(writing: Writing): Promise<readonly Candidate[]> {
  const { target } = writing.request;
  if (target.kind === 'kustomization') return byKustomization(writing, target.folder);
  if (target.kind === 'helm-values') return byHelmValues(writing, target);
  if (target.kind === 'setters') return bySetters(writing, target.folder, target.policy);
  return byProvenance(writing);
}

async function rendered(request: ImageEditRequest, rendering: Promise<RenderedSet>): Promise<RenderedSet> {
  const set = await rendering;
  if (request.signal.aborted) {
    throw new LandfallError('Editing images was cancelled.', { kind: 'cancelled', code: 'cancelled' });
  }
  return set;
}

function changedTexts(candidate: Candidate): FileTexts {
  const files: Record<string, string> = {};
  for (const [file, draft] of candidate.drafts) {
    const text = finalText(draft);
    if (text !== draft.original) files[file] = text;
  }
  return files;
}

async function readText(request: ImageEditRequest, file: string): Promise<string | undefined> {
  const bytes = await request.tree.readFile(file);
  if (bytes === undefined) return undefined;
  if (bytes.length > MAX_BYTES) {
    throw refuseEdit(
      `${file} has ${bytes.length} bytes, and at most ${MAX_BYTES} are edited.`,
      file,
      'Split it.',
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuseEdit(
      `${file} is not UTF-8 text, so that editing it could damage it.`,
      file,
      'Save it as UTF-8.',
    );
  }
}

function checkChanges(changes: readonly ImageChange[]): void {
  for (const [index, change] of changes.entries()) {
    const { image, newName, tag, digest } = change;
    const shown = image.slice(0, 200);
    if (!isImageName(image) || (newName !== undefined && !isImageName(newName))) {
      throw refuseEdit(
        `'${shown}' was to be changed${newName === undefined ? '' : ` to '${newName.slice(0, 200)}'`}: a name was wanted, without tag and digest.`,
        shown,
        'Give it as the manifests name it.',
      );
    }
    if (tag !== undefined && !isTag(tag)) {
      throw refuseEdit(
        `'${tag.slice(0, 200)}' cannot be the tag of ${shown}.`,
        shown,
        'Letters, digits, "_", "." and "-", at most 128.',
      );
    }
    if (!isDigest(digest)) {
      throw refuseEdit(
        `'${digest.slice(0, 200)}' cannot be the digest of ${shown}.`,
        shown,
        'Give sha256: and 64 hex digits.',
      );
    }
    const other = changes.slice(0, index).find((each) => sameName(each.image, image));
    if (other !== undefined) {
      throw refuseEdit(
        `${other.image} was to be changed twice in one edit.`,
        shown,
        'Decide which of the two is meant.',
      );
    }
  }
  if (changes.length === 0) throw refuseEdit('No image was named to be changed.', '', 'Name at least one.');
}

function refused({ request, fields }: Writing, problems: readonly string[]): LandfallError {
  const images = request.changes.map(({ image }) => image).join(', ');
  const shown = problems.slice(0, 5).join('; ');
  const rest = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  const byOption = request.changes.some((change) =>
    usesOf(fields, change).some(
      ({ sources: [source] }) =>
        source?.by === 'images' &&
        (source.file === KUSTOMIZE_OPTIONS || /(?:^|\/)\.argocd-source[^/]*$/.test(source.file)),
    ),
  );
  return refuseEdit(
    `Changing ${images} in ${request.folder || '.'} was refused: ${shown}${rest}.`,
    request.folder,
    byOption
      ? `Nothing was written. What ${KUSTOMIZE_OPTIONS}.images of the Application or a file .argocd-source beside the manifests says of an image wins over its kustomization: take it out there.`
      : 'Nothing was written. Change it by hand, or name the place that is to be written.',
  );
}
