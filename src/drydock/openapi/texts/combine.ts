const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/** Words with the white space before each. */
function spaced(text: string): { readonly space: string; readonly word: string }[] {
  return [...text.matchAll(/(\s*)(\S+)/g)].map(([, space = '', word = '']) => ({ space, word }));
}

/** What stood where there is only white space now: an empty line, a line of a list, or its continuation. */
function restored(space: string, word: string, shaped: string): string {
  if (space === '  ') return '\n\n';
  if (space === '   ') return '\n  ';
  return word === '-' && shaped.includes('\n- ') ? '\n' : space;
}

/**
 * One text from two that tell of the same field: the words of `exact`, which is of the right version and has lost its
 * line breaks (two spaces stand for an empty line), and the breaks of `shaped`, which is of the version after it.
 */
export function exactWords(exact: string, shaped: string): string {
  if (exact === '' || words(exact).join(' ') === words(shaped).join(' ')) return shaped;
  const wanted = spaced(exact);
  const known = spaced(shaped);
  let start = 0;
  while (start < wanted.length && wanted[start]?.word === known[start]?.word) start += 1;
  let end = 0;
  while (
    end < wanted.length - start &&
    end < known.length - start &&
    wanted[wanted.length - 1 - end]?.word === known[known.length - 1 - end]?.word
  ) {
    end += 1;
  }
  return wanted
    .map(({ space, word }, index) => {
      const beforeEnd = wanted.length - index;
      if (index < start) return `${known[index]?.space ?? space}${word}`;
      if (beforeEnd < end) return `${known[known.length - beforeEnd]?.space ?? space}${word}`;
      return `${restored(space, word, shaped)}${word}`;
    })
    .join('');
}

const ENUM_MARK = 'Possible enum values:';

/** The same for a text that may end in the list of a field's values, which the text of the right version lacks. */
export function exactText(exact: string, shaped: string): string {
  const at = shaped.indexOf(ENUM_MARK);
  if (at < 0) return exactWords(exact, shaped);
  const body = exactWords(exact, shaped.slice(0, at).trimEnd());
  return `${body}\n\n${shaped.slice(at)}`;
}
