import { templateError } from './value.ts';

/** One operand with the fields that are read from it: `.a.b`, `$x.y`, `(pipeline).z`. */
export type Operand =
  | { readonly kind: 'dot'; readonly fields: readonly string[] }
  | { readonly kind: 'variable'; readonly name: string; readonly fields: readonly string[] }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'nil' }
  | { readonly kind: 'pipeline'; readonly pipeline: Pipeline; readonly fields: readonly string[] };

export interface Pipeline {
  readonly declares: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipeline: Pipeline }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' };

interface Token {
  readonly kind: 'field' | 'variable' | 'word' | 'text' | 'number' | 'char' | 'mark' | 'space';
  readonly text: string;
}

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly text: string };

const MAX_LENGTH = 256 * 1024;
const MAX_DEPTH = 100;

/** Go's text/template as it is written; refuses what defines or calls other templates. Source: text/template/parse. */
export function parseTemplate(text: string, isFunction: (name: string) => boolean): readonly Node[] {
  if (text.length > MAX_LENGTH) throw templateError(`The template is longer than ${MAX_LENGTH} characters.`);
  const reader = new Reader(piecesOf(text), isFunction);
  return reader.read();
}

/** Texts and actions, with `{{-` and `-}}` applied and comments gone. */
function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at < text.length) {
    const open = text.indexOf('{{', at);
    let plain = open < 0 ? text.slice(at) : text.slice(at, open);
    if (trimNext) plain = plain.replace(/^[ \t\r\n]+/, '');
    if (open < 0) {
      pieces.push({ kind: 'text', text: plain });
      break;
    }
    let start = open + 2;
    if (/^-[ \t\r\n]/.test(text.slice(start, start + 2))) {
      plain = plain.replace(/[ \t\r\n]+$/, '');
      start += 1;
    }
    if (plain !== '') pieces.push({ kind: 'text', text: plain });
    const comment = /^[ \t\r\n]?\/\*[^]*?\*\/([ \t\r\n]-)?\}\}/.exec(text.slice(start));
    if (comment !== null) {
      trimNext = comment[1] !== undefined;
      at = start + comment[0].length;
      continue;
    }
    const end = endOfAction(text, start);
    let inner = text.slice(start, end);
    trimNext = /[ \t\r\n]-$/.test(inner);
    if (trimNext) inner = inner.slice(0, -1);
    pieces.push({ kind: 'action', text: inner });
    at = end + 2;
  }
  return pieces;
}

/** Where the action's `}}` is: not inside of a text. */
function endOfAction(text: string, start: number): number {
  for (let at = start; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"' || char === "'" || char === '`') {
      at += 1;
      while (at < text.length && text[at] !== char) at += text[at] === '\\' && char !== '`' ? 2 : 1;
      if (at >= text.length) throw templateError('unterminated quoted string');
    } else if (text.startsWith('}}', at)) return at;
  }
  throw templateError('unclosed action');
}

