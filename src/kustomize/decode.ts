import { LandfallError, nearest, scalarValue, tags } from '../kernel/index.ts';
import type { YamlNode } from '../kernel/index.ts';

/**
 * Reads the fields of a configuration as Go's JSON decoder does: names without regard to case where no exact one
 * is there, null as absent, and no conversion between kinds of scalars.
 */
export class Fields {
  readonly node: YamlNode;
  private readonly what: string;
  /** Names of fields that somebody asked for, by how they are compared. */
  private readonly asked = new Map<string, string>();

  private readonly mode: 'exact' | 'lenient';

  /** `lenient` takes numbers and booleans for texts where a text is wanted, as configurations of plugins are read. */
  constructor(node: YamlNode, what: string, mode: 'exact' | 'lenient' = 'exact') {
    if (node.kind !== 'map') throw wrong(node, what, 'a map');
    this.node = node;
    this.what = what;
    this.mode = mode;
  }

  at(name: string): YamlNode | undefined {
    this.asked.set(name.toLowerCase(), name);
    const exact = this.node.get(name);
    const found = exact ?? this.loosely(name.toLowerCase());
    return found === undefined || found.tag === tags.null ? undefined : found;
  }

  private loosely(name: string): YamlNode | undefined {
    const { content } = this.node;
    for (let i = 0; i < content.length; i += 2) {
      if (content[i]?.value.toLowerCase() === name) return content[i + 1];
    }
    return undefined;
  }

  text(name: string): string {
    const node = this.at(name);
    if (node === undefined) return '';
    return textOf(node, `${this.what}.${name}`, this.mode);
  }

  flag(name: string): boolean {
    const node = this.at(name);
    if (node === undefined) return false;
    const value = node.kind === 'scalar' ? scalarValue(node) : undefined;
    if (typeof value !== 'boolean') throw wrong(node, `${this.what}.${name}`, 'true or false');
    return value;
  }

  integer(name: string): number | undefined {
    const node = this.at(name);
    if (node === undefined) return undefined;
    const value = node.kind === 'scalar' ? scalarValue(node) : undefined;
    if (typeof value !== 'number' || !Number.isInteger(value)) {
      throw wrong(node, `${this.what}.${name}`, 'a whole number');
    }
    return value;
  }

  items(name: string): readonly YamlNode[] {
    const node = this.at(name);
    if (node === undefined) return [];
    if (node.kind !== 'seq') throw wrong(node, `${this.what}.${name}`, 'a list');
    return node.content;
  }

  /** Texts with the nodes that hold them. */
  texts(name: string): readonly TextAt[] {
    return this.items(name).map((node) => ({ text: textOf(node, `${this.what}.${name}`, this.mode), node }));
  }

  textMap(name: string): ReadonlyMap<string, TextAt> {
    const node = this.at(name);
    return node === undefined ? new Map() : textMapOf(node, `${this.what}.${name}`, this.mode);
  }

  fields(name: string): Fields | undefined {
    const node = this.at(name);
    return node === undefined ? undefined : new Fields(node, `${this.what}.${name}`, this.mode);
  }

  list(name: string): readonly Fields[] {
    return this.items(name).map((node) => new Fields(node, `${this.what}.${name}`, this.mode));
  }

  /** Refuses fields nobody asked for; configurations of plugins may have them, unless that is said. */
  strict(always = false): void {
    if (this.mode === 'lenient' && !always) return;
    const { content } = this.node;
    for (let i = 0; i < content.length; i += 2) {
      const key = content[i];
      if (key === undefined || this.asked.has(key.value.toLowerCase())) continue;
      const [near] = nearest(key.value, [...this.asked.values()]);
      throw new LandfallError(
        `${key.where}: ${this.what} has no field '${key.value}': unknown field "${key.value}".`,
        {
          kind: 'invalid-input',
          code: 'unknown-field',
          object: key.where,
          ...(near === undefined ? {} : { hint: `Did you mean ${near}?` }),
        },
      );
    }
  }
}

export interface TextAt {
  readonly text: string;
  readonly node: YamlNode;
}

export function textOf(node: YamlNode, what: string, mode: 'exact' | 'lenient' = 'exact'): string {
  if (node.tag === tags.null) return '';
  const value = node.kind === 'scalar' ? scalarValue(node) : undefined;
  if (typeof value !== 'string') {
    if (mode === 'lenient' && value !== undefined) return String(value);
    throw wrong(node, what, 'a text', node.kind === 'scalar' ? 'Put it in quotes.' : undefined);
  }
  return value;
}

function textMapOf(
  node: YamlNode,
  what: string,
  mode: 'exact' | 'lenient' = 'exact',
): ReadonlyMap<string, TextAt> {
  if (node.kind !== 'map') throw wrong(node, what, 'a map of texts');
  const map = new Map<string, TextAt>();
  for (let i = 0; i < node.content.length; i += 2) {
    const [key, value] = [node.content[i], node.content[i + 1]];
    if (key !== undefined && value !== undefined) {
      map.set(key.value, { text: textOf(value, `${what}.${key.value}`, mode), node: value });
    }
  }
  return map;
}

const kindWords = { map: 'a map', seq: 'a list', scalar: 'a value', alias: 'an alias' } as const;

function wrong(node: YamlNode, what: string, wanted: string, hint?: string): LandfallError {
  const found = node.kind === 'scalar' ? `${node.tag.replace('!!', '')} ${node.value}` : kindWords[node.kind];
  return new LandfallError(`${node.where}: ${what} has to be ${wanted}, and it is ${found}.`, {
    kind: 'invalid-input',
    code: 'wrong-type',
    object: node.where,
    ...(hint === undefined ? {} : { hint }),
  });
}
