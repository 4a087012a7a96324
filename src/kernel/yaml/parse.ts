import { EVENT_ID, SCALAR_STYLE, COLLECTION_STYLE, YAMLException, getScalarValue } from 'js-yaml';
import type { DocumentEvent, Event, MappingEvent, ScalarEvent, SequenceEvent } from 'js-yaml';
import { LandfallError } from '../errors.ts';
import { expandAliases } from './aliases.ts';
import { readEvents } from './events.ts';
import type { ReadEvents } from './events.ts';
import { YamlNode, tags } from './node.ts';
import type { YamlStyle } from './node.ts';
import { resolveTag } from './resolve.ts';
import type { YamlWords } from './resolve.ts';
import { parseSimpleYaml } from './simple.ts';
import { YamlSource } from './source.ts';

export interface YamlLimits {
  /** UTF-16 units of text. Default 32 Mi. */
  readonly maxLength?: number;
  /** Nesting of collections. Default 100. */
  readonly maxDepth?: number;
  /** Nodes that aliases may add to all documents together. Default 200,000. */
  readonly maxAliasNodes?: number;
  /**
   * Characters that are parsed again for lines inside of brackets and quotes that begin left of their key. Default
   * 4 Mi; with 0 such lines are refused.
   */
  readonly maxReread?: number;
}

export interface ParseYamlOptions {
  /** What messages call the text: its path. */
  readonly source: string;
  readonly limits?: YamlLimits;
  /** What `yes`, `on` and the like mean. Default `yaml-1.1`, as kubectl reads manifests. */
  readonly words?: YamlWords;
  /** A key that is written twice in one map is an error by default; `keep` leaves both, `last` the last one. */
  readonly duplicateKeys?: 'error' | 'keep' | 'last';
  /** After `...` only a document that begins with `---` is read, as Go's decoders do it. */
  readonly firstOnly?: boolean;
}

const styleNames: readonly YamlStyle[] = ['plain', 'plain', 'single', 'double', 'literal', 'folded'];

/**
 * All documents of a text; an empty document is left out. Aliases and merge keys are expanded. Throws
 * `invalid-input` with file, line and column for broken syntax, duplicate keys and everything over a limit.
 */
export function parseYamlDocuments(text: string, options: ParseYamlOptions): YamlNode[] {
  const source = new YamlSource(options.source, text.startsWith('\uFEFF') ? text.slice(1) : text);
  return parseYamlSource(source, options);
}

/** The same for a source that is at hand, so that several parses share its line table. */
export function parseYamlSource(source: YamlSource, options: Omit<ParseYamlOptions, 'source'>): YamlNode[] {
  const { limits = {}, words = 'yaml-1.1' } = options;
  const { maxLength = 32 * 1024 * 1024 } = limits;
  if (source.text.length > maxLength) {
    throw new LandfallError(
      `Reading ${source.name} was refused: it is ${source.text.length} characters long, and at most ${maxLength} are read.`,
      {
        kind: 'invalid-input',
        code: 'yaml-too-large',
        object: source.name,
        hint: 'Split the file.',
      },
    );
  }
  const simple = options.duplicateKeys === 'keep' ? parseSimpleYaml(source, words) : undefined;
  if (simple !== undefined) return simple;
  return parseAnyYaml(source, options);
}

/** What no YAML text holds, not even in a comment. */
const UNPRINTABLE = /[^\t\n\r\x20-\x7E\x85\xA0-\uFFFD]/;

/** With the whole parser, however simple the text is. */
export function parseAnyYaml(source: YamlSource, options: Omit<ParseYamlOptions, 'source'>): YamlNode[] {
  const { limits = {}, words = 'yaml-1.1' } = options;
  const { maxDepth = 100, maxAliasNodes = 200_000, maxReread = 4 * 1024 * 1024 } = limits;
  const unprintable = UNPRINTABLE.exec(source.text);
  if (unprintable !== null)
    throw yamlError(source, unprintable.index, 'control characters are not allowed', 'yaml-syntax');
  let read: ReadEvents;
  try {
    read = readEvents(source.text, maxDepth, maxReread);
  } catch (thrown) {
    throw syntaxError(source, thrown);
  }
  const builder = new TreeBuilder(source, read, words, options.duplicateKeys ?? 'error');
  const documents = builder.build(options.firstOnly === true ? startedOnly(read.events) : read.events);
  if (!builder.needsExpansion) return documents;
  const budget = { left: maxAliasNodes, limit: maxAliasNodes };
  return documents.map((document) => expandAliases(document, budget));
}

