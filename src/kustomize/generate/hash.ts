import { createHash } from 'node:crypto';
import { yamlToExact } from '../../kernel/index.ts';
import type { ExactValue, YamlNode } from '../../kernel/index.ts';

/**
 * The suffix of a generated object's name: the first ten digits of the SHA-256 of its content, with digits that
 * could spell words replaced. The name is not part of the content: the original looks for a field that is called
 * `metadata/name` and never finds it. Source: api/hasher/hasher.go.
 */
export function contentHash(object: YamlNode): string {
  const kind = object.get('kind')?.value ?? '';
  let content: string;
  if (kind === 'ConfigMap') {
    content = goJson({ ...maybe('binaryData', object), data: part(object, 'data'), kind, name: '' });
  } else if (kind === 'Secret') {
    content = goJson({
      data: part(object, 'data'),
      kind,
      name: '',
      ...maybe('stringData', object),
      type: part(object, 'type'),
    });
  } else content = goJson(yamlToExact(object));
  const digest = createHash('sha256').update(content).digest('hex').slice(0, 10);
  return digest.replace(/[013ae]/g, (digit) => replacements[digit] ?? digit);
}

const replacements: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' };

function part(object: YamlNode, field: string): ExactValue {
  const node = object.get(field);
  if (node === undefined) return '';
  return node.kind === 'scalar' ? node.value : yamlToExact(node);
}

function maybe(field: string, object: YamlNode): { [key: string]: ExactValue } {
  const node = object.get(field);
  return node?.kind === 'map' ? { [field]: yamlToExact(node) } : {};
}

/** JSON as Go writes it: sorted keys, and `<`, `>`, `&` and line separators escaped. */
function goJson(value: ExactValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') {
    return JSON.stringify(value).replace(
      /[<>&\u2028\u2029]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  }
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map(goJson).join(',')}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${goJson(key)}:${goJson(value[key] ?? null)}`).join(',')}}`;
}
