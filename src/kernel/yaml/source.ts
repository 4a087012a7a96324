/** A text that nodes point into. Lines are counted only when somebody asks for one. */
export class YamlSource {
  /** What messages call it: a path, usually. */
  readonly name: string;
  readonly text: string;
  /** The line of `name` that the text begins in: 1 unless it stands inside of another file. */
  readonly firstLine: number;
  private starts: number[] | undefined;

  constructor(name: string, text: string, firstLine = 1) {
    this.name = name;
    this.text = text;
    this.firstLine = firstLine;
  }

  /** 1-based line and column of an offset into the text. */
  locate(offset: number): { readonly line: number; readonly column: number } {
    const starts = (this.starts ??= lineStarts(this.text));
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + this.firstLine, column: offset - (starts[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
