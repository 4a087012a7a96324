import {
  LandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  textOf,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { FileTree } from '../../git/index.ts';
import type { ApplicationSource } from '../sync/index.ts';
import { parseImageOverride, type ImageOverride } from './image-override.ts';
import { joined } from './kustomization-edit.ts';
import { expandEnvironment } from './source-environment.ts';
import { KUSTOMIZE_OPTIONS } from './source-overrides.ts';

/** Options of `spec.source.kustomize` that change what is rendered, and that Argo CD passes to `kustomize edit`. */
const APPLIED = new Set([
  'namePrefix',
  'nameSuffix',
  'images',
  'replicas',
  'commonLabels',
  'forceCommonLabels',
  'labelWithoutSelector',
  'labelIncludeTemplates',
  'commonAnnotations',
  'forceCommonAnnotations',
  'commonAnnotationsEnvsubst',
  'namespace',
  'patches',
  'components',
  'ignoreMissingComponents',
]);
/** Which program of Kustomize or which cluster the original would use: nothing here depends on it. */
const WITHOUT_EFFECT = new Set(['version', 'kubeVersion', 'apiVersions']);

export function hasKustomizeOptions(source: ApplicationSource | undefined): boolean {
  return Object.keys(source?.kustomize ?? {}).some((name) => !WITHOUT_EFFECT.has(name));
}

/** An option that nobody here knows may change the result: it is refused, not skipped. */
export function unknownKustomizeOption(source: ApplicationSource | undefined): string | undefined {
  return Object.keys(source?.kustomize ?? {}).find((name) => !APPLIED.has(name) && !WITHOUT_EFFECT.has(name));
}

/**
 * A kustomization as `kustomize edit` leaves it after Argo CD ran it with the options of a source, in its order.
 * Throws what `kustomize edit` refuses. Source: Argo CD util/kustomize/kustomize.go, kustomize commands/edit.
 */
export async function editedByOptions(
  tree: FileTree,
  folder: string,
  kustomization: JsonObject,
  options: JsonObject,
  environment: Readonly<Record<string, string>>,
): Promise<JsonObject> {
  const next: JsonObject = { ...kustomization };
  for (const [option, field] of [
    ['namePrefix', 'namePrefix'],
    ['nameSuffix', 'nameSuffix'],
  ] as const) {
    const value = getString(options, option);
    if (value !== undefined && value !== '') next[field] = value;
  }
  const images = texts(options, 'images').map((image) =>
    parseImageOverride(expandEnvironment(image, environment)),
  );
  if (images.length > 0) next['images'] = setImages(getArray(next, 'images'), images);
  const replicas = getArray(options, 'replicas').map(replicaOf);
  if (replicas.length > 0) next['replicas'] = byName(getArray(next, 'replicas'), replicas);
  addLabels(next, options, environment);
  addAnnotations(next, options, environment);
  const namespace = getString(options, 'namespace');
  if (namespace !== undefined && namespace !== '') next['namespace'] = namespace;
  const patches = getArray(options, 'patches');
  if (patches.length > 0) {
    const before = getIn(next, 'patches');
    if (before !== undefined && !Array.isArray(before))
      throw refuse("'patches' of the kustomization is no list");
    next['patches'] = [...(before ?? []), ...patches];
  }
  const components = await componentsOf(tree, folder, options);
  const before = texts(next, 'components');
  const added = components.filter((component) => !before.includes(component));
  if (added.length > 0) next['components'] = [...before, ...added];
  return next;
}

function texts(value: JsonValue | undefined, field: string): readonly string[] {
  return getArray(value, field).filter((item): item is string => typeof item === 'string');
}

function setImages(before: readonly JsonValue[], images: readonly ImageOverride[]): JsonValue[] {
  const known = new Map(before.filter(isJsonObject).map((item) => [getString(item, 'name') ?? '', item]));
  const given = new Map(images.map((image) => [image.name, image]));
  const result = new Map<string, JsonObject>(known);
  for (const [name, image] of given) {
    const had = known.get(name);
    const entry: JsonObject = { name };
    for (const field of ['newName', 'newTag', 'digest'] as const) {
      const value = image[field] === '*' ? (getString(had, field) ?? '') : image[field];
      if (value !== '') entry[field] = value;
    }
    result.set(name, entry);
  }
  return sorted(result);
}

function sorted(items: ReadonlyMap<string, JsonObject>): JsonValue[] {
  return [...items].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
}

function byName(before: readonly JsonValue[], given: readonly JsonObject[]): JsonValue[] {
  const items = new Map<string, JsonObject>();
  for (const item of [...before, ...given]) {
    if (isJsonObject(item)) items.set(getString(item, 'name') ?? '', item);
  }
  return sorted(items);
}

function replicaOf(item: JsonValue): JsonObject {
  const count = getIn(item, 'count');
  const number = typeof count === 'string' && /^\d+$/.test(count) ? Number(count) : count;
  const name = getString(item, 'name') ?? '';
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) {
    throw refuse(`the count of replicas of '${name}' is no whole number`);
  }
  return { name, count: number };
}

