import { isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { WorldObject } from '../../verdict/index.ts';
import type { Block, TextLine } from '../block.ts';
import type { Reading } from '../facts.ts';
import { askedObjects, namespaceOf, outputOf, parseCommand } from './command.ts';
import { partialObject } from './objects.ts';

/** A path of a jsonpath expression as steps; filters and wildcards stand for the first item. */
function stepsOf(expression: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  for (const match of expression.matchAll(
    /\[(?:'([^']+)'|"([^"]+)"|(\d+)|[^\]]*)\]|\.?((?:\\.|[^.[\]\\])+)/g,
  )) {
    const [whole, single, double, index, name] = match;
    if (single !== undefined || double !== undefined) steps.push(single ?? double ?? '');
    else if (index !== undefined) steps.push(Number(index));
    else if (whole.startsWith('[')) steps.push(0);
    else if (name !== undefined && name !== '@' && name !== '$') steps.push(name.replaceAll(/\\(.)/g, '$1'));
  }
  return steps;
}

/** Puts a value at a path; lists are as long as the index needs. */
function put(at: JsonValue | undefined, path: readonly (string | number)[], value: JsonValue): JsonValue {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    const list = Array.isArray(at) ? [...at] : [];
    while (list.length < step) list.push({});
    list[step] = put(list[step], rest, value);
    return list;
  }
  const map: JsonObject = isJsonObject(at) ? at : {};
  return { ...map, [step]: put(map[step], rest, value) };
}

/** A value as its text reads: JSON where it is, a number or a word elsewhere. */
function valueOf(text: string): JsonValue {
  const trimmed = text.trim();
  if (/^[[{]/.test(trimmed)) {
    try {
      return JSON.parse(trimmed) as JsonValue;
    } catch {
      return trimmed;
    }
  }
  if (/^-?\d+$/.test(trimmed)) return Number(trimmed);
  return trimmed === 'true' ? true : trimmed === 'false' ? false : trimmed;
}

type Part = { readonly path: readonly (string | number)[] } | { readonly text: string };

/** The parts of `{.metadata.name}{"\t"}{.status.phase}`. */
function partsOf(template: string): readonly Part[] {
  const parts: Part[] = [];
  for (const match of template.matchAll(
    /\{\s*"((?:[^"\\]|\\.)*)"\s*\}|\{\s*'([^']*)'\s*\}|\{([^{}]*)\}|([^{}]+)/g,
  )) {
    const [, quoted, single, expression, literal] = match;
    const text = quoted ?? single ?? literal;
    if (text !== undefined) parts.push({ text: text.replaceAll('\\t', '\t').replaceAll('\\n', '\n') });
    else if (expression !== undefined) parts.push({ path: stepsOf(expression.trim()) });
  }
  return parts;
}

interface Template {
  /** Per line of output, when the template ranges over items. */
  readonly ranges: boolean;
  readonly paths: readonly (readonly (string | number)[])[];
}

function templateOf(expression: string): Template {
  const range = /\{\s*range\s+\.items\[\*\]\s*\}(.*?)\{\s*end\s*\}/s.exec(expression)?.[1];
  const parts = partsOf(range ?? expression);
  return { ranges: range !== undefined, paths: parts.flatMap((part) => ('path' in part ? [part.path] : [])) };
}

function columnsTemplate(spec: string): Template {
  const paths = spec.split(',').map((column) => stepsOf(column.slice(column.indexOf(':') + 1)));
  return { ranges: true, paths };
}

function isName(path: readonly (string | number)[]): boolean {
  return path.length === 2 && path[0] === 'metadata' && path[1] === 'name';
}

interface Asked {
  readonly kind: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
}

function objectFrom(
  block: Block,
  line: number,
  asked: Asked,
  paths: Template['paths'],
  words: readonly string[],
): WorldObject | undefined {
  let value: JsonValue = {};
  for (const [index, path] of paths.entries()) {
    const word = words[index];
    if (word !== undefined && word !== '<none>') value = put(value, path, valueOf(word));
  }
  if (!isJsonObject(value)) return undefined;
  const at = paths.findIndex(isName);
  const name = at < 0 ? asked.name : words[at];
  return name === undefined
    ? undefined
    : partialObject({
        artifact: block.artifact,
        line,
        kind: asked.kind,
        namespace: asked.namespace,
        name,
        value,
      });
}

/**
 * What `kubectl get -o jsonpath=` and `-o custom-columns=` print, by the paths that the command asks for. A range
 * gives one object for each line; a single expression one value of the object that is named.
 */
export function readJsonpath(block: Block): Reading | undefined {
  if (block.command === undefined) return undefined;
  const command = parseCommand(block.command);
  const output = outputOf(command);
  const expression = /^(?:jsonpath(?:-as-json)?|custom-columns)=?(.*)$/s.exec(output)?.[1];
  const { kinds, names } = askedObjects(command);
  const [kind] = kinds;
  if (expression === undefined || kind === undefined || kinds.length > 1) return undefined;
  const columns = output.startsWith('custom-columns');
  const template = columns ? columnsTemplate(expression) : templateOf(expression);
  const asked = { kind, name: names[0], namespace: namespaceOf(command) };
  const lines = block.lines.filter(({ text }) => text.trim() !== '');
  const told = columns && command.flags['no-headers'] === undefined ? lines.slice(1) : lines;
  if (template.paths.length === 0 || told.length === 0) return undefined;
  if (!template.ranges) {
    const [first] = told;
    const words =
      template.paths.length === 1
        ? [told.map(({ text }) => text).join('\n')]
        : told.flatMap(({ text }) => text.trim().split(/\s+/));
    const all = /\.items\[\*\]/.test(expression);
    // All values in one line say nothing of which object they are from.
    const object =
      first === undefined || all ? undefined : objectFrom(block, first.line, asked, template.paths, words);
    return object === undefined ? undefined : { facts: { live: [object] }, rest: [] };
  }
  const rest: TextLine[] = [];
  const live = told.flatMap((each) => {
    const { text, line } = each;
    const words = text.includes('\t') ? text.split('\t') : text.trim().split(columns ? /\s{2,}/ : /\s+/);
    const fitting = words.length === template.paths.length ? words : text.trim().split(/\s+/);
    const at = template.paths.findIndex(isName);
    // What follows the output without a prompt in between is no row of it.
    const fits =
      fitting.length <= template.paths.length &&
      (at < 0 || /^[a-z0-9][\w.-]*$/.test(fitting[at]?.trim() ?? ''));
    const object = fits ? objectFrom(block, line, asked, template.paths, fitting) : undefined;
    if (object === undefined) rest.push(each);
    return object ?? [];
  });
  return live.length === 0 ? undefined : { facts: { live }, rest };
}
