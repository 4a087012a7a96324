import type { RenderedSet } from '../../boundaries/index.ts';
import { LandfallError } from '../../kernel/index.ts';
import type { ImageChange, ImageEditRequest } from './contract.ts';
import type { Draft } from './draft.ts';
import { joinReference, splitReference } from './reference-text.ts';
import { usesOf, type ImageUse } from './rendered-images.ts';

/** What every way of writing is given. */
export interface Writing {
  readonly request: ImageEditRequest;
  readonly before: RenderedSet;
  /** The fields of `before` that name images. */
  readonly fields: readonly ImageUse[];
  /** The text of a file; undefined when there is none. */
  readonly read: (file: string) => Promise<string | undefined>;
}

/** One way of writing the changes; it counts only when its render says what was wanted. */
export interface Candidate {
  readonly drafts: ReadonlyMap<string, Draft>;
  /** Whether references must end with the digest. False only where a chart has no place for it. */
  readonly pinned: boolean;
  /** Whether the digest stands behind a tag in a value of its own, which counts only where it renders as a reference. */
  readonly behindTag: boolean;
  /** What is written is read by more than images: marked lines, or values of a chart. Those places may change, too. */
  readonly through: 'lines' | 'values' | undefined;
  /** Every place that uses the image has to have it; else others may have lines or values of their own. */
  readonly everywhere: boolean;
  readonly warnings: readonly string[];
}

/** The references that a field may have afterwards. An unnamed tag stays, or goes where only a digest is written. */
export function wantedReferences(value: string, change: ImageChange, pinned: boolean): readonly string[] {
  const { name, tag } = splitReference(value);
  const tags = change.tag === undefined ? [tag, ''] : [change.tag];
  return (pinned ? [change.digest] : [change.digest, '']).flatMap((digest) =>
    tags.map((each) => joinReference({ name: change.newName ?? name, tag: each, digest })),
  );
}

/** What the first place that uses the image says now, and will say. */
export function noteOf(writing: Writing, change: ImageChange): { from: string; to: string; image: string } {
  const use = usesOf(writing.fields, change)[0]?.value;
  const [to = ''] = wantedReferences(use ?? change.image, change, true);
  return { image: change.image, from: use ?? '', to };
}

/** Two names for one place: `.` and the empty path are the root. */
export function folderPath(folder: string): string {
  return folder
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}

export function inFolder(file: string, folder: string): boolean {
  const path = folderPath(folder);
  return path === '' || file === path || file.startsWith(`${path}/`);
}

export function joinPath(folder: string, name: string): string {
  const path = folderPath(folder);
  return path === '' ? name : `${path}/${name}`;
}

export function refuseEdit(message: string, object: string, hint: string): LandfallError {
  return new LandfallError(message, { kind: 'invalid-input', code: 'image-edit-refused', object, hint });
}
