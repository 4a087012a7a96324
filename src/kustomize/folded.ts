/**
 * What becomes of a folded scalar (`>`) when the original writes it out and reads it again, which it does before
 * it prints an object: its writer puts an empty line in front of lines that are indented more, and the reader
 * keeps it. Source: yaml_emitter_write_folded_scalar and yaml_parser_scan_block_scalar of goyaml.v3.
 */
export function refold(value: string): string {
  if (!value.includes('\n')) return value;
  return readFolded(writeFolded(value), value);
}

function writeFolded(value: string): string[] {
  const start = /[^\n]/.exec(value)?.index ?? value.length;
  const startsBlank = /^[ \t\n]?$/.test(value.charAt(start));
  const lines = [''];
  let atBreak = true;
  let leadingBlank = true;
  for (const character of value) {
    if (character === '\n') {
      if (!atBreak && !leadingBlank && !startsBlank) lines.push('');
      lines.push('');
      atBreak = true;
      continue;
    }
    if (atBreak) leadingBlank = character === ' ' || character === '\t';
    lines[lines.length - 1] += character;
    atBreak = false;
  }
  return lines;
}

function readFolded(lines: readonly string[], value: string): string {
  let text = '';
  let leadingBreak = '';
  let trailingBreaks = '';
  let leadingBlank = false;
  for (const [index, line] of lines.entries()) {
    if (line === '') {
      if (index < lines.length - 1) trailingBreaks += '\n';
      continue;
    }
    const blank = line.startsWith(' ') || line.startsWith('\t');
    if (leadingBreak !== '' && !leadingBlank && !blank) {
      if (trailingBreaks === '') text += ' ';
    } else text += leadingBreak;
    text += trailingBreaks + line;
    trailingBreaks = '';
    leadingBlank = blank;
    leadingBreak = index < lines.length - 1 ? '\n' : '';
  }
  if (!value.endsWith('\n')) return text;
  text += leadingBreak;
  return value.endsWith('\n\n') || value === '\n' ? text + trailingBreaks : text;
}
