import { compilePattern, type Pattern } from './pattern/index.ts';

/**
 * A shell pattern as Go's path/filepath matches it: `*` and `?` stop at a slash, `[a-z]` and `[^a-z]` are sets, a
 * backslash takes the next character as it is. One that is malformed matches nothing, as in Argo CD Image Updater.
 */
export function compileGlob(glob: string, where: string): Pattern {
  let source = '^';
  for (let at = 0; at < glob.length; at += 1) {
    const character = glob[at] ?? '';
    if (character === '*') source += '[^/]*';
    else if (character === '?') source += '[^/]';
    else if (character === '\\') {
      at += 1;
      source += quote(glob[at] ?? '\\');
    } else if (character === '[') {
      const set = /^\[\^?(?:[^\]\\]|\\.)+\]/.exec(glob.slice(at))?.[0];
      if (set === undefined) return nothing(glob);
      source += set.replaceAll(/\[(?=.)/g, (whole, offset: number) => (offset === 0 ? whole : '\\['));
      at += set.length - 1;
    } else source += quote(character);
  }
  try {
    return compilePattern(`${source}$`, where);
  } catch {
    return nothing(glob);
  }
}

function quote(character: string): string {
  return /[\w-]/.test(character) ? character : `\\${character}`;
}

function nothing(glob: string): Pattern {
  return { source: glob, test: () => false, match: () => undefined };
}
