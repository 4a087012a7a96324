import { LandfallError } from '../errors.ts';
import type { JsonValue } from '../json.ts';
import { tags } from './node.ts';
import type { YamlNode } from './node.ts';
import { parseYamlDocuments } from './parse.ts';
import type { YamlLimits } from './parse.ts';
import { isTrueWord, parseFloatText, parseInteger, parseTimestamp, resolveTag } from './resolve.ts';

/** JSON, and integers that a double cannot hold. */
export type ExactValue =
  | null
  | string
  | boolean
  | number
  | bigint
  | ExactValue[]
  | { [key: string]: ExactValue };

/** The plain value of a node. Integers beyond 2^53 lose their last digits. */
export function yamlToJson(node: YamlNode): JsonValue {
  return convert(node, false) as JsonValue;
}

/** The same, with integers beyond 2^53 as bigint. */
export function yamlToExact(node: YamlNode): ExactValue {
  return convert(node, true);
}

function convert(node: YamlNode, exact: boolean): ExactValue {
  const { content } = node;
  switch (node.kind) {
    case 'scalar':
      return scalarValue(node, exact);
    case 'seq': {
      const list: ExactValue[] = [];
      for (const item of content) list.push(convert(item, exact));
      return list;
    }
    case 'map': {
      const map: { [key: string]: ExactValue } = {};
      for (let i = 0; i < content.length; i += 2) {
        const [key, value] = [content[i], content[i + 1]];
        if (key === undefined || value === undefined) continue;
        if (key.kind !== 'scalar') {
          throw new LandfallError(`${key.where}: a key has to be a word, not a list or map.`, {
            kind: 'invalid-input',
            code: 'yaml-key',
            object: key.where,
          });
        }
        define(map, key.value, convert(value, exact));
      }
      return map;
    }
    case 'alias':
      break;
  }
  return node.target === undefined ? null : convert(node.target, exact);
}

/** Sets an own field, also one that is called `__proto__`. */
function define(map: { [key: string]: ExactValue }, key: string, value: ExactValue): void {
  if (key === '__proto__') {
    Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
  } else map[key] = value;
}

/**
 * The tag a reader gives a scalar after it was written out: quotes make a string of everything but what is
 * tagged in the source, and a tag that nobody decided follows from the text.
 */
function effectiveTag(node: YamlNode): string {
  const { tag, value } = node;
  if (tag === tags.str || node.tagged) return tag;
  const plain = node.style === 'plain' || node.style === 'block' || node.style === 'flow';
  if (plain && tag !== '') return tag;
  if (plain) return value.includes('\n') ? tags.str : resolveTag(value);
  return tag === '' || resolveTag(value) === tag ? tags.str : tag;
}

/** What a scalar means. */
export function scalarValue(node: YamlNode, exact = false): null | string | boolean | number | bigint {
  const { value } = node;
  const tag = effectiveTag(node);
  switch (tag) {
    case tags.str:
    case tags.merge:
      return value;
    case tags.null:
      return null;
    case tags.bool:
      return isTrueWord(value);
    case tags.int: {
      const integer = parseInteger(value.replaceAll('_', ''));
      if (integer === undefined) return value;
      return typeof integer === 'bigint' && !exact ? Number(integer) : integer;
    }
    case tags.float: {
      const number = parseFloatText(value);
      return Number.isNaN(number) && !/^\.nan$/i.test(value) ? value : number;
    }
    case tags.timestamp:
      return parseTimestamp(value) ?? value;
    case tags.binary:
      return Buffer.from(value, 'base64').toString('utf8');
    default:
      return value;
  }
}

/** All documents of a text as plain values, read as kubectl reads manifests. Empty documents are left out. */
export function parseYaml(text: string, source: string, limits?: YamlLimits): JsonValue[] {
  const options = limits === undefined ? { source } : { source, limits };
  return parseYamlDocuments(text, options).map(yamlToJson);
}