function tokensOf(action: string): readonly Token[] {
  const tokens: Token[] = [];
  let rest = action;
  const rules: readonly (readonly [Token['kind'], RegExp])[] = [
    ['space', /^[ \t\r\n]+/],
    ['text', /^(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`)/],
    ['char', /^'(?:[^'\\\n]|\\.)+'/],
    ['number', /^[+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_])/u],
    ['field', /^\.[\p{L}_][\p{L}\p{N}_]*/u],
    ['variable', /^\$(?:[\p{L}_][\p{L}\p{N}_]*)?/u],
    ['word', /^[\p{L}_][\p{L}\p{N}_]*/u],
    ['mark', /^(?::=|[.=(),|])/],
  ];
  while (rest !== '') {
    const found = rules
      .map(([kind, rule]) => ({ kind, text: rule.exec(rest)?.[0] }))
      .find(({ text }) => text !== undefined);
    if (found?.text === undefined) {
      throw templateError(`unexpected ${JSON.stringify(rest[0] ?? '')} in the action {{${action}}}`);
    }
    tokens.push({ kind: found.kind, text: found.text });
    rest = rest.slice(found.text.length);
  }
  return tokens;
}

const REFUSED = new Set(['define', 'template', 'block']);

class Reader {
  private at = 0;
  private depth = 0;
  private loops = 0;
  private readonly scopes: string[][] = [['$']];

  private readonly pieces: readonly Piece[];
  private readonly isFunction: (name: string) => boolean;

  constructor(pieces: readonly Piece[], isFunction: (name: string) => boolean) {
    this.pieces = pieces;
    this.isFunction = isFunction;
  }

  read(): readonly Node[] {
    const { nodes, ended } = this.list();
    if (ended !== undefined) throw templateError(`unexpected {{${ended}}}`);
    return nodes;
  }

  /** Until `end` or `else` of the surrounding action. */
  private list(): { readonly nodes: readonly Node[]; readonly ended: string | undefined } {
    const nodes: Node[] = [];
    while (this.at < this.pieces.length) {
      const piece = this.pieces[this.at];
      this.at += 1;
      if (piece === undefined) break;
      if (piece.kind === 'text') {
        nodes.push(piece);
        continue;
      }
      const text = piece.text.trim();
      if (text === 'end' || text === 'else' || /^else[ \t\r\n]+(?:if|with)[ \t\r\n(]/.test(text)) {
        return { nodes, ended: text };
      }
      nodes.push(this.action(text));
    }
    return { nodes, ended: undefined };
  }

  private action(text: string): Node {
    const word = /^[a-z]+(?![\p{L}\p{N}_])/u.exec(text)?.[0];
    if (word !== undefined && REFUSED.has(word)) {
      throw templateError(`{{${word}}} is not supported: write the template in one piece`);
    }
    if (word === 'if' || word === 'with' || word === 'range')
      return this.block(word, text.slice(word.length));
    if ((word === 'break' || word === 'continue') && text === word) {
      if (this.loops === 0) throw templateError(`{{${word}}} outside {{range}}`);
      return { kind: word };
    }
    return { kind: 'action', pipeline: this.pipelineOf(text) };
  }

  private block(kind: 'if' | 'with' | 'range', text: string): Node {
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw templateError('the template nests too deep');
    this.scopes.push([]);
    const pipeline = this.pipelineOf(text, kind === 'range');
    if (kind === 'range') this.loops += 1;
    const body = this.list();
    if (kind === 'range') this.loops -= 1;
    let otherwise: readonly Node[] = [];
    const chained = /^else[ \t\r\n]+(if|with)([^]*)$/.exec(body.ended ?? '');
    if (chained !== null) {
      const inner = chained[1] === 'with' ? 'with' : 'if';
      if (kind === 'range' || inner !== kind)
        throw templateError(`unexpected {{else ${inner}}} in {{${kind}}}`);
      otherwise = [this.block(inner, chained[2] ?? '')];
    } else if (body.ended === 'else') {
      this.scopes.push([]);
      const rest = this.list();
      this.scopes.pop();
      if (rest.ended !== 'end') throw templateError(`{{${kind}}} has no {{end}}`);
      otherwise = rest.nodes;
    } else if (body.ended !== 'end') {
      throw templateError(`{{${kind}}} has no {{end}}`);
    }
    this.scopes.pop();
    this.depth -= 1;
    return { kind, pipeline, body: body.nodes, otherwise };
  }

  private pipelineOf(text: string, ranges = false): Pipeline {
    const tokens = tokensOf(text.trim());
    const cursor = { at: 0 };
    const pipeline = this.pipeline(tokens, cursor, ranges);
    if (cursor.at < tokens.length) {
      throw templateError(`unexpected ${JSON.stringify(tokens[cursor.at]?.text)} in {{${text.trim()}}}`);
    }
    return pipeline;
  }

  private pipeline(tokens: readonly Token[], cursor: { at: number }, ranges = false): Pipeline {
    const head = declaration(tokens, cursor, ranges);
    const commands: (readonly Operand[])[] = [];
    for (;;) {
      skip(tokens, cursor);
      const command = this.command(tokens, cursor);
      if (command.length === 0) throw templateError('missing value for command');
      const [first] = command;
      if (commands.length > 0 && first !== undefined && isConstant(first)) {
        throw templateError(`non executable command in pipeline stage ${commands.length + 1}`);
      }
      commands.push(command);
      skip(tokens, cursor);
      if (tokens[cursor.at]?.text !== '|') break;
      cursor.at += 1;
    }
    // A name is known after its own pipeline.
    if (!head.assigns) this.scopes.at(-1)?.push(...head.declares);
    else for (const name of head.declares) this.known(name);
    return { ...head, commands };
  }

  private known(name: string): void {
    if (!this.scopes.some((scope) => scope.includes(name)))
      throw templateError(`undefined variable "${name}"`);
  }

  private command(tokens: readonly Token[], cursor: { at: number }): readonly Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      skip(tokens, cursor);
      const operand = this.operand(tokens, cursor);
      if (operand === undefined) return operands;
      operands.push(operand);
      const next = tokens[cursor.at];
      if (next !== undefined && next.kind !== 'space' && next.text !== '|' && next.text !== ')') {
        throw templateError(`unexpected ${JSON.stringify(next.text)} in operand`);
      }
    }
  }

  private operand(tokens: readonly Token[], cursor: { at: number }): Operand | undefined {
    const token = tokens[cursor.at];
    if (token === undefined || token.text === ')' || token.text === '|') return undefined;
    cursor.at += 1;
    const fields = () => {
      const names: string[] = [];
      while (tokens[cursor.at]?.kind === 'field') {
        names.push((tokens[cursor.at]?.text ?? '').slice(1));
        cursor.at += 1;
      }
      return names;
    };
    switch (token.kind) {
      case 'field':
        return { kind: 'dot', fields: [token.text.slice(1), ...fields()] };
      case 'variable':
        this.known(token.text);
        return { kind: 'variable', name: token.text, fields: fields() };
      case 'text':
        return {
          kind: 'text',
          value: token.text.startsWith('`') ? token.text.slice(1, -1) : unquote(token.text),
        };
      case 'char':
        return { kind: 'int', value: BigInt(unquote(`"${token.text.slice(1, -1)}"`).codePointAt(0) ?? 0) };
      case 'number':
        return numberOf(token.text);
      case 'word':
        return this.wordOf(token.text);
      case 'mark':
        if (token.text === '.') return { kind: 'dot', fields: [] };
        if (token.text === '(') {
          const pipeline = this.pipeline(tokens, cursor);
          skip(tokens, cursor);
          if (tokens[cursor.at]?.text !== ')') throw templateError('unclosed left paren');
          cursor.at += 1;
          return { kind: 'pipeline', pipeline, fields: fields() };
        }
        throw templateError(`unexpected ${JSON.stringify(token.text)} in operand`);
      case 'space':
        return undefined;
      default:
        return token.kind satisfies never;
    }
  }

  private wordOf(word: string): Operand {
    if (word === 'true' || word === 'false') return { kind: 'bool', value: word === 'true' };
    if (word === 'nil') return { kind: 'nil' };
    if (!this.isFunction(word)) throw templateError(`function "${word}" not defined`);
    return { kind: 'function', name: word };
  }
}

