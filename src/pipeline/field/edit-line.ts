import { jsonEqual, LandfallError, parseYamlDocuments, yamlToJson } from '../../kernel/index.ts';
import type { JsonValue, YamlNode } from '../../kernel/index.ts';
import { applyEdits, scalarText, valueSpan } from '../yaml-edit.ts';
import { editBlock } from './edit-block.ts';

type Scalar = string | number | boolean;

export function isScalar(value: JsonValue | undefined): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

interface Found {
  readonly start: number;
  readonly end: number;
  readonly empty: boolean;
  readonly node: YamlNode;
}

/** Every value of a map that is written on that line and reads as `old`. */
function valuesOn(text: string, file: string, line: number, old: JsonValue): readonly Found[] {
  const found: Found[] = [];
  const visit = (node: YamlNode) => {
    for (const [index, item] of node.content.entries()) {
      const key = node.kind === 'map' && index % 2 === 1 ? node.content[index - 1] : undefined;
      if (
        key !== undefined &&
        item.kind === 'scalar' &&
        item.line === line &&
        jsonEqual(yamlToJson(item), old)
      ) {
        const span = valueSpan(text, key, item);
        if (span !== undefined) found.push({ ...span, node: item });
      }
      visit(item);
    }
  };
  for (const document of parseYamlDocuments(text, { source: file })) visit(document);
  return found;
}

/** The same inside of a block text, such as an inline patch: there the line is all that is known. */
function valueInText(
  text: string,
  line: number,
  old: Scalar,
): { readonly start: number; readonly end: number } | undefined {
  const lines = text.split('\n');
  const here = lines[line - 1];
  if (here === undefined) return undefined;
  const match =
    /^(?<lead>\s*(?:- )*[\w./~-]+:[ \t]+)(?<value>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^#\s'"][^#]*?)(?<tail>[ \t]*(?:#.*)?\r?)$/.exec(
      here,
    );
  const { lead = '', value = '' } = match?.groups ?? {};
  const [read] = value === '' ? [] : parseYamlDocuments(value, { source: 'a value' });
  if (read === undefined || !jsonEqual(yamlToJson(read), old)) return undefined;
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + lead.length;
  return { start, end: start + value.length };
}

function written(value: Scalar, node: YamlNode | undefined): string {
  if (typeof value !== 'string') return String(value);
  if (/["'\\\n]/.test(value) || /^[\s#&*!|>%@`[\]{},?:-]|: |\s#|\s$/.test(value))
    return JSON.stringify(value);
  const quoted = node?.style === 'single' || node?.style === 'double' ? node.style : undefined;
  return scalarText(value, quoted);
}

/** What is not YAML cannot be edited as such; that is an answer here, and no fault. */
function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof LandfallError) return otherwise;
    throw thrown;
  }
}

/**
 * The text with the value on that line replaced; everything else stays as it is, quotes and comments too. Undefined
 * when the value is not written there in a way that can be replaced alone.
 */
export function editLine(
  text: string,
  file: string,
  line: number,
  change: { readonly from: JsonValue; readonly to: JsonValue },
): string | undefined {
  const { from, to } = change;
  if (!isScalar(from) || !isScalar(to)) return undefined;
  if (typeof from === 'string' && typeof to === 'string') {
    const edited = readOr(() => editBlock(text, file, line, { from, to }), undefined);
    if (edited !== undefined) return edited;
  }
  const found = readOr(() => valuesOn(text, file, line, from), []);
  const [only] = found;
  if (only !== undefined && found.length === 1) {
    return applyEdits(text, [
      { start: only.start, end: only.end, text: `${only.empty ? ' ' : ''}${written(to, only.node)}` },
    ]);
  }
  const span = found.length === 0 ? readOr(() => valueInText(text, line, from), undefined) : undefined;
  return span && applyEdits(text, [{ ...span, text: written(to, undefined) }]);
}
