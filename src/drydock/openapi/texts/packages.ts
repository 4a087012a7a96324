import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { allTypeIds, openApiName, structType } from '../../schema/types.ts';
import { exactText, exactWords } from './combine.ts';
import { readClientModel, readModel, readTypeComment, type Declaration } from './declarations.ts';

export interface FieldText {
  readonly text: string;
  readonly values?: readonly string[];
}

export interface TypeText {
  readonly text: string;
  readonly fields: Readonly<Record<string, FieldText>>;
}

/** What the documentation of the API says, by the name that OpenAPI gives a type. */
export type ApiTexts = Readonly<Record<string, TypeText>>;

const APIMACHINERY = 'io.k8s.apimachinery.pkg.';
const EXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.';
const AGGREGATOR = 'io.k8s.kube-aggregator.pkg.apis.';

/** Types that the tables write as scalars. */
export const SCALAR_TYPES = [
  `${APIMACHINERY}apis.meta.v1.Time`,
  `${APIMACHINERY}apis.meta.v1.MicroTime`,
  `${APIMACHINERY}apis.meta.v1.FieldsV1`,
  `${APIMACHINERY}api.resource.Quantity`,
  `${APIMACHINERY}util.intstr.IntOrString`,
  `${APIMACHINERY}runtime.RawExtension`,
  ...[
    'CustomResourceSubresourceStatus',
    'JSON',
    'JSONSchemaPropsOrArray',
    'JSONSchemaPropsOrBool',
    'JSONSchemaPropsOrStringArray',
  ].map((name) => `${EXTENSIONS}apiextensions.v1.${name}`),
] as const;

/** Values that came to a field after the version that is served. */
const LATER_VALUES: Readonly<Record<string, readonly string[]>> = {
  'io.k8s.api.core.v1.ScopedResourceSelectorRequirement.scopeName': ['VolumeAttributesClass'],
  'io.k8s.api.core.v1.ResourceQuotaSpec.scopes': ['VolumeAttributesClass'],
};

const ABSENT: Declaration = { text: '', properties: new Map() };

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

/** Where `kubernetes-models` keeps a type. */
function modelFile(modules: string, name: string): string {
  if (name.startsWith(APIMACHINERY)) {
    const parts = name.slice(APIMACHINERY.length).split('.');
    return path.join(modules, '@kubernetes-models', 'apimachinery', ...parts);
  }
  const [group = '', version = '', type = ''] = name
    .replace(EXTENSIONS, '')
    .replace(AGGREGATOR, '')
    .replace('io.k8s.api.', '')
    .split('.');
  const models = path.join(modules, 'kubernetes-models');
  if (group === 'core') return path.join(models, version, type);
  if (group === 'rbac') return path.join(models, 'rbac.authorization.k8s.io', version, type);
  if (group === 'flowcontrol') return path.join(models, 'flowcontrol.apiserver.k8s.io', version, type);
  const plain = path.join(models, group);
  return path.join(existsSync(plain) ? plain : `${plain}.k8s.io`, version, type);
}

const capital = (text: string) => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** What the client calls it: with the group in front where two groups have a type of that name. */
function clientNames(name: string): string[] {
  const [type = '', version = '', group = ''] = name.split('.').reverse();
  const bare = `${capital(version)}${type}`;
  return [`${capital(group)}${bare}`, bare];
}

function modelOf(modules: string, name: string): Declaration {
  const source = readIfThere(`${modelFile(modules, name)}.d.ts`);
  return source === undefined ? ABSENT : readModel(source);
}

function clientModelOf(modules: string, name: string): Declaration {
  const folder = path.join(modules, 'kubernetes-client-1.32', 'dist', 'gen', 'models');
  for (const candidate of clientNames(name)) {
    const source = readIfThere(path.join(folder, `${candidate}.d.ts`));
    if (source !== undefined) return readClientModel(source);
  }
  return ABSENT;
}

/** The client writes the text of such a type where the field has one of its own, or none. */
function isTextOfType(text: string): boolean {
  return SCALAR_TYPES.some((name) =>
    new RegExp(`^${name.slice(name.lastIndexOf('.') + 1)} (?:is|stores|represents)\\b`).test(text),
  );
}

function withoutLater(text: string, later: readonly string[]): string {
  return text
    .split('\n')
    .filter((line) => !later.some((value) => line.startsWith(` - \`"${value}"\``)))
    .join('\n');
}

function typeText(modules: string, name: string, fields: readonly string[]): TypeText {
  const model = modelOf(modules, name);
  const client = clientModelOf(modules, name);
  const texts: Record<string, FieldText> = {};
  for (const field of fields) {
    const shaped = model.properties.get(field);
    const exact = client.properties.get(field);
    const exactWording = exact === undefined || isTextOfType(exact.text) ? '' : exact.text;
    const later = LATER_VALUES[`${name}.${field}`] ?? [];
    const text = withoutLater(exactText(exactWording, shaped?.text ?? exactWording), later);
    const values = (shaped?.values ?? []).filter((value) => !later.includes(value));
    if (text !== '') texts[field] = { text, ...(values.length === 0 ? {} : { values }) };
  }
  return { text: exactWords(client.text, model.text === '' ? client.text : model.text), fields: texts };
}

/**
 * Reads the texts from the packages that carry Kubernetes' own documentation. The official client of the served
 * version has its words without their line breaks, and nothing for a field that refers to another type;
 * `kubernetes-models`, one version later, has all texts in shape, and the values of closed sets.
 */
export function readTexts(modules: string): ApiTexts {
  const texts: Record<string, TypeText> = {};
  for (const id of allTypeIds()) {
    const name = openApiName(id);
    const found = typeText(modules, name, ['apiVersion', 'kind', ...structType(id).fields.keys()]);
    // Types that only stand inside of others, and have their texts there.
    if (found.text !== '') texts[name] = found;
  }
  for (const name of SCALAR_TYPES) texts[name] = typeText(modules, name, []);
  const quantity = path.join(modules, 'kubernetes-types', 'api', 'resource.d.ts');
  texts[`${APIMACHINERY}api.resource.Quantity`] = {
    text: readTypeComment(readFileSync(quantity, 'utf8'), 'Quantity'),
    fields: {},
  };
  return texts;
}
