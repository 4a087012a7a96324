import { YamlNode, tags } from './node.ts';
import { resolveTag } from './resolve.ts';
import type { YamlWords } from './resolve.ts';
import type { YamlSource } from './source.ts';

/** Line ends and what is printed, without tabs, marks of byte order and line ends of other systems. */
const unusual = /[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;

const [newline, space, hash, dash, colon, quote, doubleQuote, backslash] = [10, 32, 35, 45, 58, 39, 34, 92];
const [openBrace, closeBrace, openBracket, closeBracket, comma, bar] = [123, 125, 91, 93, 44, 124];

/** Deeper than any manifest; what is deeper is left to the parser, which has a limit. */
const maxDepth = 50;

const keyStart = 1;
const keyPart = 2;
/** What characters may do. A plain text begins like a key, or with `/`, `+`, `(`; inside of one anything goes. */
const classes = new Uint8Array(128);
for (let code = 0; code < 128; code++) {
  const character = String.fromCharCode(code);
  if (/[A-Za-z0-9_.$]/.test(character)) classes[code] = keyStart | keyPart;
  else if (/[/-]/.test(character)) classes[code] = keyPart;
}

/** The text is not as simple as it looked. */
class NotSimple extends Error {}
const notSimple = new NotSimple();

/**
 * The documents of a text that is written as most manifests are: block maps and lists, keys without quotes, texts
 * that end where their line ends, literal blocks, and brackets that close in their line. Undefined for everything
 * else, which includes everything that is wrong: the parser then says what it is. What it gives is what the parser
 * gives, in a third of the time; a test compares the two.
 */
export function parseSimpleYaml(source: YamlSource, words: YamlWords): YamlNode[] | undefined {
  if (unusual.test(source.text)) return undefined;
  try {
    return new SimpleReader(source, words).documents();
  } catch (error) {
    if (error instanceof NotSimple) return undefined;
    throw error;
  }
}

class SimpleReader {
  private readonly source: YamlSource;
  private readonly text: string;
  private readonly words: YamlWords;
  /** Where the next thing to be read begins: the first character of a line that is neither blank nor a comment. */
  private at = 0;
  /** The column of `at`; -1 at the end of a document. */
  private indent = 0;
  private ended = false;
  private depth = 0;

  constructor(source: YamlSource, words: YamlWords) {
    this.source = source;
    this.text = source.text;
    this.words = words;
  }

  documents(): YamlNode[] {
    const documents: YamlNode[] = [];
    this.toContent(0);
    while (!this.ended) {
      if (this.indent >= 0) documents.push(this.block());
      if (this.indent >= 0) throw notSimple;
      if (!this.ended) this.toContent(this.at);
    }
    return documents;
  }

  /** Goes on to the next line that says something, from the start of a line. */
  private toContent(from: number): void {
    const { text } = this;
    let line = from;
    for (;;) {
      let at = line;
      while (text.charCodeAt(at) === space) at++;
      if (at >= text.length) {
        this.ended = true;
        this.indent = -1;
        this.at = text.length;
        return;
      }
      const code = text.charCodeAt(at);
      if (code === newline) line = at + 1;
      else if (code === hash) {
        const end = text.indexOf('\n', at);
        line = end < 0 ? text.length : end + 1;
      } else {
        if (at === line && this.isMarker(at)) return;
        this.at = at;
        this.indent = at - line;
        return;
      }
    }
  }

  /** `---` ends a document; what else stands in the first column and means something is not simple. */
  private isMarker(at: number): boolean {
    const { text } = this;
    const code = text.charCodeAt(at);
    if (code === 37 || text.startsWith('...', at)) throw notSimple;
    if (!text.startsWith('---', at)) return false;
    let end = at + 3;
    while (text.charCodeAt(end) === space) end++;
    if (end < text.length && text.charCodeAt(end) !== newline) throw notSimple;
    this.at = end + 1;
    this.indent = -1;
    return true;
  }

  private block(): YamlNode {
    if (++this.depth > maxDepth) throw notSimple;
    const node = this.isItem() ? this.list() : this.map();
    this.depth--;
    return node;
  }

  private isItem(): boolean {
    if (this.text.charCodeAt(this.at) !== dash) return false;
    const next = this.text.charCodeAt(this.at + 1);
    if (next === newline || Number.isNaN(next)) throw notSimple;
    return next === space;
  }

  private list(): YamlNode {
    const { indent } = this;
    const node = new YamlNode('seq', tags.seq, '', 'block', this.source, this.at);
    while (this.indent === indent && this.isItem()) {
      let at = this.at + 1;
      while (this.text.charCodeAt(at) === space) at++;
      this.indent += at - this.at;
      this.at = at;
      const code = this.text.charCodeAt(at);
      if (code === newline || code === hash || Number.isNaN(code)) throw notSimple;
      if (this.keyEnd() >= 0) node.content.push(this.mapInside());
      else node.content.push(this.value(indent));
    }
    if (this.indent > indent) throw notSimple;
    return node;
  }

  private mapInside(): YamlNode {
    if (++this.depth > maxDepth) throw notSimple;
    const node = this.map();
    this.depth--;
    return node;
  }

  private map(): YamlNode {
    const { indent, text } = this;
    const node = new YamlNode('map', tags.map, '', 'block', this.source, this.at);
    const { content } = node;
    while (this.indent === indent) {
      const end = this.keyEnd();
      if (end < 0) throw notSimple;
      content.push(this.plain(this.at, end));
      let at = end + 1;
      while (text.charCodeAt(at) === space) at++;
      const code = text.charCodeAt(at);
      if (code === newline || at >= text.length) {
        this.toContent(at + 1);
        if (this.indent > indent) content.push(this.block());
        else if (this.indent === indent && this.isItem()) content.push(this.block());
        else content.push(new YamlNode('scalar', tags.null, '', 'plain', this.source, end));
      } else {
        this.at = at;
        content.push(this.value(indent));
      }
    }
    if (this.indent > indent) throw notSimple;
    return node;
  }

  /** Where the key at `at` ends, before its colon; -1 where there is none. */
  private keyEnd(): number {
    const { text } = this;
    let end = this.at;
    if (((classes[text.charCodeAt(end)] ?? 0) & keyStart) === 0) return -1;
    while (((classes[text.charCodeAt(end)] ?? 0) & keyPart) !== 0) end++;
    if (text.charCodeAt(end) !== colon) return -1;
    const next = text.charCodeAt(end + 1);
    return next === space || next === newline || Number.isNaN(next) ? end : -1;
  }

  private plain(start: number, end: number): YamlNode {
    const value = this.text.slice(start, end);
    return new YamlNode('scalar', resolveTag(value, this.words), value, 'plain', this.source, start);
  }

  /** What stands behind a key or a dash; then goes on to the next line, which may not belong to it. */
  private value(parent: number): YamlNode {
    const { text, at } = this;
    const code = text.charCodeAt(at);
    let node: YamlNode;
    if (code === bar) return this.literal(parent);
    if (code === openBrace || code === openBracket) node = this.flow();
    else if (code === quote || code === doubleQuote) node = this.quoted(code);
    else node = this.line();
    let end = this.at;
    while (text.charCodeAt(end) === space) end++;
    if (end < text.length && text.charCodeAt(end) !== newline) throw notSimple;
    this.toContent(end + 1);
    if (this.indent > parent) throw notSimple;
    return node;
  }

  /** A text without quotes up to the end of its line. */
  private line(): YamlNode {
    const { text, at } = this;
    const first = text.charCodeAt(at);
    if (!isPlainStart(first) && !(first === dash && isPlainStart(text.charCodeAt(at + 1)))) throw notSimple;
    let end = at;
    let last = at;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code === newline || Number.isNaN(code)) break;
      if (code === colon) {
        const next = text.charCodeAt(end + 1);
        if (next === space || next === newline || Number.isNaN(next)) throw notSimple;
      } else if (code === hash && text.charCodeAt(end - 1) === space) throw notSimple;
      end++;
      if (code !== space) last = end;
    }
    this.at = end;
    return this.plain(at, last);
  }

  private quoted(mark: number): YamlNode {
    const { text, at } = this;
    let end = at + 1;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code === mark) break;
      if (code === newline || Number.isNaN(code) || code === backslash) throw notSimple;
      end++;
    }
    if (text.charCodeAt(end + 1) === mark) throw notSimple;
    this.at = end + 1;
    const style = mark === quote ? 'single' : 'double';
    return new YamlNode('scalar', tags.str, text.slice(at + 1, end), style, this.source, at);
  }

  /** Brackets that close in their line, with plain words and simple quotes in them. */
  private flow(): YamlNode {
    if (++this.depth > maxDepth) throw notSimple;
    const { text } = this;
    const isMap = text.charCodeAt(this.at) === openBrace;
    const close = isMap ? closeBrace : closeBracket;
    const node = new YamlNode(
      isMap ? 'map' : 'seq',
      isMap ? tags.map : tags.seq,
      '',
      'flow',
      this.source,
      this.at,
    );
    this.at++;
    this.skipSpaces();
    while (text.charCodeAt(this.at) !== close) {
      if (isMap) {
        const end = this.keyEnd();
        if (end < 0 || text.charCodeAt(end + 1) !== space) throw notSimple;
        node.content.push(this.plain(this.at, end));
        this.at = end + 1;
        this.skipSpaces();
      }
      node.content.push(this.flowValue());
      this.skipSpaces();
      const code = text.charCodeAt(this.at);
      if (code === comma) {
        this.at++;
        this.skipSpaces();
        if (text.charCodeAt(this.at) === close) throw notSimple;
      } else if (code !== close) throw notSimple;
    }
    this.at++;
    this.depth--;
    return node;
  }

  private flowValue(): YamlNode {
    const { text, at } = this;
    const code = text.charCodeAt(at);
    if (code === openBrace || code === openBracket) return this.flow();
    if (code === quote || code === doubleQuote) return this.quoted(code);
    if (!isPlainStart(code)) throw notSimple;
    let end = at + 1;
    while (((classes[text.charCodeAt(end)] ?? 0) & keyPart) !== 0) end++;
    this.at = end;
    return this.plain(at, end);
  }

  private skipSpaces(): void {
    while (this.text.charCodeAt(this.at) === space) this.at++;
  }

  /** `|` or `|-` and the lines that are indented more than what it belongs to. */
  private literal(parent: number): YamlNode {
    const { text, at } = this;
    let header = at + 1;
    const strip = text.charCodeAt(header) === dash;
    if (strip) header++;
    while (text.charCodeAt(header) === space) header++;
    if (text.charCodeAt(header) !== newline) throw notSimple;
    let line = header + 1;
    let first = line;
    while (text.charCodeAt(first) === space) first++;
    const width = first - line;
    // Blank lines in front, which may say something about the width.
    if (width <= parent || text.charCodeAt(first) === newline || first >= text.length) throw notSimple;
    const lines: string[] = [];
    let blank = 0;
    while (line < text.length) {
      let start = line;
      while (start < line + width && text.charCodeAt(start) === space) start++;
      let end = text.indexOf('\n', start);
      if (end < 0) end = text.length;
      if (start < line + width && end > start) break;
      if (end <= start) {
        if (start < line + width) blank++;
        else throw notSimple;
      } else {
        for (; blank > 0; blank--) lines.push('');
        lines.push(text.slice(start, end));
      }
      // Its last line break is the parser's affair where the text ends without one.
      if (end >= text.length) throw notSimple;
      line = end + 1;
    }
    const value = lines.join('\n') + (strip ? '' : '\n');
    this.toContent(line);
    if (this.indent > parent) throw notSimple;
    // The parser places a block where its header ends.
    return new YamlNode('scalar', tags.str, value, 'literal', this.source, header);
  }
}

function isPlainStart(code: number): boolean {
  return ((classes[code] ?? 0) & keyStart) !== 0 || code === 47 || code === 43 || code === 40;
}
