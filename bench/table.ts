/** Rows of one measurement, printed as Markdown. */
export interface Row {
  readonly what: string;
  readonly ours: string;
  readonly other: string;
  readonly ratio: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

export function markdown(
  title: string,
  columns: { readonly ours: string; readonly other: string },
  rows: readonly Row[],
): string {
  const lines = rows.map((row) => `| ${row.what} | ${row.ours} | ${row.other} | ${row.ratio} |`);
  return [
    `## ${title}`,
    '',
    `| | ${columns.ours} | ${columns.other} | ratio |`,
    '| --- | --- | --- | --- |',
    ...lines,
    '',
  ].join('\n');
}