function addLabels(
  next: JsonObject,
  options: JsonObject,
  environment: Readonly<Record<string, string>>,
): void {
  const labels = Object.entries(getObject(options, 'commonLabels') ?? {}).map(
    ([name, value]) => [name, expandEnvironment(textOf(value), environment)] as const,
  );
  if (labels.length === 0) return;
  const force = getIn(options, 'forceCommonLabels') === true;
  const withoutSelector = getIn(options, 'labelWithoutSelector') === true;
  const includeTemplates = getIn(options, 'labelIncludeTemplates') === true;
  if (includeTemplates && !withoutSelector) {
    throw refuse('--without-selector flag must be specified for --include-templates to work');
  }
  if (!withoutSelector) {
    next['commonLabels'] = added(getObject(next, 'commonLabels') ?? {}, labels, 'label', force);
    return;
  }
  const groups = [...getArray(next, 'labels')];
  const at = groups.findIndex(
    (group) =>
      getIn(group, 'includeSelectors') !== true &&
      (getIn(group, 'includeTemplates') === true) === includeTemplates,
  );
  const group = at < 0 ? undefined : groups[at];
  const pairs = added(getObject(group, 'pairs') ?? {}, labels, 'label', force);
  const changed: JsonObject = {
    ...(isJsonObject(group) ? group : {}),
    pairs,
    ...(includeTemplates ? { includeTemplates } : {}),
  };
  if (at < 0) groups.push(changed);
  else groups[at] = changed;
  next['labels'] = groups;
}

function addAnnotations(
  next: JsonObject,
  options: JsonObject,
  environment: Readonly<Record<string, string>>,
): void {
  const expand = getIn(options, 'commonAnnotationsEnvsubst') === true;
  const annotations = Object.entries(getObject(options, 'commonAnnotations') ?? {}).map(
    ([name, value]) =>
      [name, expand ? expandEnvironment(textOf(value), environment) : textOf(value)] as const,
  );
  if (annotations.length === 0) return;
  const force = getIn(options, 'forceCommonAnnotations') === true;
  next['commonAnnotations'] = added(
    getObject(next, 'commonAnnotations') ?? {},
    annotations,
    'annotation',
    force,
  );
}

function added(
  before: JsonObject,
  pairs: readonly (readonly [string, string])[],
  what: 'label' | 'annotation',
  force: boolean,
): JsonObject {
  const taken = pairs.find(([name]) => before[name] !== undefined);
  if (taken !== undefined && !force) throw refuse(`${what} ${taken[0]} already in kustomization file`);
  return { ...before, ...Object.fromEntries(pairs) };
}

async function componentsOf(tree: FileTree, folder: string, options: JsonObject): Promise<readonly string[]> {
  const listed = texts(options, 'components');
  if (getIn(options, 'ignoreMissingComponents') !== true) return listed;
  const found: string[] = [];
  for (const component of listed) {
    if ((await tree.kind(joined(folder, component))) !== undefined) found.push(component);
  }
  return found;
}

function refuse(problem: string): LandfallError {
  return new LandfallError(`spec.source.kustomize: ${problem}`, {
    kind: 'invalid-input',
    code: 'source-options',
    object: KUSTOMIZE_OPTIONS,
    hint: 'Mend the option in the Application, or move it into the kustomization.yaml.',
  });
}
