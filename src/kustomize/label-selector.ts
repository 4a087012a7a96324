import { LandfallError } from '../kernel/index.ts';

export type LabelMatcher = (labels: ReadonlyMap<string, string>) => boolean;

/**
 * A label selector as kubectl takes it: `app=web,tier!=cache,env in (dev,prod),!legacy,n>3`.
 * Source: labels/selector.go of apimachinery.
 */
export function labelSelector(text: string, where: string): LabelMatcher {
  const tests = splitRequirements(text).map((part) => requirement(part.trim(), where));
  return (labels) => tests.every((test) => test(labels));
}

function splitRequirements(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let current = '';
  for (const character of text) {
    if (character === '(') depth++;
    if (character === ')') depth--;
    if (character === ',' && depth === 0) {
      parts.push(current);
      current = '';
    } else current += character;
  }
  parts.push(current);
  return parts;
}

const keyForm =
  /^(?:[a-z0-9A-Z](?:[-a-z0-9A-Z.]*[a-z0-9A-Z])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;

function requirement(text: string, where: string): LabelMatcher {
  const refuse = (problem: string) =>
    new LandfallError(`${where}: '${text}' is not a label selector: ${problem}`, {
      kind: 'invalid-input',
      code: 'label-selector',
      object: where,
    });
  const checked = (key: string) => {
    if (!keyForm.test(key)) throw refuse(`'${key}' is not a label's key`);
    return key;
  };
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const key = checked(set[1] ?? '');
    const values = new Set((set[3] ?? '').split(',').map((value) => value.trim()));
    return set[2] === 'in'
      ? (labels) => labels.has(key) && values.has(labels.get(key) ?? '')
      : (labels) => !labels.has(key) || !values.has(labels.get(key) ?? '');
  }
  const compare = /^([^=!<>]+?)\s*(==|=|!=|<|>)\s*(.*)$/.exec(text);
  if (compare !== null) {
    const key = checked((compare[1] ?? '').trim());
    const value = (compare[3] ?? '').trim();
    switch (compare[2] ?? '') {
      case '!=':
        return (labels) => labels.get(key) !== value;
      case '<':
      case '>': {
        const bound = Number(value);
        if (!Number.isInteger(bound)) throw refuse(`'${value}' is not a whole number`);
        const more = compare[2] === '>';
        return (labels) => {
          const own = Number(labels.get(key) ?? Number.NaN);
          return Number.isInteger(own) && (more ? own > bound : own < bound);
        };
      }
      default:
        return (labels) => labels.get(key) === value;
    }
  }
  if (text.startsWith('!')) {
    const key = checked(text.slice(1).trim());
    return (labels) => !labels.has(key);
  }
  const key = checked(text);
  return (labels) => labels.has(key);
}
