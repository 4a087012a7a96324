import { createHash } from 'node:crypto';
import path from 'node:path';
import { goExpression, repeatsInRepeats } from '../../../kustomize/index.ts';
import { count, string, strings, text } from './arguments.ts';
import type { TemplateFunction } from './execute.ts';
import { isList, templateError } from './value.ts';
import type { Value } from './value.ts';

/** A pattern of Go. One that JavaScript could take forever for is refused. */
function expression(pattern: Value, flags = 'g'): RegExp {
  const source = text(pattern);
  if (repeatsInRepeats.test(source))
    throw templateError(`the pattern ${source} repeats a group that repeats`);
  const found = goExpression(source, 'a template');
  return new RegExp(found.source, `${found.flags.replace('g', '')}${flags}`);
}

function trimSet(value: string, set: string, from: 'start' | 'end' | 'both'): string {
  const chars = new Set(set);
  const letters = Array.from(value);
  let start = 0;
  let end = letters.length;
  if (from !== 'end') while (start < end && chars.has(letters[start] ?? '')) start += 1;
  if (from !== 'start') while (end > start && chars.has(letters[end - 1] ?? '')) end -= 1;
  return letters.slice(start, end).join('');
}

function words(value: string): string {
  return value.replaceAll(
    /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );
}

/** Go's quoting of a text. */
function quoted(value: Value): string {
  return JSON.stringify(string(value)).replaceAll(
    /[\u007f-\u00a0]/g,
    (char) => String.raw`\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function each(args: readonly Value[], make: (value: Value) => string): string {
  return args
    .filter((arg) => arg !== undefined && arg !== null)
    .map(make)
    .join(' ');
}

function indent(spaces: Value, value: Value): string {
  const size = count(spaces);
  if (size < 0 || size > 1000) throw templateError('the indent is out of range');
  const pad = ' '.repeat(size);
  return pad + text(value).replaceAll('\n', `\n${pad}`);
}

/** `$1` and `${1}` of Go: a name goes on for as long as letters, digits and _ do. */
function replaced(pattern: Value, value: Value, replacement: Value): string {
  const rule = expression(pattern);
  const template = text(replacement);
  return text(value).replace(rule, (...found: readonly unknown[]) => {
    const named = found.at(-1);
    const groups = typeof named === 'object' && named !== null ? (named as Record<string, unknown>) : {};
    return template.replaceAll(
      /\$(?:\$|\{(\w+)\}|(\w+))/g,
      (all: string, braced?: string, plain?: string) => {
        if (all === '$$') return '$';
        const name = braced ?? plain ?? '';
        const group = /^\d+$/.test(name) ? found[Number(name)] : groups[name];
        return typeof group === 'string' ? group : '';
      },
    );
  });
}

/** Words between separators, as sprig's case functions see them; what they would take apart otherwise is refused. */
function parts(value: Value): readonly string[] {
  const given = text(value);
  const split = given
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .split(/[ _-]/);
  if (split.includes('') || /[A-Za-z]\d|\d[A-Za-z]/.test(given)) {
    if (given === '') return [];
    throw templateError(
      `the case of '${given}' cannot be changed here: it has digits within words, or empty words`,
    );
  }
  return split;
}

function titled(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1).toLowerCase();
}

/** sprig counts bytes; names are ASCII, and a letter is never cut in two. */
function truncated(size: number, value: string): string {
  const bytes = Buffer.from(value);
  if (size >= 0 && bytes.length > size) return bytes.subarray(0, size).toString('utf8');
  if (size < 0 && bytes.length + size > 0) return bytes.subarray(bytes.length + size).toString('utf8');
  return value;
}

function hash(algorithm: string): TemplateFunction {
  return (value) => createHash(algorithm).update(text(value)).digest('hex');
}

function splitN(separator: Value, limit: number, value: Value): readonly string[] {
  const all = text(value).split(text(separator));
  if (limit < 0 || all.length <= limit) return all;
  return [...all.slice(0, limit - 1), all.slice(limit - 1).join(text(separator))];
}

function numbered(items: readonly string[]): Value {
  return Object.fromEntries(items.map((item, at) => [`_${at}`, item]));
}

export const textFunctions: Readonly<Record<string, TemplateFunction>> = {
  trim: (value) => text(value).trim(),
  trimAll: (set, value) => trimSet(text(value), text(set), 'both'),
  trimall: (set, value) => trimSet(text(value), text(set), 'both'),
  trimPrefix: (prefix, value) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : text(value),
  trimSuffix: (suffix, value) =>
    text(suffix) !== '' && text(value).endsWith(text(suffix))
      ? text(value).slice(0, -text(suffix).length)
      : text(value),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => words(text(value)),
  untitle: (value) =>
    text(value).replaceAll(/(^|\s)(\p{L})/gu, (_, a: string, b: string) => a + b.toLowerCase()),
  swapcase: (value) =>
    Array.from(text(value))
      .map((char) => (char === char.toUpperCase() ? char.toLowerCase() : char.toUpperCase()))
      .join(''),
  snakecase: (value) => parts(value).join('_').toLowerCase(),
  kebabcase: (value) => parts(value).join('-').toLowerCase(),
  camelcase: (value) => parts(value).map(titled).join(''),
  repeat(times, value) {
    const size = count(times);
    if (size < 0 || size * text(value).length > 1_000_000) throw templateError('repeat is out of range');
    return text(value).repeat(size);
  },
  substr(start, end, value) {
    const bytes = Buffer.from(text(value));
    const [from, to] = [count(start), count(end)];
    if (from < 0) return bytes.subarray(0, Math.max(0, to)).toString('utf8');
    return bytes.subarray(from, to < 0 || to > bytes.length ? undefined : to).toString('utf8');
  },
  trunc: (size, value) => truncated(count(size), text(value)),
  abbrev(size, value) {
    const width = count(size);
    if (width < 4 || text(value).length <= width) return text(value);
    return `${text(value).slice(0, width - 3)}...`;
  },
  nospace: (value) => text(value).replaceAll(/\s/g, ''),
  initials: (value) =>
    text(value)
      .split(/\s+/)
      .map((word) => Array.from(word)[0] ?? '')
      .join(''),
  contains: (part, value) => text(value).includes(text(part)),
  hasPrefix: (prefix, value) => text(value).startsWith(text(prefix)),
  hasSuffix: (suffix, value) => text(value).endsWith(text(suffix)),
  quote: (...args) => each(args, quoted),
  squote: (...args) => each(args, (value) => `'${string(value)}'`),
  cat: (...args) => each(args, string),
  indent,
  nindent: (spaces, value) => `\n${indent(spaces, value)}`,
  replace: (before, after, value) => text(value).replaceAll(text(before), () => text(after)),
  plural: (one, many, size) => (count(size) === 1 ? text(one) : text(many)),
  toString: (value: Value) => string(value),
  toStrings: (value) => [...strings(value)],
  join: (separator, value) => strings(value).join(text(separator)),
  sortAlpha: (value) =>
    isList(value) ? strings(value).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0)) : [string(value)],
  splitList: (separator, value) => text(value).split(text(separator)),
  split: (separator, value) => numbered(text(value).split(text(separator))),
  splitn: (separator, size, value) => numbered(splitN(separator, count(size), value)),
  regexMatch: (pattern, value) => expression(pattern, '').test(text(value)),
  regexFind: (pattern, value) => expression(pattern, '').exec(text(value))?.[0] ?? '',
  regexFindAll(pattern, value, size) {
    const found = [...text(value).matchAll(expression(pattern))].map((match) => match[0]);
    return count(size) < 0 ? found : found.slice(0, count(size));
  },
  regexReplaceAll: replaced,
  regexReplaceAllLiteral: (pattern, value, replacement) =>
    text(value).replace(expression(pattern), () => text(replacement)),
  regexSplit(pattern, value, size) {
    const limit = count(size);
    if (limit === 0) return [];
    const found: string[] = [];
    let start = 0;
    for (const match of text(value).matchAll(expression(pattern))) {
      if (limit > 0 && found.length === limit - 1) break;
      if (match[0] === '' && match.index === 0) continue;
      found.push(text(value).slice(start, match.index));
      start = match.index + match[0].length;
    }
    return [...found, text(value).slice(start)];
  },
  regexQuoteMeta: (value) => text(value).replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`),
  b64enc: (value) => Buffer.from(text(value)).toString('base64'),
  b64dec: (value) => Buffer.from(text(value), 'base64').toString('utf8'),
  sha1sum: hash('sha1'),
  sha256sum: hash('sha256'),
  sha512sum: hash('sha512'),
  base: (value) => path.posix.basename(text(value)) || (text(value) === '' ? '.' : '/'),
  dir: (value) =>
    path.posix
      .normalize(text(value).slice(0, text(value).lastIndexOf('/') + 1) || '.')
      .replace(/(.)\/$/, '$1'),
  ext: (value) => /\.[^./]*$/.exec(text(value))?.[0] ?? '',
  clean: (value) => path.posix.normalize(text(value) || '.').replace(/(.)\/$/, '$1'),
  isAbs: (value) => text(value).startsWith('/'),
  fail(message) {
    throw templateError(text(message));
  },
};
