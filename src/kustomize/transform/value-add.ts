import { LandfallError, YamlNode, parseYamlSource } from '../../kernel/index.ts';

import { Fields } from '../decode.ts';
import type { TextAt } from '../decode.ts';
import { textAt } from '../generate/args.ts';
import type { Loader } from '../loader.ts';
import { expectKind, newScalar, overwriteScalar } from '../nodes.ts';
import { kindFor } from '../path-matcher.ts';
import { ResMap } from '../res-map.ts';
import type { Resource } from '../resource.ts';
import { readSelector, select } from '../selector.ts';
import type { Selector } from '../selector.ts';

import { splitPath } from '../field-spec.ts';
import { namespaceTransformer } from './namespace.ts';
import type { Transformer } from './transformer.ts';

interface ValueTarget {
  readonly selector: Selector | undefined;
  readonly fieldPath: string;
  readonly position: number;
  readonly node: YamlNode;
}

interface ValueAdd {
  readonly value: TextAt;
  readonly targets: readonly ValueTarget[];
}

/** Source: plugin/builtin/valueaddtransformer. */
export async function loadValueAdd(fields: Fields, loader: Loader): Promise<ValueAdd> {
  const given = textAt(fields, 'value');
  const text = given?.text.trim() ?? '';
  const value = {
    text: text === '' ? (loader.root.split('/').at(-1) ?? '') : text,
    node: given?.node ?? fields.node,
  };
  const targets = fields.list('targets').map(readTarget);
  const file = fields.text('targetFilePath');
  if (file !== '') {
    const [document] = parseYamlSource(await loader.source(file), { words: 'yaml-1.1' });
    if (document !== undefined)
      targets.push(...new Fields(document, 'the target file', 'lenient').list('targets').map(readTarget));
  }
  if (targets.length === 0) throw refuse(fields.node, 'must specify at least one target');
  return { value, targets };
}

function readTarget(fields: Fields): ValueTarget {
  const selector = fields.fields('selector');
  const fieldPath = fields.text('fieldPath');
  if (fieldPath === '') throw refuse(fields.node, 'fieldPath cannot be empty');
  const position = fields.integer('filePathPosition') ?? 0;
  if (position < 0) throw refuse(fields.node, `value of FilePathPosition (${position}) cannot be negative`);
  return {
    selector: selector === undefined ? undefined : readSelector(selector),
    fieldPath,
    position,
    node: fields.node,
  };
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(`${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'plugin-config',
    object: node.where,
  });
}

export function valueAddTransformer(config: ValueAdd): Transformer {
  return {
    type: 'ValueAddTransformer',
    transform(map) {
      for (const target of config.targets) {
        const chosen =
          target.selector === undefined ? map.list : select(map.list, target.selector, target.node.where);
        if (target.fieldPath === 'metadata/namespace') setNamespaces(chosen, config.value);
        else for (const resource of chosen) addValue(resource, target, config.value);
      }
    },
  };
}

function setNamespaces(chosen: readonly Resource[], value: TextAt): void {
  for (const resource of chosen) {
    const alone = new ResMap(resource.context);
    alone.replaceAll([resource]);
    const before = resource.previous.copy();
    namespaceTransformer({ namespace: value, fields: [] }).transform(alone);
    resource.previous = before;
  }
}

function addValue(resource: Resource, target: ValueTarget, value: TextAt): void {
  const field = findOrMake(resource.node, splitPath(target.fieldPath));
  if (field === undefined) return;
  expectKind(field, 'scalar');
  const text = target.position > 0 ? insertPart(field.value, target.position - 1, value.text) : value.text;
  overwriteScalar(field, newScalar(text, '', value.node, 'valueAdd'));
  resource.touch();
}

function findOrMake(object: YamlNode, path: readonly string[]): YamlNode | undefined {
  let at = object;
  for (const [index, step] of path.entries()) {
    if (/^\d+$/.test(step)) {
      expectKind(at, 'seq');
      const item = at.content[Number(step)];
      if (item === undefined) return undefined;
      at = item;
      continue;
    }
    expectKind(at, 'map');
    let next = at.get(step);
    if (next === undefined) {
      const kind = kindFor(path[index + 1], 'scalar');
      next = new YamlNode(kind, '', '', kind === 'scalar' ? 'plain' : 'block');
      at.content.push(newScalar(step), next);
    }
    at = next;
  }
  return at;
}

/** Puts a part into a path; the first position is 0, and a leading slash stays where it is. */
function insertPart(path: string, position: number, part: string): string {
  if (part === '') return path;
  const absolute = path.startsWith('/');
  const parts = path.split('/').filter((each) => each !== '');
  parts.splice(Math.min(Math.max(position, 0), parts.length), 0, part);
  return (absolute ? '/' : '') + parts.join('/');
}
