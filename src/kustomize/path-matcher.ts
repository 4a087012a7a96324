import { LandfallError, YamlNode, tags } from '../kernel/index.ts';
import { goRegExp } from './go-regexp.ts';
import { expectKind, isNullOrMissing, newScalar, place, setField } from './nodes.ts';

export type CreateKind = 'scalar' | 'map' | 'seq' | undefined;

/**
 * The nodes a replacement's path leads to: fields, `[name=value]` with a pattern as value, `*` for every item of a
 * list, and indexes. With `create`, what is missing is made. Source: kyaml's yaml/match.go.
 */
export function matchPath(node: YamlNode, path: readonly string[], create: CreateKind): YamlNode[] {
  const [step, ...rest] = path;
  if (step === undefined) return [node];
  if (/^[+-]?\d+$/.test(step) && Number(step) >= 0) return matchIndex(node, Number(step), rest, create);
  if (step.startsWith('[') && step.endsWith(']')) return matchItems(node, step, rest, create);
  if (step === '*') {
    return elements(node).flatMap((item) => matchPath(item, rest, create));
  }
  return matchField(node, step, rest, create);
}

function elements(node: YamlNode): readonly YamlNode[] {
  if (isNullOrMissing(node)) return [];
  expectKind(node, 'seq');
  return node.content;
}

/** What a step that is created has to be, by the step after it. */
export function kindFor(
  next: string | undefined,
  create: Exclude<CreateKind, undefined>,
): 'scalar' | 'map' | 'seq' {
  if (next === undefined || next === '') return create;
  if (next.startsWith('[') && next.endsWith(']')) return 'seq';
  return /^[+]?\d+$/.test(next) ? 'seq' : 'map';
}

function makeNode(next: string | undefined, create: Exclude<CreateKind, undefined>): YamlNode {
  const kind = kindFor(next, create);
  return new YamlNode(kind, '', '', kind === 'scalar' ? 'plain' : 'block');
}

function matchField(node: YamlNode, step: string, rest: readonly string[], create: CreateKind): YamlNode[] {
  if (isNullOrMissing(node)) return create === undefined ? [] : [];
  expectKind(node, 'map');
  let field = node.get(step);
  if (field === undefined) {
    if (create === undefined) return [];
    field = makeNode(rest[0], create);
    setField(node, step, field);
  }
  return matchPath(field, rest, create);
}

function matchIndex(node: YamlNode, index: number, rest: readonly string[], create: CreateKind): YamlNode[] {
  const items = elements(node);
  if (items.length === index && create !== undefined) node.content.push(makeNode(rest[0], create));
  const item = node.content[index];
  if (item === undefined) {
    throw new LandfallError(
      `index ${index} specified but only ${items.length} elements found${place(node)}`,
      {
        kind: 'invalid-input',
        code: 'path-index',
        object: node.where,
      },
    );
  }
  return matchPath(item, rest, create);
}

function matchItems(node: YamlNode, step: string, rest: readonly string[], create: CreateKind): YamlNode[] {
  const inner = step.slice(1, -1);
  const at = inner.indexOf('=');
  if (at < 0) {
    throw new LandfallError(
      `the path part ${step} has to be [field=value]: list path element must contain fieldName=fieldValue for element to match`,
      { kind: 'invalid-input', code: 'path-invalid', object: step },
    );
  }
  const [field, pattern] = [inner.slice(0, at), inner.slice(at + 1)];
  const expression = goRegExp(pattern, `the path part ${step}`);
  const find = () =>
    elements(node).flatMap((item) => {
      if (field === '') return expression.test(text(item)) ? [item] : [];
      if (item.kind !== 'map') return [];
      const value = item.get(field);
      return value !== undefined && expression.test(text(value)) ? matchPath(item, rest, create) : [];
    });
  const found = find();
  if (found.length > 0 || create === undefined) return found;
  expectKind(node, 'seq');
  if (field === '') node.content.push(newScalar(pattern));
  else {
    const item = new YamlNode('map', tags.map, '', 'block');
    item.content.push(newScalar(field), newScalar(pattern));
    node.content.push(item);
  }
  return find();
}

/** A value as it stands in YAML: quotes belong to it. */
function text(node: YamlNode): string {
  if (node.kind !== 'scalar') return '';
  if (node.style === 'double') return JSON.stringify(node.value);
  if (node.style === 'single') return `'${node.value.replaceAll("'", "''")}'`;
  return node.value.trim();
}
