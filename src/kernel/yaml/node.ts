import type { YamlSource } from './source.ts';

export type YamlKind = 'map' | 'seq' | 'scalar' | 'alias';
export type YamlStyle = 'plain' | 'single' | 'double' | 'literal' | 'folded' | 'block' | 'flow';

/** Short tags as the YAML libraries of Kubernetes' tools name them. */
export const tags = {
  null: '!!null',
  bool: '!!bool',
  int: '!!int',
  float: '!!float',
  str: '!!str',
  timestamp: '!!timestamp',
  binary: '!!binary',
  merge: '!!merge',
  map: '!!map',
  seq: '!!seq',
} as const;

/** What scalars have for content: one list for all, that nobody can add to. */
const none: YamlNode[] = Object.freeze([]) as unknown as YamlNode[];

function cloneOf(node: YamlNode): YamlNode {
  return node.clone();
}

/**
 * One node of a document, with where it was written. Mutable: what transforms documents changes trees in place,
 * and leaves behind in `by` and `over` which step placed a node and what it stood in for.
 */
export class YamlNode {
  kind: YamlKind;
  /** `!!int` and the like; empty when nobody has decided, the text of a scalar then does. */
  tag: string;
  /** The text of a scalar, or the name of an alias. */
  value: string;
  style: YamlStyle;
  /** Whether the tag is written in the source. */
  tagged = false;
  /** Items of a sequence; key, value, key, value of a map. */
  content: YamlNode[];
  /** Few nodes have one: the field is there only when it is set. */
  declare anchor?: string;
  /** Of an alias only. */
  declare target?: YamlNode;
  source: YamlSource | undefined;
  offset: number;
  /** The step that placed this node where it is; undefined for a node that is as its file says. */
  by: string | undefined = undefined;
  /** What this node replaced, newest first. */
  over: YamlNode | undefined = undefined;

  constructor(
    kind: YamlKind,
    tag: string,
    value: string,
    style: YamlStyle,
    source?: YamlSource,
    offset = -1,
    content: YamlNode[] = kind === 'scalar' || kind === 'alias' ? none : [],
  ) {
    this.kind = kind;
    this.tag = tag;
    this.value = value;
    this.style = style;
    this.source = source;
    this.offset = offset;
    this.content = content;
  }

  /** 1-based; 0 when the node was made and not read. */
  get line(): number {
    return this.source === undefined || this.offset < 0 ? 0 : this.source.locate(this.offset).line;
  }

  get column(): number {
    return this.source === undefined || this.offset < 0 ? 0 : this.source.locate(this.offset).column;
  }

  /** `file:line:column`, as far as known. */
  get where(): string {
    if (this.source === undefined) return '';
    if (this.offset < 0) return this.source.name;
    const { line, column } = this.source.locate(this.offset);
    return `${this.source.name}:${line}:${column}`;
  }

  /** The value under `key`, of a map. The first one wins where a key is written twice. */
  get(key: string): YamlNode | undefined {
    if (this.kind !== 'map') return undefined;
    const { content } = this;
    for (let i = 0; i < content.length; i += 2) {
      if (content[i]?.value === key) return content[i + 1];
    }
    return undefined;
  }

  /** A deep copy with the same positions and history. */
  clone(): YamlNode {
    const copy = new YamlNode(
      this.kind,
      this.tag,
      this.value,
      this.style,
      this.source,
      this.offset,
      this.content.length === 0 ? undefined : this.content.map(cloneOf),
    );
    copy.tagged = this.tagged;
    if (this.anchor !== undefined) copy.anchor = this.anchor;
    if (this.target !== undefined) copy.target = this.target;
    copy.by = this.by;
    copy.over = this.over;
    return copy;
  }
}
