import { YAMLException, parseEvents } from 'js-yaml';
import type { Event } from 'js-yaml';

/** What was read, the text that its places mean, and where such a place is in the text that was given. */
export interface ReadEvents {
  readonly events: readonly Event[];
  readonly text: string;
  readonly originalOffset: (offset: number) => number;
}

/**
 * Parses a text as the YAML library of Kubernetes' tools does: inside of brackets and quotes a line may begin
 * anywhere, also left of the key that it belongs to. The parser here holds such lines to the specification; spaces
 * in front of them mean nothing, so they get enough. Throws the parser's `YAMLException`, with its place in the
 * text that was given.
 */
export function readEvents(given: string, maxDepth: number, maxReread: number): ReadEvents {
  const lines: number[] = [];
  let text = given;
  let width = 0;
  let budget = maxReread;
  const originalOffset = (offset: number): number => {
    let [low, high] = [0, lines.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((lines[middle] ?? 0) + middle * width <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(lines[low - 1] ?? 0, offset - low * width);
  };
  for (;;) {
    try {
      return { events: parseEvents(text, { maxDepth }), text, originalOffset };
    } catch (thrown) {
      if (!(thrown instanceof YAMLException)) throw thrown;
      const at = originalOffset(thrown.mark?.position ?? 0);
      const line = given.lastIndexOf('\n', at - 1) + 1;
      budget -= text.length;
      const mendable = thrown.reason === 'deficient indentation' && !UNMENDED.test(given.slice(line, at + 4));
      if (!mendable || line <= (lines.at(-1) ?? 0) || budget < 0) {
        if (thrown.mark !== null && thrown.mark !== undefined) thrown.mark.position = at;
        throw thrown;
      }
      width ||= deepest(given);
      lines.push(line);
      text = indented(given, lines, width);
    }
  }
}

/** A document ends here whatever is open, and tabs do not indent. */
const UNMENDED = /^(?:(?:---|\.\.\.)(?:\s|$)| *\t)/;

/** More than any line of the text is indented. */
function deepest(text: string): number {
  let most = 0;
  for (const [lead] of text.matchAll(/^[ ?-]+/gm)) most = Math.max(most, lead.length);
  return most + 2;
}

function indented(text: string, lines: readonly number[], width: number): string {
  const spaces = ' '.repeat(width);
  return [0, ...lines]
    .map((from, index) => (index === 0 ? '' : spaces) + text.slice(from, lines[index] ?? text.length))
    .join('');
}
