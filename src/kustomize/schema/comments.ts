import type { YamlNode, YamlSource } from '../../kernel/index.ts';

/** Whether some comment of a text may be a schema: most texts have none, and are not looked at again. */
const known = new WeakMap<YamlSource, boolean>();

function hasSchemas(source: YamlSource): boolean {
  let has = known.get(source);
  if (has === undefined) {
    has = /#[ \t]*\{/.test(source.text);
    known.set(source, has);
  }
  return has;
}

/**
 * The JSON object in the comment of a field: behind its value, behind its key, or above it. The
 * original takes such a comment for the schema of the field. Source: kyaml's fieldmeta.go and walk/map.go.
 */
export function schemaComment(key: YamlNode, value: YamlNode): string | undefined {
  const { source } = key;
  if (source === undefined || key.offset < 0 || !hasSchemas(source)) return undefined;
  const { text } = source;
  const own = value.source === source && value.offset > key.offset ? behindValue(text, value) : undefined;
  if (own !== undefined) return jsonOf(own);
  const start = text.lastIndexOf('\n', key.offset - 1) + 1;
  const behind = behindKey(text, key.offset);
  if (behind !== undefined) return jsonOf(behind);
  return /^[ ?-]*["']?$/.test(text.slice(start, key.offset)) ? jsonOf(commentAbove(text, start)) : undefined;
}

/** `key: # this`, where the value stands in the lines below. */
function behindKey(text: string, offset: number): string | undefined {
  const pattern = /(?:"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\s"'][^\n#]{0,1024}?)[ \t]{0,64}:[ \t]+(#[^\n]*)/y;
  pattern.lastIndex = offset;
  const found = pattern.exec(text);
  return found?.[1];
}

/** `key: value # this`. A list or map in brackets may end some lines further down. */
function behindValue(text: string, value: YamlNode): string | undefined {
  if (value.style === 'block' || value.style === 'literal' || value.style === 'folded') return undefined;
  const end = value.style === 'flow' ? closing(text, value.offset) : scalarEnd(text, value.offset);
  return /^[ \t]+(#[^\n]*)/.exec(text.slice(end, end + 4096))?.[1];
}

function scalarEnd(text: string, offset: number): number {
  const pattern = /"(?:[^"\\]|\\[^])*"|'(?:[^']|'')*'|[^\n]*?(?=[ \t]+#|[ \t\r]*(?:\n|$))/y;
  pattern.lastIndex = offset;
  return offset + (pattern.exec(text)?.[0].length ?? 0);
}

function closing(text: string, offset: number): number {
  const part = /"(?:[^"\\]|\\[^])*"|'(?:[^']|'')*'|(?<=\s)#[^\n]*|[[\]{}]|[^"'#[\]{}]+|[^]/y;
  let depth = 0;
  part.lastIndex = offset;
  for (;;) {
    const piece = part.exec(text)?.[0];
    if (piece === undefined) return text.length;
    if (piece === '[' || piece === '{') depth++;
    else if ((piece === ']' || piece === '}') && --depth === 0) return part.lastIndex;
  }
}

/** The first line of the comment above a line, with no empty line between. */
function commentAbove(text: string, start: number): string | undefined {
  let first: string | undefined;
  for (let end = start - 1; end > 0;) {
    const begin = text.lastIndexOf('\n', end - 1) + 1;
    const line = text.slice(begin, end).trim();
    if (!line.startsWith('#')) break;
    first = line;
    end = begin - 1;
  }
  return first;
}

/** The object that the comment begins with. */
function jsonOf(comment: string | undefined): string | undefined {
  if (comment === undefined) return undefined;
  const text = comment.replace(/^#+\s*/, '');
  if (!text.startsWith('{')) return undefined;
  const json = text.slice(0, closing(text, 0));
  try {
    JSON.parse(json);
    return json;
  } catch {
    return undefined;
  }
}
