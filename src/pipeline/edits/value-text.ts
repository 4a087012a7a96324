import { LandfallError, readsAsOther } from '../../kernel/index.ts';
import type { YamlNode, YamlStyle } from '../../kernel/index.ts';
import { pathText, type ValueStep } from './value-path.ts';

export interface ValueChange {
  /** Without byte order mark; empty for a file that is not there yet. */
  readonly text: string;
  readonly file: string;
  readonly path: readonly ValueStep[];
  readonly value: string;
}

/** A text as YAML: plain where that is the same text, else in quotes. */
export function valueText(value: string, flow: boolean, style?: YamlStyle): string {
  if (style === 'single' && !/[\r\n]/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  if (style === 'double') return JSON.stringify(value);
  const safe = /^[A-Za-z0-9_./][A-Za-z0-9_./@:+= -]*$/.test(value) && !/: |:$| $/.test(value);
  return safe && !readsAsOther(value) && !(flow && /:[,[\]{} ]/.test(value)) ? value : JSON.stringify(value);
}

/** Maps within maps down to the value, as lines. */
export function nested(
  path: readonly ValueStep[],
  value: string,
  indent: string,
  unit: string,
  ending: string,
): string {
  const [step, ...rest] = path;
  if (step === undefined) return valueText(value, false);
  const lead = step.kind === 'index' ? '- ' : `${valueText(step.key, false)}:`;
  if (rest.length === 0)
    return `${indent}${lead}${step.kind === 'index' ? '' : ' '}${valueText(value, false)}`;
  const inner = nested(rest, value, indent + unit, unit, ending);
  // The first field of an item stands behind its dash.
  if (step.kind === 'index')
    return `${indent}- ${nested(rest, value, `${indent}  `, unit, ending).trimStart()}`;
  return `${indent}${lead}${ending}${inner}`;
}

/** The same in braces. */
export function nestedFlow(path: readonly ValueStep[], value: string): string {
  const [step, ...rest] = path;
  if (step === undefined) return valueText(value, true);
  return step.kind === 'index'
    ? `[${nestedFlow(rest, value)}]`
    : `{${valueText(step.key, true)}: ${nestedFlow(rest, value)}}`;
}

export function refuse(change: ValueChange, why: string, at?: YamlNode): LandfallError {
  const where = at === undefined || at.where === '' ? change.file : at.where;
  return new LandfallError(`${where}: ${pathText(change.path)} cannot be set here: ${why}.`, {
    kind: 'invalid-input',
    code: 'value-not-editable',
    object: where,
    hint: 'Write it out in that place by hand, or name another path.',
  });
}
