/** A glob of gobwas/glob: `*` stops at the separator where there is one, `**` never does. */
export function globOf(pattern: string, separator: string): RegExp {
  const one = separator === '' ? '[^]' : `[^${separator.replaceAll(/[\\\]^]/g, String.raw`\$&`)}]`;
  let text = '';
  let depth = 0;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    const set = char === '[' ? /^\[(!?)([^\]]+)\]/.exec(pattern.slice(at)) : null;
    if (char === '*') {
      const double = pattern[at + 1] === '*';
      text += double ? '[^]*' : `${one}*`;
      if (double) at += 1;
    } else if (char === '?') text += one;
    else if (set !== null) {
      text += `[${set[1] === '!' ? '^' : ''}${(set[2] ?? '').replaceAll('\\', '\\\\')}]`;
      at += set[0].length - 1;
    } else if (char === '{') {
      depth += 1;
      text += '(?:';
    } else if (char === '}' && depth > 0) {
      depth -= 1;
      text += ')';
    } else if (char === ',' && depth > 0) text += '|';
    else if (char === '\\') {
      at += 1;
      text += (pattern[at] ?? '').replaceAll(/[.+^$()|[\]\\{}*?]/g, String.raw`\$&`);
    } else text += char.replaceAll(/[.+^$()|[\]\\{}]/g, String.raw`\$&`);
  }
  return new RegExp(`^${text}${')'.repeat(depth)}$`);
}
