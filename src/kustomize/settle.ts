import { LandfallError, resolveTag, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';
import { refold } from './folded.ts';

/** What writing an object out does to it: keys that are written twice or are no strings are noticed then. */
export function settle(node: YamlNode, inFlow = false): void {
  const { content } = node;
  const flow = inFlow || node.style === 'flow';
  if (node.kind === 'map') {
    const seen = content.length > 16 ? new Map<string, YamlNode>() : undefined;
    for (let i = 0; i < content.length; i += 2) {
      const [key, value] = [content[i], content[i + 1]];
      if (key === undefined || value === undefined) continue;
      if (key.kind !== 'scalar' || !isStringKey(key)) {
        throw new LandfallError(
          `${key.where === '' ? idLabelOf(node) : key.where}: the key ${key.value} is not a string, and JSON has no other keys.`,
          {
            kind: 'invalid-input',
            code: 'yaml-key',
            object: key.where,
            hint: 'Put it in quotes.',
          },
        );
      }
      const before = seen === undefined ? keyBefore(content, i) : seen.get(key.value);
      if (before !== undefined) {
        throw new LandfallError(
          `${key.where}: mapping key "${key.value}" already defined at ${before.where}`,
          {
            kind: 'invalid-input',
            code: 'yaml-duplicate-key',
            object: key.where,
          },
        );
      }
      seen?.set(key.value, key);
      settleValue(value, flow);
    }
    return;
  }
  for (const item of content) settleValue(item, flow);
}

function settleValue(value: YamlNode, flow: boolean): void {
  if (value.kind !== 'scalar') settle(value, flow);
  else settleScalar(value, flow);
}

/**
 * Folded lines are folded again. Inside of brackets the original quotes empty values and times with a colon when it
 * writes them, and so reads texts back.
 */
export function settleScalar(node: YamlNode, flow: boolean): void {
  if (node.style === 'folded') node.value = refold(node.value);
  else if (flow && node.style === 'plain' && !node.tagged && quotedInFlow(node)) node.tag = tags.str;
  else if (node.tag === tags.float && /inf|nan/i.test(node.value) && node.style === 'plain') {
    throw new LandfallError(
      `${node.where}: ${node.value} is a number that JSON has no way to say: json: unsupported value.`,
      {
        kind: 'invalid-input',
        code: 'number-unsupported',
        object: node.where,
        hint: 'Put it in quotes if a text is meant.',
      },
    );
  }
  expectReadable(node);
}

const BY_TEXT: ReadonlySet<string> = new Set([tags.int, tags.float, tags.bool, tags.null, tags.timestamp]);

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A replacement changes the text of a field and not its type: `replicas: 3` cannot become `web`. */
function expectReadable({ tag, value, where }: YamlNode): void {
  if (tag === tags.binary && !BASE64.test(value.replaceAll(/[\r\n]/g, ''))) {
    throw new LandfallError(`${where}: !!binary value contains invalid base64 data.`, {
      kind: 'invalid-input',
      code: 'yaml-binary',
      object: where,
    });
  }
  if (!BY_TEXT.has(tag)) return;
  const read = resolveTag(value);
  if (read === tag || (tag === tags.float && read === tags.int)) return;
  const [kind, found] = [tag, read].map((each) => each.replace('tag:yaml.org,2002:', '!!'));
  throw new LandfallError(
    `${where}: the field is a ${kind ?? ''}, and was given '${value}': cannot decode ${found ?? ''} \`${value}\` as a ${kind ?? ''}.`,
    {
      kind: 'invalid-input',
      code: 'yaml-tag',
      object: where,
      hint: 'Write the field as the type that it is to have, a text in quotes.',
    },
  );
}

function quotedInFlow(node: YamlNode): boolean {
  return node.tag === tags.null ? node.value === '' : node.tag === tags.timestamp && node.value.includes(':');
}

function keyBefore(content: readonly YamlNode[], at: number): YamlNode | undefined {
  const value = content[at]?.value;
  for (let i = 0; i < at; i += 2) if (content[i]?.value === value) return content[i];
  return undefined;
}

function idLabelOf(node: YamlNode): string {
  return `a map with ${node.content.length / 2} fields`;
}

function isStringKey(key: YamlNode): boolean {
  if (key.tag === '') return key.style !== 'plain' || resolveTag(key.value) === tags.str;
  return key.tag === tags.str || key.tag === tags.merge;
}
