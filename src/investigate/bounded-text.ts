/** Lines of an artifact with their own numbers, where not all of them were kept. */
export interface KeptLines {
  readonly text: string;
  /** Number of each line of `text`; undefined where they are simply counted. */
  readonly numbers: readonly number[] | undefined;
  /** What was left out, for the list of the unread; empty where nothing was. */
  readonly left: string;
}

/** Up to this many characters a text is kept whole. */
const WHOLE = 8 * 1024 * 1024;
/** Occurrences of one message shape that are kept at each end. */
const AT_EACH_END = 3;
const SHAPES = 4_000;
const LINE = 8_192;
/** The first and last lines that are kept whatever they say. */
const EDGE = 400;

/** What a line has in common with others that say the same of other things: numbers and ids go. */
function shapeOf(text: string): string {
  return text
    .slice(0, 240)
    .replaceAll(/\b[0-9a-f]{4,}(?:-[0-9a-f]+)*\b|\d+/g, '#')
    .slice(0, 160);
}

interface Kept {
  readonly line: number;
  readonly text: string;
}

interface Shape {
  count: number;
  readonly first: Kept[];
  readonly last: Kept[];
}

/**
 * Takes lines as they come and keeps a bounded part: everything of a text that is small; of a large one its edges, and
 * of every message shape the first and the last occurrences. Memory is bounded whatever comes in.
 */
export function lineKeeper(): { readonly add: (line: string) => void; readonly done: () => KeptLines } {
  let whole: string[] | undefined = [];
  let size = 0;
  let count = 0;
  const shapes = new Map<string, Shape>();
  const head: Kept[] = [];
  const tail: Kept[] = [];
  let others = 0;
  const sample = (text: string, line: number) => {
    const kept = { line, text: text.slice(0, LINE) };
    if (head.length < EDGE) {
      head.push(kept);
      return;
    }
    tail.push(kept);
    const settled = tail.length > EDGE ? tail.shift() : undefined;
    if (settled === undefined) return;
    const shape = shapeOf(settled.text);
    const known = shapes.get(shape);
    if (known === undefined) {
      if (shapes.size >= SHAPES) {
        others += 1;
        return;
      }
      shapes.set(shape, { count: 1, first: [settled], last: [] });
      return;
    }
    known.count += 1;
    if (known.first.length < AT_EACH_END) known.first.push(settled);
    else {
      known.last.push(settled);
      if (known.last.length > AT_EACH_END) known.last.shift();
    }
  };
  return {
    add(line) {
      count += 1;
      size += line.length + 1;
      if (whole !== undefined) {
        whole.push(line);
        if (size <= WHOLE) return;
        for (const [index, each] of whole.entries()) sample(each, index + 1);
        whole = undefined;
        return;
      }
      sample(line, count);
    },
    done() {
      if (whole !== undefined) return { text: whole.join('\n'), numbers: undefined, left: '' };
      const middle = [...shapes.values()].flatMap((shape) => [...shape.first, ...shape.last]);
      const kept = [...head, ...middle.toSorted((a, b) => a.line - b.line), ...tail];
      const most = [...shapes.values()].toSorted((a, b) => b.count - a.count)[0]?.count ?? 0;
      return {
        text: kept.map((each) => each.text).join('\n'),
        numbers: kept.map((each) => each.line),
        left: `${count} lines, of which ${kept.length} were read: the edges, and the first and last ${AT_EACH_END} of ${shapes.size} message shapes (the commonest ${most} times)${others > 0 ? `; ${others} lines of further shapes were not` : ''}`,
      };
    },
  };
}
