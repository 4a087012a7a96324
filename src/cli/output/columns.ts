/** Lines of a table without rules: every column as wide as its widest text, nothing behind the last one. */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): (texts: readonly string[]) => string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return (texts) =>
    texts
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
}
