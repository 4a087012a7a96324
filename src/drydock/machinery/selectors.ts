import type { KubeObject } from '../api/contract.ts';
import { badRequest } from './status-errors.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels | undefined) => boolean;

export interface Requirement {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  readonly values: readonly string[];
}

const MAX_SELECTOR = 64 * 1024;
/** Of what is said of a selector that cannot be read. */
const MAX_MESSAGE = 1024;

const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX_PART = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

export const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
export const LABEL_KEY_MESSAGE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

export function isLabelKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash < 0) return NAME_PART.test(key);
  const prefix = key.slice(0, slash);
  return prefix.length <= 253 && PREFIX_PART.test(prefix) && NAME_PART.test(key.slice(slash + 1));
}

export function isLabelValue(value: string): boolean {
  return value === '' || NAME_PART.test(value);
}

const TOKEN = /\s*(!=|==|=|!|>|<|\(|\)|,|[^\s!=<>(),]+)/y;

function tokens(text: string): string[] {
  const found: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const match = TOKEN.exec(text);
    if (match === null) break;
    found.push(match[1] ?? '');
  }
  return found;
}

function refuse(why: string): never {
  throw badRequest(why.slice(0, MAX_MESSAGE));
}

function unparsable(why: string): never {
  refuse(`unable to parse requirement: ${why}`);
}

const OPERATORS: Readonly<Record<string, Requirement['operator']>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  '>': 'Gt',
  '<': 'Lt',
};
const SPECIAL = new Set(['!', '!=', '=', '==', '>', '<', '(', ')', ',']);

/**
 * `a=b,c!=d,e in (f,g),!h`. Throws 400 with what could not be read, in the words of apimachinery's pkg/labels, whose
 * parser this follows.
 */
export function parseLabelSelector(text: string): readonly Requirement[] {
  if (text.length > MAX_SELECTOR) throw badRequest('the label selector is too long');
  const words = tokens(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const peek = () => words[at] ?? '';
  const take = () => words[at++] ?? '';
  const isName = (word: string) => word !== '' && !SPECIAL.has(word);

  function key(): string {
    const word = take();
    if (!isName(word)) unparsable(`found '${word}', expected: identifier`);
    if (!isLabelKey(word)) unparsable(`<nil>: Invalid value: ${JSON.stringify(word)}: ${LABEL_KEY_MESSAGE}`);
    return word;
  }

  function list(): string[] {
    const open = take();
    if (open !== '(') unparsable(`found '${open}' expected: '('`);
    const first = peek();
    if (first === ')') {
      take();
      return [''];
    }
    if (!isName(first) && first !== ',') unparsable(`found '${first}', expected: ',', ')' or identifier`);
    const values = new Set<string>();
    for (let before = ','; ;) {
      const word = take();
      if (word === ')') {
        // What stands before and after a comma that has nothing there is the empty value.
        if (before === ',') values.add('');
        return [...values];
      }
      if (word === ',') {
        if (before === ',') values.add('');
      } else if (!isName(word)) {
        unparsable(`found '${word}', expected: ${before === ',' ? "',', or identifier" : "',' or ')'"}`);
      } else if (before !== ',') {
        unparsable(`found '${word}', expected: ',' or ')'`);
      } else {
        values.add(word);
      }
      before = word;
    }
  }

  function requirement(): Requirement {
    if (peek() === '!') {
      take();
      return { key: key(), operator: 'DoesNotExist', values: [] };
    }
    const name = key();
    const word = peek();
    if (word === '' || word === ',') return { key: name, operator: 'Exists', values: [] };
    const operator = Object.hasOwn(OPERATORS, word) ? OPERATORS[word] : undefined;
    if (operator === undefined) unparsable(`found '${word}', expected: in, notin, =, ==, !=, gt, lt`);
    take();
    const values =
      word === 'in' || word === 'notin' ? list() : [peek() === '' || peek() === ',' ? '' : take()];
    values.forEach((value, index) => {
      if (isLabelValue(value)) return;
      const problem = value.length > 63 ? 'must be no more than 63 characters' : LABEL_VALUE_MESSAGE;
      unparsable(`values[${index}][${name}]: Invalid value: ${JSON.stringify(value)}: ${problem}`);
    });
    if ((operator === 'Gt' || operator === 'Lt') && !/^-?\d+$/.test(values[0] ?? '')) {
      const shown = JSON.stringify(values[0] ?? '');
      unparsable(
        `values[0]: Invalid value: ${shown}: for 'Gt', 'Lt' operators, the value must be an integer`,
      );
    }
    return { key: name, operator, values };
  }

  while (at < words.length) {
    const start = peek();
    if (!isName(start) && start !== '!') {
      refuse(`found '${start}', expected: !, identifier, or 'end of string'`);
    }
    requirements.push(requirement());
    if (at >= words.length) break;
    const separator = take();
    if (separator !== ',') refuse(`found '${separator}', expected: ',' or 'end of string'`);
    const after = peek();
    if (!isName(after) && after !== '!') refuse(`found '${after}', expected: identifier after ','`);
  }
  return requirements;
}

function matches(requirement: Requirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
  switch (requirement.operator) {
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Gt':
    case 'Lt': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      const bound = Number(requirement.values[0]);
      return requirement.operator === 'Gt' ? Number(value) > bound : Number(value) < bound;
    }
    default:
      return requirement.operator satisfies never;
  }
}

const NO_LABELS: Labels = {};

export function labelMatcher(requirements: readonly Requirement[]): LabelMatcher {
  return (labels) => requirements.every((requirement) => matches(requirement, labels ?? NO_LABELS));
}

export interface FieldRequirement {
  readonly field: string;
  readonly negated: boolean;
  readonly value: string;
}

/** `metadata.name=x,status.phase!=Running`; backslashes escape `\`, `,` and `=`. Throws 400. */
export function parseFieldSelector(text: string): readonly FieldRequirement[] {
  if (text.length > MAX_SELECTOR) throw badRequest('the field selector is too long');
  const requirements: FieldRequirement[] = [];
  for (const part of text.split(/(?<!\\),/)) {
    if (part === '') continue;
    const match = /^([^=!]+?)(!=|==|=)(.*)$/s.exec(part);
    if (match === null)
      throw badRequest(`invalid selector: '${text.slice(0, 200)}'; can't understand '${part.slice(0, 200)}'`);
    const [, field = '', operator, value = ''] = match;
    if (/(?<!\\)(?:\\\\)*=/.test(value)) {
      throw badRequest(`invalid field selector: unescaped character in value: '='`);
    }
    requirements.push({
      field,
      negated: operator === '!=',
      value: value.replaceAll(/\\([\\,=])/g, '$1'),
    });
  }
  return requirements;
}

/** The value of a field that a selector may name; undefined when the kind does not offer that field. */
export type FieldReader = (object: KubeObject, field: string) => string | undefined;

export function metadataField(object: KubeObject, field: string): string | undefined {
  if (field === 'metadata.name') return object.metadata.name;
  if (field === 'metadata.namespace') return object.metadata.namespace ?? '';
  return undefined;
}