function skip(tokens: readonly Token[], cursor: { at: number }): void {
  while (tokens[cursor.at]?.kind === 'space') cursor.at += 1;
}

/** `$x :=`, `$x =`, and for a range `$i, $x :=`. */
function declaration(
  tokens: readonly Token[],
  cursor: { at: number },
  ranges: boolean,
): { readonly declares: readonly string[]; readonly assigns: boolean } {
  const start = cursor.at;
  const names: string[] = [];
  for (;;) {
    skip(tokens, cursor);
    const token = tokens[cursor.at];
    if (token?.kind !== 'variable') break;
    names.push(token.text);
    cursor.at += 1;
    skip(tokens, cursor);
    const next = tokens[cursor.at]?.text;
    if (next === ':=' || next === '=') {
      cursor.at += 1;
      if (names.length > (ranges ? 2 : 1)) throw templateError('too many declarations');
      return { declares: names, assigns: next === '=' };
    }
    if (next !== ',') break;
    cursor.at += 1;
  }
  cursor.at = start;
  return { declares: [], assigns: false };
}

function isConstant(operand: Operand): boolean {
  return (
    ['text', 'int', 'float', 'bool', 'nil'].includes(operand.kind) ||
    (operand.kind === 'dot' && operand.fields.length === 0)
  );
}

function numberOf(text: string): Operand {
  const plain = text.replaceAll('_', '');
  const digits = plain.replace(/^[+-]/, '');
  if (/^(?:\d+|0[xX][0-9a-fA-F]+)$/.test(digits)) {
    const octal = /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
    const value = BigInt(octal);
    return { kind: 'int', value: plain.startsWith('-') ? -value : value };
  }
  return { kind: 'float', value: Number(plain) };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

function unquote(text: string): string {
  return text
    .slice(1, -1)
    .replaceAll(
      /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]))/g,
      (_, x?: string, u?: string, long?: string, octal?: string, plain?: string) => {
        const code = x ?? u ?? long;
        if (code !== undefined) return String.fromCodePoint(Number.parseInt(code, 16));
        if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
        const known = ESCAPES[plain ?? ''];
        if (known === undefined) throw templateError(`invalid syntax in the text ${text}`);
        return known;
      },
    );
}
