import type { YamlNode } from '../../kernel/index.ts';
import type { Fields, TextAt } from '../decode.ts';

export interface GeneratorOptions {
  readonly labels: ReadonlyMap<string, TextAt>;
  readonly annotations: ReadonlyMap<string, TextAt>;
  readonly disableNameSuffixHash: boolean;
  readonly immutable: YamlNode | undefined;
}

/** What `configMapGenerator` and `secretGenerator` take. Source: api/types/generatorargs.go. */
export interface GeneratorArgs {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly name: TextAt;
  readonly namespace: TextAt | undefined;
  readonly behavior: string;
  readonly literals: readonly TextAt[];
  readonly files: readonly TextAt[];
  readonly envs: readonly TextAt[];
  readonly options: GeneratorOptions | undefined;
  readonly type: TextAt | undefined;
  readonly node: YamlNode;
}

export function readOptions(fields: Fields | undefined): GeneratorOptions | undefined {
  if (fields === undefined) return undefined;
  const options = {
    labels: fields.textMap('labels'),
    annotations: fields.textMap('annotations'),
    disableNameSuffixHash: fields.flag('disableNameSuffixHash'),
    immutable: fields.flag('immutable') ? fields.at('immutable') : undefined,
  };
  fields.strict();
  return options;
}

/** What is set on the generator wins over what is set for all. */
export function mergeOptions(
  own: GeneratorOptions | undefined,
  all: GeneratorOptions | undefined,
): GeneratorOptions | undefined {
  if (all === undefined) return own;
  return {
    labels: new Map([...all.labels, ...(own?.labels ?? [])]),
    annotations: new Map([...all.annotations, ...(own?.annotations ?? [])]),
    disableNameSuffixHash: all.disableNameSuffixHash || (own?.disableNameSuffixHash ?? false),
    immutable: own?.immutable ?? all.immutable,
  };
}

export function readGenerator(kind: GeneratorArgs['kind'], fields: Fields): GeneratorArgs {
  const env = textAt(fields, 'env');
  return {
    kind,
    name: textAt(fields, 'name') ?? { text: '', node: fields.node },
    namespace: textAt(fields, 'namespace'),
    behavior: fields.text('behavior'),
    literals: fields.texts('literals'),
    files: fields.texts('files'),
    envs: [...fields.texts('envs'), ...(env === undefined ? [] : [env])],
    options: readOptions(fields.fields('options')),
    type: kind === 'Secret' ? textAt(fields, 'type') : undefined,
    node: fields.node,
  };
}

export function textAt(fields: Fields, name: string): TextAt | undefined {
  const text = fields.text(name);
  const node = fields.at(name);
  return node === undefined || text === '' ? undefined : { text, node };
}
