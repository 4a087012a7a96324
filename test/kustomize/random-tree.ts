import * as fc from 'fast-check';
import { getString, isJsonObject, stringifyYaml } from '../../src/kernel/index.ts';
import type { JsonObject } from '../../src/kernel/index.ts';
import { extras } from './random-extras.ts';
import { objects, patches, transformations } from './random-objects.ts';
import { fillIn } from './random-parts.ts';
import type { Extra, Known } from './random-parts.ts';
import { clean } from './random-values.ts';

/** A random kustomization tree: files by path, and the folder to render. For tests that compare renderers. */
export interface RandomTree {
  readonly files: Readonly<Record<string, string>>;
  readonly dir: string;
}

interface Layer {
  readonly transformations: JsonObject;
  readonly patches: readonly { readonly text: string; readonly target: JsonObject | undefined }[];
  readonly kind: 'Kustomization' | 'Component';
  readonly extras: readonly Extra[];
  readonly legacy?: boolean;
}

const layer = (kind: Layer['kind']): fc.Arbitrary<Layer> =>
  fc.record({
    transformations: few(transformations as unknown as fc.Arbitrary<JsonObject>),
    patches,
    extras: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: extras }),
    kind: fc.constant(kind),
  });

/** Most fields are left out, so that most trees render. */
function few(all: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(all, fc.integer({ min: 0, max: 2 ** 16 - 1 }), fc.boolean())
    .map(([value, mask, many]) =>
      Object.fromEntries(Object.entries(value).filter((_, index) => many || ((mask >> index) & 3) === 3)),
    );
}

function layerFiles(
  dir: string,
  given: Layer,
  resources: readonly string[],
  components: readonly string[],
  inline: boolean,
  known: readonly Known[],
): Record<string, string> {
  const files: Record<string, string> = {};
  const listed = given.patches.map((patch, index): JsonObject => {
    const chosen = patch.target === undefined ? {} : { target: patch.target };
    if (inline) return { patch: patch.text, ...chosen };
    files[`${dir}/patch-${index}.yaml`] = patch.text;
    return { path: `patch-${index}.yaml`, ...chosen };
  });
  const isLegacy = (each: JsonObject) =>
    given.legacy === true && (each['target'] === undefined || (hasName(each) && operationsIn(each)));
  const operationsIn = (each: JsonObject) => {
    const text = getString(each, 'patch') ?? files[`${dir}/${getString(each, 'path') ?? ''}`];
    return text?.startsWith('- ') === true;
  };
  const [old, current] = [listed.filter(isLegacy), listed.filter((each) => !isLegacy(each))];
  const merges = old
    .filter((each) => each['target'] === undefined)
    .map((each) => each['patch'] ?? each['path'] ?? '');
  const operations = old.filter((each) => each['target'] !== undefined);
  const kustomization: JsonObject = {
    apiVersion:
      given.kind === 'Component' ? 'kustomize.config.k8s.io/v1alpha1' : 'kustomize.config.k8s.io/v1beta1',
    kind: given.kind,
    ...given.transformations,
    ...(resources.length === 0 ? {} : { resources: [...resources] }),
    ...(components.length === 0 ? {} : { components: [...components] }),
    ...(current.length === 0 ? {} : { patches: current }),
    ...(merges.length === 0 ? {} : { patchesStrategicMerge: merges }),
    ...(operations.length === 0 ? {} : { patchesJson6902: operations }),
  };
  for (const { fields, files: more } of given.extras) {
    for (const [field, value] of Object.entries(fields)) {
      const there = kustomization[field];
      kustomization[field] = Array.isArray(there) && Array.isArray(value) ? [...there, ...value] : value;
    }
    for (const [path, content] of Object.entries(more)) files[`${dir}/${path}`] = content;
  }
  files[`${dir}/kustomization.yaml`] = stringifyYaml(kustomization);
  if (given.extras.length === 0) return files;
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, fillIn(content, known)]));
}

/** The deprecated fields take JSON patches for named objects only. */
function hasName(entry: JsonObject): boolean {
  const { target } = entry;
  return isJsonObject(target) && typeof target['name'] === 'string';
}

function idOf(object: unknown): Known {
  const { apiVersion, kind, metadata } = object as {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace: string };
  };
  return { apiVersion, kind, name: metadata.name, namespace: metadata.namespace };
}

type Generated = Readonly<Record<string, readonly JsonObject[]>>;

/** The ConfigMaps and Secrets a layer generates. */
function generatedBy(given: Layer): Generated {
  const lists: Record<string, readonly JsonObject[]> = {};
  for (const field of ['configMapGenerator', 'secretGenerator']) {
    const list = given.transformations[field];
    if (Array.isArray(list)) lists[field] = list.filter(isJsonObject);
  }
  return lists;
}

