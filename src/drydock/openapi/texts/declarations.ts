/** What one declaration file says of a type: its own text and those of its properties. */
export interface Declaration {
  readonly text: string;
  readonly properties: ReadonlyMap<string, DeclaredProperty>;
}

export interface DeclaredProperty {
  readonly text: string;
  /** The values of a closed set of strings, where the declaration has one. */
  readonly values: readonly string[];
  /** The type as it is written. */
  readonly type: string;
}

const COMMENT = String.raw`/\*\*\n((?:[ ]*\*(?: .*|)\n)*?)[ ]*\*/\n`;

/** The lines of a comment without its frame, in which what could end it stands escaped. */
function commentText(lines: string): string {
  return lines
    .split('\n')
    .map((line) => line.replace(/^ *\* ?/, ''))
    .join('\n')
    .replaceAll('*\\/', '*/')
    .replaceAll('\\*', '*')
    .trim();
}

function closedSet(type: string): string[] {
  const values = type.replace(/^Array<(.*)>$/, '$1').split(' | ');
  return values.every((value) => /^"[^"]*"$/.test(value)) ? values.map((value) => value.slice(1, -1)) : [];
}

/** Reads a file of `kubernetes-models`: one interface, each property below a comment. */
export function readModel(source: string): Declaration {
  const [head = ''] = source.split('\nexport declare class ', 1);
  const own = new RegExp(`^${COMMENT}export (?:interface|declare type) `, 'm').exec(head);
  const properties = new Map<string, DeclaredProperty>();
  const property = new RegExp(`^[ ]{4}${COMMENT}[ ]{4}"([^"]+)"\\??: ([^;{]*)`, 'gm');
  for (const [, lines = '', name = '', type = ''] of head.matchAll(property)) {
    properties.set(name, { text: commentText(lines), values: closedSet(type), type });
  }
  return { text: commentText(own?.[1] ?? ''), properties };
}

/** A backslash stands before each character that the generator of the client took for special. */
function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1').replaceAll('*_/', '*/').replaceAll('/_*', '/*').trim();
}

/** Reads a file of the official client: one class; its texts have lost their line breaks. */
export function readClientModel(source: string): Declaration {
  const own = /^\/\*\*\n\* (.*)\n\*\/\nexport declare class /m.exec(source);
  const properties = new Map<string, DeclaredProperty>();
  for (const [, text = '', name = '', type = ''] of source.matchAll(
    /^ {4}\/\*\*\n {4}\* (.*)\n {4}\*\/\n {4}'_?([^']+)'\??: ([^;{]*)/gm,
  )) {
    properties.set(name, { text: unescaped(text), values: [], type });
  }
  return { text: unescaped(own?.[1] ?? ''), properties };
}

/** The comment of one exported type in a file that has several. */
export function readTypeComment(source: string, name: string): string {
  const found = new RegExp(`${COMMENT}export (?:type|interface) ${name}\\b`).exec(source);
  return commentText(found?.[1] ?? '');
}
