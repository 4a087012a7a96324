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
const NAME_PART = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PREFIX_PART = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

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

function unparsable(text: string, why: string): never {
  throw badRequest(`unable to parse requirement: ${why} in "${text.slice(0, 200)}"`);
}

/** `a=b,c!=d,e in (f,g),!h`. Throws 400 with what could not be read. */
export function parseLabelSelector(text: string): readonly Requirement[] {
  if (text.length > MAX_SELECTOR) throw badRequest('the label selector is too long');
  const words = tokens(text);
  const requirements: Requirement[] = [];
  let at = 0;
  const next = () => words[at++];
  const key = () => {
    const word = next() ?? '';
    if (!isLabelKey(word)) unparsable(text, `found '${word}', expected: a label key`);
    return word;
  };
  const value = () => {
    const word = words[at];
    if (word === undefined || word === ',') return '';
    at++;
    if (!isLabelValue(word)) unparsable(text, `'${word}' is not a label value`);
    return word;
  };
  const valueList = () => {
    if (next() !== '(') unparsable(text, "expected: '('");
    const values: string[] = [];
    for (;;) {
      const word = next();
      if (word === ')') return values.length === 0 ? [''] : values;
      if (word === undefined) unparsable(text, "expected: ',' or ')'");
      if (word === ',') continue;
      if (!isLabelValue(word)) unparsable(text, `'${word}' is not a label value`);
      values.push(word);
    }
  };
  while (at < words.length) {
    if (words[at] === '!') {
      at++;
      requirements.push({ key: key(), operator: 'DoesNotExist', values: [] });
    } else {
      const name = key();
      const operator = words[at];
      if (operator === undefined || operator === ',') {
        requirements.push({ key: name, operator: 'Exists', values: [] });
      } else {
        at++;
        if (operator === '=' || operator === '==') {
          requirements.push({ key: name, operator: 'In', values: [value()] });
        } else if (operator === '!=') {
          requirements.push({ key: name, operator: 'NotIn', values: [value()] });
        } else if (operator === '>' || operator === '<') {
          const bound = value();
          if (!/^-?\d+$/.test(bound)) unparsable(text, `'${bound}' is not an integer`);
          requirements.push({ key: name, operator: operator === '>' ? 'Gt' : 'Lt', values: [bound] });
        } else if (operator === 'in' || operator === 'notin') {
          requirements.push({
            key: name,
            operator: operator === 'in' ? 'In' : 'NotIn',
            values: valueList(),
          });
        } else {
          unparsable(text, `found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
        }
      }
    }
    const separator = next();
    if (separator === undefined) break;
    if (separator !== ',') unparsable(text, `found '${separator}', expected: ',' or 'end of string'`);
    if (at >= words.length) unparsable(text, "found '', expected: identifier after ','");
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
