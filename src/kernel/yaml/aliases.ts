import { LandfallError } from '../errors.ts';
import { tags } from './node.ts';
import type { YamlNode } from './node.ts';

interface AliasBudget {
  left: number;
  readonly limit: number;
}

/**
 * Replaces every alias by a copy of what it names and every merge key by the fields it brings; fields that are
 * written win over merged ones. Source: deAnchor of kyaml's rnode.go.
 */
export function expandAliases(node: YamlNode, budget: AliasBudget, open = new Set<YamlNode>()): YamlNode {
  if (node.kind === 'scalar') {
    if (node.anchor !== undefined) delete node.anchor;
    return node;
  }
  if (node.kind === 'alias') {
    const { target } = node;
    if (target === undefined) return node;
    if (open.has(target)) {
      throw refuse(node, `the alias *${node.value} is inside of what it names`, 'yaml-alias-cycle');
    }
    open.add(target);
    const expanded = expandAliases(target, budget, open);
    open.delete(target);
    return copy(expanded, node, budget);
  }
  open.add(node);
  if (node.kind === 'map') mergeFields(node, budget, open);
  const { content } = node;
  for (let i = 0; i < content.length; i++) {
    const child = content[i];
    if (child !== undefined) content[i] = expandAliases(child, budget, open);
  }
  open.delete(node);
  if (node.anchor !== undefined) delete node.anchor;
  return node;
}

function copy(node: YamlNode, alias: YamlNode, budget: AliasBudget): YamlNode {
  charge(node, alias, budget);
  return node.clone();
}

function charge(node: YamlNode, alias: YamlNode, budget: AliasBudget): void {
  if (--budget.left < 0) {
    throw refuse(alias, `aliases add more than ${budget.limit} nodes`, 'yaml-alias-limit');
  }
  for (const child of node.content) charge(child, alias, budget);
}

function mergeFields(map: YamlNode, budget: AliasBudget, open: Set<YamlNode>): void {
  const at = map.content.findIndex((key, index) => index % 2 === 0 && key.tag === tags.merge);
  if (at < 0) return;
  const [key, value] = map.content.splice(at, 2);
  if (key === undefined || value === undefined) return;
  if (map.content.some((other, index) => index % 2 === 0 && other.tag === tags.merge)) {
    throw refuse(key, 'there is more than one merge key in this map', 'yaml-merge');
  }
  const merged: YamlNode[] = [];
  const set = (name: YamlNode, field: YamlNode) => {
    for (let i = 0; i < merged.length; i += 2) {
      if (merged[i]?.value === name.value) {
        merged[i + 1] = field;
        return;
      }
    }
    merged.push(name, field);
  };
  const own = map.content;
  const placed = new Set(own.filter((_, index) => index % 2 === 0).map((name) => name.value));
  // Later sources of a list have less to say: the list is walked from its end.
  for (const from of sourcesOf(value)) {
    if (open.has(from))
      throw refuse(value, 'the merge key brings in a map that it is part of', 'yaml-alias-cycle');
    const whole = copy(expandAliases(from, budget, open), value, budget);
    for (let i = 0; i < whole.content.length; i += 2) {
      const [name, field] = [whole.content[i], whole.content[i + 1]];
      if (name !== undefined && field !== undefined && !placed.has(name.value)) set(name, field);
    }
  }
  map.content = [...own, ...merged];
}

function sourcesOf(value: YamlNode): YamlNode[] {
  if (value.kind === 'map') return [value];
  if (value.kind === 'alias') {
    if (value.target?.kind !== 'map') {
      throw refuse(value, 'a merge key takes a map, and this alias names something else', 'yaml-merge');
    }
    return [value.target];
  }
  if (value.kind === 'seq') {
    const found: YamlNode[] = [];
    for (const item of value.content) {
      if (item.kind === 'seq')
        throw refuse(item, 'a merge key takes a list of maps, not of lists', 'yaml-merge');
      found.unshift(...sourcesOf(item));
    }
    return found;
  }
  throw refuse(value, 'a merge key takes a map or a list of maps', 'yaml-merge');
}

function refuse(node: YamlNode, problem: string, code: string): LandfallError {
  return new LandfallError(`${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code,
    object: node.where,
  });
}
