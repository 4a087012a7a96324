import { tags } from './node.ts';
import { resolveTag } from './resolve.ts';

type OutputStyle = 'plain' | 'single' | 'double' | 'literal';

const base60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;
/** Most strings: a letter, then characters that mean nothing to YAML wherever they stand. */
const harmless = /^[A-Za-z_/][A-Za-z0-9_./@=+*()<>$^;~-]*$/;

/** Whether an unquoted text would be read as something else than a string, by YAML 1.1. */
export function readsAsOther(text: string): boolean {
  return resolveTag(text, 'yaml-1.1') !== tags.str || (text.includes(':') && base60.test(text));
}

interface Analysis {
  readonly multiline: boolean;
  readonly plain: boolean;
  readonly single: boolean;
  readonly block: boolean;
}

/** The style of a string in block context. Source: stringv in encode.go and the emitter of goyaml.v2. */
export function styleOf(text: string, isKey: boolean): OutputStyle {
  if (harmless.test(text)) return text.length > 5 ? 'plain' : readsAsOther(text) ? 'double' : 'plain';
  if (text === '') return 'double';
  const analysis = analyze(text);
  let style: OutputStyle = text.includes('\n') ? 'literal' : readsAsOther(text) ? 'double' : 'plain';
  if (isKey && analysis.multiline) style = 'double';
  if (style === 'plain' && !analysis.plain) style = 'single';
  if (style === 'single' && !analysis.single) style = 'double';
  if (style === 'literal' && (isKey || !analysis.block)) style = 'double';
  return style;
}

export function isBreak(unit: number): boolean {
  return unit === 10 || unit === 13 || unit === 0x85 || unit === 0x2028 || unit === 0x2029;
}

/** Tabs and characters beyond the basic plane are not: the original escapes them. */
export function isPrintable(unit: number): boolean {
  return (
    unit === 10 ||
    (unit >= 0x20 && unit <= 0x7e) ||
    (unit >= 0xa0 && unit <= 0xd7ff) ||
    (unit >= 0xe000 && unit <= 0xfffd && unit !== 0xfeff)
  );
}

function isBlank(unit: number): boolean {
  return unit === 32 || unit === 9;
}

function analyze(text: string): Analysis {
  let indicator = text.startsWith('---') || text.startsWith('...');
  let [breaks, special] = [false, false];
  let [leading, trailing, trailingSpace, breakSpace, spaceBreak] = [false, false, false, false, false];
  let afterBlank = true;
  let [previousSpace, previousBreak] = [false, false];
  const { length } = text;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (!indicator) {
      const beforeBlank = i + 1 >= length || isBlank(text.charCodeAt(i + 1));
      if (i === 0) {
        indicator =
          ',#[]{}&*!|>\'"%@`'.includes(text.charAt(0)) ||
          (beforeBlank && (unit === 63 || unit === 58 || unit === 45));
      } else if (unit === 58) indicator = beforeBlank;
      else if (unit === 35) indicator = afterBlank;
    }
    if (!isPrintable(unit)) special = true;
    if (unit === 32) {
      if (i === 0) leading = true;
      if (i === length - 1) {
        trailing = true;
        trailingSpace = true;
      }
      if (previousBreak) breakSpace = true;
      previousSpace = true;
      previousBreak = false;
    } else if (isBreak(unit)) {
      breaks = true;
      if (i === 0) leading = true;
      if (i === length - 1) trailing = true;
      if (previousSpace) spaceBreak = true;
      previousSpace = false;
      previousBreak = true;
    } else {
      previousSpace = false;
      previousBreak = false;
    }
    afterBlank = isBlank(unit) || isBreak(unit);
  }
  const odd = spaceBreak || special;
  return {
    multiline: breaks,
    plain: !(leading || trailing || breakSpace || odd || breaks || indicator),
    single: !(breakSpace || odd),
    block: !(trailingSpace || odd),
  };
}