export function yamlError(source: YamlSource, offset: number, problem: string, code: string): LandfallError {
  const { line, column } = source.locate(Math.max(0, offset));
  const where = `${source.name}:${line}:${column}`;
  return new LandfallError(`${where}: ${problem}`, {
    kind: 'invalid-input',
    code,
    object: where,
    hint: 'Mend the file at that line and column.',
  });
}

function syntaxError(source: YamlSource, thrown: unknown): LandfallError {
  if (!(thrown instanceof YAMLException)) {
    return new LandfallError(`${source.name} could not be parsed as YAML.`, {
      kind: 'invalid-input',
      code: 'yaml-syntax',
      object: source.name,
      cause: thrown,
    });
  }
  return yamlError(source, thrown.mark?.position ?? 0, `not YAML: ${thrown.reason}`, 'yaml-syntax');
}

function startedOnly(events: readonly Event[]): readonly Event[] {
  let first = true;
  let skipping = false;
  if (!events.some((event) => event.type === EVENT_ID.DOCUMENT && event.explicitEnd)) return events;
  return events.filter((event) => {
    if (event.type === EVENT_ID.DOCUMENT) {
      skipping = !first && !event.explicitStart;
      first = false;
    }
    return !skipping;
  });
}

/** Turns the flat stream of events into nodes. */
class TreeBuilder {
  needsExpansion = false;
  private readonly source: YamlSource;
  private readonly text: string;
  private readonly original: ReadEvents['originalOffset'];
  private readonly words: YamlWords;
  private readonly duplicateKeys: 'error' | 'keep' | 'last';
  private anchors = new Map<string, YamlNode>();
  private handles: Record<string, string> = {};
  /** Where the last thing that has a place ended: what an empty scalar points to. */
  private last = 0;

  constructor(
    source: YamlSource,
    read: ReadEvents,
    words: YamlWords,
    duplicateKeys: 'error' | 'keep' | 'last',
  ) {
    this.source = source;
    this.text = read.text;
    this.original = read.originalOffset;
    this.words = words;
    this.duplicateKeys = duplicateKeys;
  }

  build(events: readonly Event[]): YamlNode[] {
    const documents: YamlNode[] = [];
    const open: YamlNode[] = [];
    let root: YamlNode | undefined;
    const add = (node: YamlNode) => {
      const parent = open.at(-1);
      if (parent === undefined) root ??= node;
      else parent.content.push(node);
    };
    let depth = 0;
    for (const event of events) {
      switch (event.type) {
        case EVENT_ID.DOCUMENT:
          this.anchors = new Map();
          this.handles = handlesOf(event);
          root = undefined;
          depth = 0;
          break;
        case EVENT_ID.SCALAR:
          add(this.scalar(event));
          break;
        case EVENT_ID.SEQUENCE:
        case EVENT_ID.MAPPING: {
          const node = this.collection(event);
          add(node);
          open.push(node);
          depth++;
          break;
        }
        case EVENT_ID.ALIAS:
          add(this.alias(event.anchorStart, event.anchorEnd));
          break;
        case EVENT_ID.POP: {
          if (depth === 0) {
            if (root !== undefined && !isEmptyDocument(root)) documents.push(root);
            break;
          }
          depth--;
          const closed = open.pop();
          if (this.duplicateKeys !== 'keep' && closed?.kind === 'map') this.checkDuplicates(closed);
          break;
        }
      }
    }
    return documents;
  }

