import { parseYamlDocuments } from '../../kernel/index.ts';
import type { YamlNode } from '../../kernel/index.ts';
import { applyEdits, endOfScalar } from '../yaml-edit.ts';

export interface GeneratedChange {
  /** The key in the data of the ConfigMap. */
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

/** `KEY=value` as kustomize reads a literal: quotes around the value are left out. */
function readsAs(text: string, key: string, value: string): boolean {
  const at = text.indexOf('=');
  if (at < 0 || text.slice(0, at) !== key) return false;
  const given = text.slice(at + 1);
  return given === value || given === `"${value}"` || given === `'${value}'`;
}

function scalarsOn(text: string, file: string, line: number): readonly YamlNode[] {
  const found: YamlNode[] = [];
  const visit = (node: YamlNode) => {
    if (node.kind === 'scalar' && node.line === line) found.push(node);
    node.content.forEach(visit);
  };
  for (const document of parseYamlDocuments(text, { source: file })) visit(document);
  return found;
}

/**
 * The kustomization with the literal `KEY=value` on that line changed. Undefined where none stands there, or where the
 * new value would have to be quoted.
 */
export function editLiteral(
  text: string,
  file: string,
  line: number,
  { key, from, to }: GeneratedChange,
): string | undefined {
  const [only, another] = scalarsOn(text, file, line).filter((node) => readsAs(node.value, key, from));
  if (only === undefined || another !== undefined) return undefined;
  const end = endOfScalar(text, only);
  const inQuotes = only.style === 'single' || only.style === 'double';
  if (end === undefined || /[\r\n"'\\]/.test(to) || to !== to.trim()) return undefined;
  if (!inQuotes && (/: |:$| #/.test(to) || (only.style !== 'plain' && only.style !== 'block')))
    return undefined;
  const quote = only.style === 'single' ? "'" : only.style === 'double' ? '"' : '';
  return applyEdits(text, [{ start: only.offset, end, text: `${quote}${key}=${to}${quote}` }]);
}

/** The lines of an env file with one variable changed; undefined where that line does not set it. */
export function editEnvLine(
  text: string,
  line: number,
  { key, from, to }: GeneratedChange,
): string | undefined {
  if (/[\r\n]/.test(to)) return undefined;
  const lines = text.split('\n');
  const here = lines[line - 1];
  if (here?.replace(/\r$/, '') !== `${key}=${from}`) return undefined;
  const ending = here.endsWith('\r') ? '\r' : '';
  return [...lines.slice(0, line - 1), `${key}=${to}${ending}`, ...lines.slice(line)].join('\n');
}
