import { applyEdits, type TextEdit } from '../yaml-edit.ts';
import type { ImageEdit } from './contract.ts';

/** What one edit says of itself. */
export type Note = Pick<ImageEdit, 'image' | 'from' | 'to'>;

/** A file while it is edited: every edit moves the places of those before it. Offsets count from behind a byte order mark. */
export interface Draft {
  readonly original: string;
  readonly text: string;
  readonly notes: readonly (Note & { readonly offset: number })[];
}

const MARK = '\uFEFF';

export function draftOf(original: string): Draft {
  return { original, text: original.startsWith(MARK) ? original.slice(1) : original, notes: [] };
}

/** The draft with edits made, all of which the note is about; the same one where there are none. */
export function withEdits(draft: Draft, edits: readonly TextEdit[], note: Note): Draft {
  const [first] = edits.toSorted((a, b) => a.start - b.start);
  if (first === undefined) return draft;
  const moved = (offset: number, including: boolean) =>
    edits
      .filter((edit) => edit.start < offset || (including && edit.start === offset))
      .reduce((sum, edit) => sum + edit.text.length - (edit.end - edit.start), offset);
  const notes = draft.notes.map((each) => ({ ...each, offset: moved(each.offset, true) }));
  const lead = /^\r?\n/.exec(first.text)?.[0].length ?? 0;
  return {
    ...draft,
    text: applyEdits(draft.text, edits),
    notes: [...notes, { ...note, offset: moved(first.start, false) + lead }],
  };
}

/** The text as it is committed. */
export function finalText(draft: Draft): string {
  return draft.original.startsWith(MARK) ? MARK + draft.text : draft.text;
}

/** The edits with the lines that they have in the final text. */
export function editsOf(file: string, draft: Draft): readonly ImageEdit[] {
  return draft.notes.map(({ image, from, to, offset }) => ({
    file,
    line: draft.text.slice(0, offset).split('\n').length,
    image,
    from,
    to,
  }));
}