/** Points what names an object to one that is there, so that most trees render. */
function aim(given: Layer, known: readonly Known[], generated: Generated): Layer {
  const workload = known.find(
    (each) => each.kind === 'Deployment' || each.kind === 'StatefulSet' || each.kind === 'DaemonSet',
  );
  const counted = known.find((each) => each.kind === 'Deployment' || each.kind === 'StatefulSet');
  const patches = given.patches.flatMap((patch) => {
    if (patch.target !== undefined) {
      const isJson = patch.text.startsWith('- ');
      const aimed = { ...patch.target, kind: 'Deployment' };
      return [isJson && patch.text.includes('spec') ? { ...patch, target: aimed } : patch];
    }
    if (workload === undefined) return [];
    const text = patch.text
      .replace(/^kind: .*$/m, `kind: ${workload.kind}`)
      .replace(/^  name: .*$/m, `  name: ${workload.name}`)
      .replace(/^  namespace: .*\n/m, '')
      .replace(
        /^metadata:\n/m,
        workload.namespace === '' ? 'metadata:\n' : `metadata:\n  namespace: ${workload.namespace}\n`,
      );
    return [{ ...patch, text }];
  });
  const changed: JsonObject = { ...given.transformations };
  if (counted === undefined) delete changed['replicas'];
  else if (Array.isArray(changed['replicas'])) {
    changed['replicas'] = changed['replicas'].map((each) => ({
      ...(each as JsonObject),
      name: counted.name,
    }));
  }
  for (const field of ['configMapGenerator', 'secretGenerator']) {
    const list = changed[field];
    if (!Array.isArray(list)) continue;
    const seen = new Set<string>();
    changed[field] = list
      .map((each) => each as JsonObject)
      .filter((each) => {
        const name = JSON.stringify(each['name']);
        const fresh = !seen.has(name);
        seen.add(name);
        return fresh;
      })
      .map((each, index) => {
        const below = generated[field]?.[index];
        if (below === undefined || each['behavior'] === undefined) return withoutBehavior(each);
        const { name, namespace } = below;
        const behavior = each['behavior'] === 'replace' ? 'replace' : 'merge';
        return { ...each, name: name ?? '', ...(namespace === undefined ? {} : { namespace }), behavior };
      });
  }
  const source = known.filter((each) =>
    known.every((other) => other === each || other.name !== each.name),
  )[0];
  if (source === undefined) delete changed['replacements'];
  else if (Array.isArray(changed['replacements'])) {
    changed['replacements'] = changed['replacements'].map((each) => ({
      ...(each as JsonObject),
      source: { kind: source.kind, name: source.name },
      targets: ((each as JsonObject)['targets'] as JsonObject[]).map((one) => ({
        ...one,
        fieldPaths: (one['fieldPaths'] as string[])
          .filter((path) => path.startsWith('metadata'))
          .concat('metadata.annotations.from'),
        options: { ...(one['options'] as JsonObject | undefined), create: true },
      })),
    }));
  }
  return { ...given, patches, transformations: changed };
}

function withoutBehavior(generated: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(generated).filter(([key]) => key !== 'behavior'));
}

/** Bases, an overlay or two, sometimes a component. */
export const randomTree: fc.Arbitrary<RandomTree> = fc
  .record({
    base: objects,
    second: fc.option(objects, { nil: undefined }),
    baseLayer: layer('Kustomization'),
    secondLayer: layer('Kustomization'),
    overlay: layer('Kustomization'),
    component: fc.option(layer('Component'), { nil: undefined }),
    inline: fc.boolean(),
    crlf: fc.boolean(),
    json: fc.boolean(),
    legacy: fc.boolean(),
    wild: fc.integer({ min: 0, max: 9 }).map((each) => each === 0),
  })
  .map((parts) => {
    const document = (list: readonly unknown[]) =>
      list
        .map((each) => clean(each as JsonObject))
        .map((each) => (parts.json ? `${JSON.stringify(each, null, 1)}\n` : stringifyYaml(each)))
        .join('---\n');
    const known = parts.base.map(idOf);
    const more = (parts.second ?? []).map(idOf);
    const aimed = (given: Layer, ids: readonly Known[], below: Generated = {}) => ({
      ...(parts.wild ? given : aim(given, ids, below)),
      legacy: parts.legacy,
    });
    const base = aimed(parts.baseLayer, known);
    const files: Record<string, string> = {
      'base/objects.yaml': document(parts.base),
      ...layerFiles('base', base, ['objects.yaml'], [], parts.inline, known),
    };
    const resources = ['../base'];
    if (parts.second !== undefined) {
      const others = parts.second.filter(
        (each) => !known.some((one) => one.kind === each.kind && one.name === each.metadata.name),
      );
      files['second/objects.yaml'] = document(parts.wild ? parts.second : others);
      const second = layerFiles('second', aimed(parts.secondLayer, more), ['objects.yaml'], [], false, more);
      if (parts.wild || others.length > 0) {
        Object.assign(files, second);
        resources.push('../second');
      }
    }
    const components: string[] = [];
    if (parts.component !== undefined) {
      const component = aimed(parts.component, known, generatedBy(base));
      const named = { ...component, transformations: { nameSuffix: '-c', ...component.transformations } };
      Object.assign(files, layerFiles('component', named, [], [], parts.inline, known));
      components.push('../component');
    }
    const overlay = aimed(parts.overlay, known, parts.component === undefined ? generatedBy(base) : {});
    Object.assign(files, layerFiles('overlay', overlay, resources, components, parts.inline, known));
    if (parts.crlf) {
      for (const [path, content] of Object.entries(files)) {
        if (path.endsWith('objects.yaml')) files[path] = content.replaceAll('\n', '\r\n');
      }
    }
    return { files, dir: 'overlay' };
  });
