import { LandfallError, YamlNode } from '../../kernel/index.ts';
import type { RenderContext } from '../context.ts';
import { whereOf } from '../context.ts';
import { splitFieldPath } from '../field-spec.ts';
import { idLabel } from '../ids.ts';
import type { ResId } from '../ids.ts';
import { assign, isEmpty, markTree, place } from '../nodes.ts';
import { lookupPath } from '../path-lookup.ts';
import { matchPath } from '../path-matcher.ts';
import type { CreateKind } from '../path-matcher.ts';
import type { ResMap } from '../res-map.ts';
import type { Resource } from '../resource.ts';
import { idSelectedBy, matchesMeta, selectorText } from '../selector.ts';
import type { Selector } from '../selector.ts';
import type { FieldOptions, Replacement, ReplacementTarget } from './replacement-config.ts';
import type { Transformer } from './transformer.ts';

/** Copies a value of one object into fields of others. Source: api/filters/replacement. */
export function replacementTransformer(
  replacements: readonly Replacement[],
  context: RenderContext,
): Transformer {
  return {
    type: 'ReplacementTransformer',
    transform(map) {
      for (const replacement of replacements) apply(map, replacement, context);
    },
  };
}

function apply(map: ResMap, replacement: Replacement, context: RenderContext): void {
  const { source, targets, node } = replacement;
  if (source === undefined || targets === undefined) {
    throw refuse(node, 'replacements must specify a source and at least one target');
  }
  const value = sourceValue(map, source, node);
  for (const target of targets) {
    const count = applyTo(map, target, value);
    if (count > 0) continue;
    context.find({
      kind: 'no-match',
      message: `A replacement changes nothing: no object matches ${target.select === undefined ? '' : selectorText(target.select)}.`,
      ...whereOf(target.node),
    });
  }
}

function sourceValue(map: ResMap, source: NonNullable<Replacement['source']>, node: YamlNode): YamlNode {
  const matches = map.list.filter((resource) =>
    idsOf(resource).some((id) => idSelectedBy(id, source.selector)),
  );
  const [only, another] = matches;
  if (another !== undefined)
    throw refuse(node, `multiple matches for selector ${selectorText(source.selector)}`);
  if (only === undefined) throw refuse(node, `nothing selected by ${selectorText(source.selector)}`);
  const field = lookupPath(only.node, splitFieldPath(source.fieldPath), node);
  if (field === undefined || isEmpty(field)) {
    throw refuse(
      node,
      `fieldPath \`${source.fieldPath}\` is missing for replacement source ${idLabel(only.id)}`,
    );
  }
  return refine(source.options, field, node);
}

/** A replacement goes by every id an object has or had; here none of them knows about cluster scope. */
function idsOf(resource: Resource): ResId[] {
  return [{ ...resource.id, clusterScoped: false }, ...resource.previousIds];
}

function refine(options: FieldOptions | undefined, field: YamlNode, cause: YamlNode): YamlNode {
  if (options === undefined || options.delimiter === '') return field;
  if (field.kind !== 'scalar') throw refuse(cause, 'delimiter option can only be used with scalar nodes');
  const parts = field.value.split(options.delimiter);
  const part = options.index < 0 ? undefined : parts[options.index];
  if (part === undefined) {
    throw refuse(cause, `options.index ${options.index} is out of bounds for value ${field.value}`);
  }
  const value = field.clone();
  value.value = part;
  return value;
}

function applyTo(map: ResMap, target: ReplacementTarget, value: YamlNode): number {
  const { select } = target;
  if (select === undefined) throw refuse(target.node, 'target must specify resources to select');
  const { where } = target.node;
  let count = 0;
  for (const resource of map.list) {
    if (!matchesMeta(resource, select, where)) continue;
    if (target.reject.some((reject) => hasMetaSelector(reject) && matchesMeta(resource, reject, where)))
      continue;
    const ids = idsOf(resource);
    if (!ids.some((id) => idSelectedBy(id, select))) continue;
    if (target.reject.some((reject) => !isBlank(reject) && ids.some((id) => idSelectedBy(id, reject))))
      continue;
    count++;
    copyTo(resource, value, target);
    resource.touch();
  }
  return count;
}

function hasMetaSelector(selector: Selector): boolean {
  return selector.annotationSelector !== '' || selector.labelSelector !== '';
}

function isBlank(selector: Selector): boolean {
  const { group, version, kind, name, namespace } = selector;
  return group + version + kind + name + namespace === '';
}

function copyTo(resource: Resource, value: YamlNode, target: ReplacementTarget): void {
  const create: CreateKind =
    target.options?.create === true ? (value.kind === 'alias' ? undefined : value.kind) : undefined;
  for (const path of target.fieldPaths) {
    let fields: YamlNode[];
    try {
      fields = matchPath(resource.node, splitFieldPath(path), create);
    } catch (error) {
      if (!(error instanceof LandfallError)) throw error;
      throw refuse(target.node, `${unfound(path, create)} ${idLabel(resource.id)}: ${error.message}`);
    }
    if (fields.length === 0) {
      throw refuse(target.node, `${unfound(path, create)} ${idLabel(resource.id)}${place(resource.node)}`);
    }
    for (const field of fields) setValue(target, field, value);
  }
}

function unfound(path: string, create: CreateKind): string {
  return create === undefined
    ? `unable to find field "${path}" in replacement target`
    : `unable to find or create field "${path}" in replacement target`;
}

function setValue(target: ReplacementTarget, field: YamlNode, value: YamlNode): void {
  const { options } = target;
  const copy = value.clone();
  if (options !== undefined && options.delimiter !== '') {
    if (field.kind !== 'scalar')
      throw refuse(target.node, 'delimiter option can only be used with scalar nodes');
    const parts = field.value.split(options.delimiter);
    if (options.index < 0) parts.unshift(value.value);
    else if (options.index >= parts.length) parts.push(value.value);
    else parts[options.index] = value.value;
    copy.value = parts.join(options.delimiter);
  }
  if (field.kind === 'scalar') {
    // Only the text is copied: type and quotes of the target stay.
    const text = new YamlNode('scalar', field.tag, copy.value, field.style, value.source, value.offset);
    text.tagged = field.tagged;
    text.by = 'replacements';
    assign(field, text);
  } else assign(field, markTree(copy, 'replacements'));
}

function refuse(node: YamlNode, problem: string): LandfallError {
  return new LandfallError(node.where === '' ? problem : `${node.where}: ${problem}`, {
    kind: 'invalid-input',
    code: 'replacement-invalid',
    object: node.where,
  });
}
