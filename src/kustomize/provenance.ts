import { jsonEqual, scalarValue, yamlToJson } from '../kernel/index.ts';
import type { JsonValue, YamlNode } from '../kernel/index.ts';

/** One place that set a field, and what it set it to. */
export interface FieldOrigin {
  /** Path of the file in the tree; empty where a transformation made the value out of nothing. */
  readonly file: string;
  /** 1-based; 0 where there is no line. */
  readonly line: number;
  readonly column: number;
  readonly value: JsonValue;
  /** The step that put it there: `images`, `replicas`, `patch`, `namespace`, `namePrefix`, `labels`, `hash`. */
  readonly by?: string;
}

/** Follows names and indexes; undefined where there is no such field. */
export function nodeAt(root: YamlNode, path: readonly (string | number)[]): YamlNode | undefined {
  let at: YamlNode | undefined = root;
  for (const step of path) {
    if (at === undefined) return undefined;
    if (at.kind === 'seq') {
      const index: number = typeof step === 'number' ? step : Number(step);
      at = Number.isInteger(index) ? at.content[index] : undefined;
    } else at = at.get(String(step));
  }
  return at;
}

/** Who set a field, newest first. */
export function originsOf(node: YamlNode): FieldOrigin[] {
  const origins: FieldOrigin[] = [];
  const limit = 1000;
  for (let at: YamlNode | undefined = node; at !== undefined && origins.length < limit; at = at.over) {
    const value = at.kind === 'scalar' ? (scalarValue(at) as JsonValue) : yamlToJson(at);
    const { line, column, by } = at;
    const file = at.source?.name ?? '';
    const newer = origins.at(-1);
    // One line may set a field twice with the same value: two of its rules reached it.
    const again =
      newer !== undefined &&
      newer.file === file &&
      newer.line === line &&
      newer.column === column &&
      newer.by === by &&
      jsonEqual(newer.value, value);
    if (!again) origins.push({ file, line, column, value, ...(by === undefined ? {} : { by }) });
  }
  return origins;
}
