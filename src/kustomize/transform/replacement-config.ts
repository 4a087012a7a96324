import type { YamlNode } from '../../kernel/index.ts';
import type { Fields } from '../decode.ts';
import { readSelector } from '../selector.ts';
import type { Selector } from '../selector.ts';

export interface FieldOptions {
  readonly delimiter: string;
  readonly index: number;
  readonly create: boolean;
}

export interface ReplacementTarget {
  readonly select: Selector | undefined;
  readonly reject: readonly Selector[];
  readonly fieldPaths: readonly string[];
  readonly options: FieldOptions | undefined;
  readonly node: YamlNode;
}

export interface Replacement {
  readonly source:
    | { readonly selector: Selector; readonly fieldPath: string; readonly options: FieldOptions | undefined }
    | undefined;
  readonly targets: readonly ReplacementTarget[] | undefined;
  readonly node: YamlNode;
}

/** An entry of `replacements:`, which may name a file. Source: api/types/replacement.go. */
export interface ReplacementEntry extends Replacement {
  readonly path: string;
}

export function readReplacement(fields: Fields): ReplacementEntry {
  const source = fields.fields('source');
  const targets = fields.at('targets') === undefined ? undefined : fields.list('targets').map(readTarget);
  const entry = {
    path: fields.text('path'),
    source:
      source === undefined
        ? undefined
        : {
            selector: readSelector(source),
            fieldPath: source.text('fieldPath') || 'metadata.name',
            options: readFieldOptions(source.fields('options')),
          },
    targets,
    node: fields.node,
  };
  source?.strict();
  return entry;
}

function readTarget(fields: Fields): ReplacementTarget {
  const select = fields.fields('select');
  const paths = fields.texts('fieldPaths').map((each) => each.text);
  const target = {
    select: select === undefined ? undefined : strictSelector(select),
    reject: fields.list('reject').map(strictSelector),
    fieldPaths: paths.length === 0 ? ['metadata.name'] : paths,
    options: readFieldOptions(fields.fields('options')),
    node: fields.node,
  };
  fields.strict();
  return target;
}

function strictSelector(fields: Fields): Selector {
  const selector = readSelector(fields);
  fields.strict();
  return selector;
}

function readFieldOptions(fields: Fields | undefined): FieldOptions | undefined {
  if (fields === undefined) return undefined;
  const options = {
    delimiter: fields.text('delimiter'),
    index: fields.integer('index') ?? 0,
    create: fields.flag('create'),
  };
  fields.text('encoding');
  fields.strict();
  return options;
}
