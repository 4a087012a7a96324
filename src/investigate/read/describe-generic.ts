import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { metadata } from './describe-parts.ts';
import type { Described } from './described.ts';

function lower(text: string): string {
  const word = text
    .split(/\s+/)
    .map((part, index) => (index === 0 ? part.toLowerCase() : part.charAt(0).toUpperCase() + part.slice(1)))
    .join('');
  return /^[A-Z]+$/.test(text) ? text.toLowerCase() : word;
}

function scalar(text: string): JsonValue {
  const unquoted = text.replaceAll(/^"|"$/g, '');
  if (/^-?\d+$/.test(text)) return Number(text);
  if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  return unquoted === '<nil>' ? null : unquoted;
}

/** Keys that a custom resource's description repeats for every item of a list. */
const LISTED = /^(?:conditions|containers|resources|history|results|steps|images|sources|rules|ports)$/;

/** A description of a custom resource: words with blanks are the fields' names in camel case. */
function generic(node: Described): JsonValue {
  if (node.children.length === 0) {
    if (node.items.length > 0 && node.value === '') return node.items.map(({ text }) => scalar(text));
    // Conditions hold the words True and False, not truth values.
    return /^Status$/i.test(node.key) ? node.value : scalar(node.value);
  }
  const name = lower(node.key);
  const keys = node.children.map((child) => child.key);
  if (LISTED.test(name) && new Set(keys).size < keys.length) {
    const items: JsonObject[] = [];
    let item: JsonObject = {};
    for (const child of node.children) {
      const key = lower(child.key);
      if (Object.hasOwn(item, key)) {
        items.push(item);
        item = {};
      }
      item[key] = generic(child);
    }
    return [...items, item];
  }
  const object = Object.fromEntries(node.children.map((child) => [lower(child.key), generic(child)]));
  return LISTED.test(name) ? [object] : object;
}

/** What describe shows of a kind that nobody knows: its own fields, labels and annotations. */
export function genericValue(root: Described): JsonObject {
  const all: JsonObject = {};
  for (const child of root.children) {
    const key = lower(child.key);
    if (
      ['name', 'namespace', 'labels', 'annotations', 'kind', 'apiVersion', 'metadata', 'events'].includes(key)
    )
      continue;
    if (key === 'apiversion') continue;
    all[key] = generic(child);
  }
  return { ...metadata(root), ...all };
}