  private scalar(event: ScalarEvent): YamlNode {
    const plain = event.style === SCALAR_STYLE.PLAIN;
    let value =
      event.valueStart < 0
        ? ''
        : event.fast
          ? this.text.slice(event.valueStart, event.valueEnd)
          : getScalarValue(this.text, event);
    const block = event.style === SCALAR_STYLE.LITERAL_BLOCK || event.style === SCALAR_STYLE.FOLDED_BLOCK;
    if (block && value.endsWith('\n') && event.valueEnd >= this.text.length && !this.text.endsWith('\n')) {
      value = value.slice(0, -1);
    }
    const offset = event.valueStart < 0 ? this.last : plain ? event.valueStart : event.valueStart - 1;
    if (event.valueEnd > this.last) this.last = event.valueEnd;
    let tag = '';
    let tagged = false;
    if (event.tagStart >= 0) {
      const written = this.tag(event.tagStart, event.tagEnd);
      if (written !== '!') {
        tag = written;
        tagged = true;
      } else tag = tags.str;
    }
    if (tag === '') {
      tag = plain ? (value === '<<' ? tags.merge : resolveTag(value, this.words)) : tags.str;
    }
    // A merge key may bring in a map that is written right there.
    if (tag === tags.merge) this.needsExpansion = true;
    const style = styleNames[event.style] ?? 'plain';
    const node = new YamlNode('scalar', tag, value, style, this.source, this.original(Math.max(0, offset)));
    node.tagged = tagged;
    this.name(node, event.anchorStart, event.anchorEnd);
    return node;
  }

  private collection(event: SequenceEvent | MappingEvent): YamlNode {
    const map = event.type === EVENT_ID.MAPPING;
    const style = event.style === COLLECTION_STYLE.FLOW ? 'flow' : 'block';
    const node = new YamlNode(
      map ? 'map' : 'seq',
      map ? tags.map : tags.seq,
      '',
      style,
      this.source,
      this.original(event.start),
    );
    if (event.start > this.last) this.last = event.start;
    if (event.tagStart >= 0) {
      const written = this.tag(event.tagStart, event.tagEnd);
      if (written !== '!') {
        node.tag = written;
        node.tagged = true;
      }
    }
    this.name(node, event.anchorStart, event.anchorEnd);
    return node;
  }

  private alias(start: number, end: number): YamlNode {
    const name = this.text.slice(start, end);
    const target = this.anchors.get(name);
    if (target === undefined) {
      throw yamlError(
        this.source,
        this.original(start),
        `the alias *${name} has no anchor before it`,
        'yaml-alias',
      );
    }
    this.needsExpansion = true;
    const node = new YamlNode('alias', '', name, 'plain', this.source, this.original(start));
    node.target = target;
    if (end > this.last) this.last = end;
    return node;
  }

  private name(node: YamlNode, start: number, end: number): void {
    if (start < 0) return;
    node.anchor = this.text.slice(start, end);
    this.anchors.set(node.anchor, node);
  }

  private tag(start: number, end: number): string {
    const raw = this.text.slice(start, end);
    if (raw === '!') return raw;
    let full = raw;
    if (raw.startsWith('!<') && raw.endsWith('>')) full = raw.slice(2, -1);
    else {
      const handleEnd = raw.indexOf('!', 1);
      const handle = handleEnd < 0 ? '!' : raw.slice(0, handleEnd + 1);
      const prefix = Object.hasOwn(this.handles, handle) ? this.handles[handle] : undefined;
      full = (prefix ?? handle) + raw.slice(handle.length);
    }
    return full.startsWith('tag:yaml.org,2002:') ? `!!${full.slice(18)}` : full;
  }

  private checkDuplicates(map: YamlNode): void {
    const { content } = map;
    if (content.length < 4) return;
    const seen = new Map<string, number>();
    for (let i = 0; i < content.length; i += 2) {
      const key = content[i];
      if (key === undefined || key.kind !== 'scalar') continue;
      const name = `${key.tag} ${key.value}`;
      const before = seen.get(name);
      if (before === undefined) {
        seen.set(name, i);
        continue;
      }
      if (this.duplicateKeys === 'error') {
        throw yamlError(
          this.source,
          key.offset,
          `the key '${key.value}' is already given in line ${content[before]?.line}`,
          'yaml-duplicate-key',
        );
      }
      const [, value] = content.splice(i, 2);
      if (value !== undefined) content.splice(before, 2, key, value);
      i -= 2;
    }
  }
}

function handlesOf(event: DocumentEvent): Record<string, string> {
  const handles: Record<string, string> = {};
  for (const directive of event.directives) {
    if (directive.kind === 'tag') handles[directive.handle] = directive.prefix;
  }
  return handles;
}

/** Nothing between two separators, or comments only. An explicit `null` is a document. */
function isEmptyDocument(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === '' && node.style === 'plain' && !node.tagged;
}
