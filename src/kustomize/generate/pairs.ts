import { LandfallError } from '../../kernel/index.ts';
import type { YamlSource } from '../../kernel/index.ts';
import type { TextAt } from '../decode.ts';
import { sourceOf } from '../load-objects.ts';
import type { Loader } from '../loader.ts';
import type { Cause } from '../nodes.ts';
import type { GeneratorArgs } from './args.ts';

export interface Pair {
  readonly key: string;
  readonly value: Uint8Array;
  readonly cause: Cause;
}

/**
 * The entries of a ConfigMap or Secret, from env files, literals and files in that order. Source: api/kv. What a key may
 * be is left to the API server, as there.
 */
export async function loadPairs(args: GeneratorArgs, loader: Loader): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (const env of args.envs) pairs.push(...(await envPairs(env, loader)));
  for (const literal of args.literals) pairs.push(literalPair(literal));
  for (const file of args.files) pairs.push(await filePair(file, loader));
  const seen = new Set<string>();
  for (const { key } of pairs) {
    if (seen.has(key))
      throw refuse(args.node.where, `configmap ${args.name.text} illegally repeats the key \`${key}\``);
    seen.add(key);
  }
  return pairs;
}

function literalPair(literal: TextAt): Pair {
  const { text, node } = literal;
  const at = text.indexOf('=');
  if (at <= 0) throw refuse(node.where, `invalid literal source ${text}, expected key=value`);
  return { key: text.slice(0, at), value: Buffer.from(unquote(text.slice(at + 1))), cause: node };
}

function unquote(text: string): string {
  const first = text.charAt(0);
  if (text.length < 2 || first !== text.at(-1)) return text;
  return first === '"' || first === "'" ? text.slice(1, -1) : text;
}

async function filePair(file: TextAt, loader: Loader): Promise<Pair> {
  const { text, node } = file;
  const parts = text.split('=');
  let [key = '', path = ''] = parts;
  if (parts.length === 1) {
    path = text;
    key = text.replace(/\/+$/, '').split('/').at(-1) ?? text;
  } else if (parts.length > 2) {
    throw refuse(node.where, `source "${text}" key name or file path contains '='`);
  } else if (key === '')
    throw refuse(node.where, `missing key name for file path "${path}" in source "${text}"`);
  else if (path === '')
    throw refuse(node.where, `missing file path for key name "${key}" in source "${text}"`);
  const value = await loader.bytes(path);
  return { key, value, cause: { source: sourceOf(path, ''), offset: 0 } };
}

async function envPairs(env: TextAt, loader: Loader): Promise<Pair[]> {
  const source: YamlSource = await loader.source(env.text);
  const pairs: Pair[] = [];
  let offset = 0;
  for (const raw of source.text.split('\n')) {
    const start = offset;
    offset += raw.length + 1;
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const at = line.indexOf('=');
    const key = at < 0 ? line : line.slice(0, at);
    if (key === '') continue;
    const value = at < 0 ? '' : line.slice(at + 1);
    pairs.push({ key, value: Buffer.from(value), cause: { source, offset: start } });
  }
  return pairs;
}

function refuse(where: string, problem: string): LandfallError {
  return new LandfallError(`${where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'generator-invalid',
    object: where,
  });
}
