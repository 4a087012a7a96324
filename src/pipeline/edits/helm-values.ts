import type { ImageChange, WriteTarget } from './contract.ts';
import { draftOf, withEdits, type Draft } from './draft.ts';
import { joinReference, splitReference } from './reference-text.ts';
import { sameName, usesOf } from './rendered-images.ts';
import { setValue, valueAt } from './set-value.ts';
import { parseValuePath, type ValueStep } from './value-path.ts';
import { refuseEdit, wantedReferences, type Candidate, type Writing } from './writing.ts';

export type HelmTarget = Extract<WriteTarget, { readonly kind: 'helm-values' }>;

/** A value that has to be written, and the text that it has now. */
interface ValueWrite {
  readonly path: readonly ValueStep[];
  readonly from: string | undefined;
  readonly to: string;
}

/**
 * The change as values of a chart. A spec takes the whole reference. Where the digest has no path of its own it is
 * tried behind the tag (`v2@sha256:…`), which most charts render well; where one also shows the tag elsewhere, as in
 * a label, only the tag is written, and a warning says so.
 */
export async function byHelmValues(writing: Writing, target: HelmTarget): Promise<readonly Candidate[]> {
  const [change, another] = writing.request.changes;
  if (change === undefined || another !== undefined) {
    throw refuseEdit(
      `The paths in ${target.file} belong to one image, and ${writing.request.changes.length} were to be written.`,
      target.file,
      'Edit one image after the other, each with its own paths.',
    );
  }
  const original = (await writing.read(target.file)) ?? '';
  const start = draftOf(original);
  const candidate = (pinned: boolean): Candidate => ({
    drafts: new Map([[target.file, withValues(writing, start, target, change, pinned)]]),
    pinned,
    behindTag: pinned && standsBehindTag(target, change),
    through: 'values',
    everywhere: false,
    warnings: pinned ? [] : [unpinnedWarning(target.file, change)],
  });
  return standsBehindTag(target, change) ? [candidate(true), candidate(false)] : [candidate(true)];
}

/** Whether the digest has no place of its own, and may be left out where it cannot stand behind the tag. */
export function standsBehindTag(target: HelmTarget, change: ImageChange): boolean {
  return target.spec === undefined && target.digest === undefined && change.tag !== undefined;
}

export function unpinnedWarning(file: string, { image }: ImageChange): string {
  return `${file} has no path for the digest of ${image}, and the chart cannot render one behind the tag: only the tag is written, so that the registry decides which bytes it is.`;
}

/** The draft of a file of values with the change at the paths of the target. */
export function withValues(
  writing: Writing,
  start: Draft,
  target: HelmTarget,
  change: ImageChange,
  pinned: boolean,
): Draft {
  let draft = start;
  for (const { path, from, to } of writesOf(writing, start.text, target, change, pinned)) {
    const edits = setValue({ text: draft.text, file: target.file, path, value: to });
    draft = withEdits(draft, edits, { image: change.image, from: from ?? '', to });
  }
  return draft;
}

function writesOf(
  writing: Writing,
  text: string,
  target: HelmTarget,
  change: ImageChange,
  pinned: boolean,
): readonly ValueWrite[] {
  const at = (path: string) => {
    const steps = keysOf(text, target.file, path);
    return { path: steps, from: valueAt(text, target.file, steps) };
  };
  if (target.spec !== undefined) {
    const place = at(target.spec);
    const [to = ''] = wantedReferences(place.from ?? change.newName ?? change.image, change, true);
    return [{ ...place, to }];
  }
  if (target.tag === undefined && target.digest === undefined) {
    throw refuseEdit(
      `${change.image} was to be written into ${target.file}, and neither the path of its tag nor of its digest nor of the whole reference was given.`,
      target.file,
      'Give a tag path such as image.tag, or a spec path such as image.',
    );
  }
  const writes: ValueWrite[] = [];
  if (target.name !== undefined) {
    const place = at(target.name);
    const to = nameFor(writing, change, place.from);
    if (to !== undefined) writes.push({ ...place, to });
  }
  if (target.tag !== undefined) {
    const place = at(target.tag);
    const tag = change.tag ?? splitReference(`x:${place.from ?? ''}`).tag;
    const digest = target.digest === undefined && pinned ? change.digest : '';
    if (change.tag !== undefined || place.from !== undefined) {
      writes.push({ ...place, to: joinReference({ name: '', tag, digest }).replace(/^:/, '') });
    } else if (digest !== '') {
      throw refuseEdit(
        `${target.file} has no tag at ${target.tag} that the digest of ${change.image} could stand behind.`,
        target.file,
        'Give the tag, too, or a path for the digest.',
      );
    }
  }
  if (target.digest !== undefined) writes.push({ ...at(target.digest), to: change.digest });
  return writes;
}

/** What the name has to be; undefined where it is right as it is, in the short form that the chart completes, too. */
function nameFor(writing: Writing, change: ImageChange, now: string | undefined): string | undefined {
  if (now === undefined) return change.newName ?? change.image;
  if (change.newName === undefined || sameName(now, change.newName)) return undefined;
  const [use] = usesOf(writing.fields, change);
  const rendered = use === undefined ? now : splitReference(use.value).name;
  const prefix = rendered.endsWith(`/${now}`) ? rendered.slice(0, -now.length) : '';
  return change.newName.startsWith(prefix) ? change.newName.slice(prefix.length) : change.newName;
}

/** A key with dots is one key where the file has it as such at its root, else a path. */
function keysOf(text: string, file: string, path: string): readonly ValueStep[] {
  const steps = parseValuePath(path);
  if (steps.length < 2) return steps;
  const whole: readonly ValueStep[] = [{ kind: 'key', key: path }];
  if (valueAt(text, file, whole) === undefined) return steps;
  if (valueAt(text, file, steps) === undefined) return whole;
  throw refuseEdit(
    `${file} has the key "${path}" and the path ${path}, too: which is meant is not known.`,
    file,
    `Write it as "${path}" in quotes for the key, or with brackets for the path.`,
  );
}
