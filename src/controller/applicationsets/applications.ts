import { getArray, getIn, getObject, getString, isJsonObject, parseYaml } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { APPLICATION_KIND } from '../../boundaries/sync/index.ts';
import { APPLICATION_SET, inspect } from '../fields/index.ts';
import { generate } from './generators.ts';
import type { GeneratorSources } from './generators.ts';
import { substitute, substituteDeeply, templatingOf } from './parameters.ts';
import type { Templating } from './parameters.ts';
import { templateError } from './template/index.ts';
import type { ValueMap } from './template/index.ts';

export type Reason = 'ApplicationGenerationFromParamsError' | 'RenderTemplateParamsError';

/** Every Application of a set, or why not all of them are known: then none may be taken away. */
export type Applications =
  | { readonly applications: readonly KubeObject[] }
  | { readonly error: Error; readonly reason: Reason };

const FINALIZER = 'resources-finalizer.argocd.argoproj.io';

/** The Applications that an ApplicationSet stands for. Source: Argo CD applicationset/controllers/template. */
export async function applicationsOf(set: KubeObject, sources: GeneratorSources): Promise<Applications> {
  const spec = getObject(set, 'spec') ?? {};
  const applications: KubeObject[] = [];
  let reason: Reason = 'ApplicationGenerationFromParamsError';
  try {
    refuseFields(spec);
    const templating = templatingOf(spec);
    for (const generator of getArray(spec, 'generators').filter(isJsonObject)) {
      reason = 'ApplicationGenerationFromParamsError';
      const { params, template } = await generate(generator, templating, sources);
      reason = 'RenderTemplateParamsError';
      const whole = completed(template, getObject(spec, 'template') ?? {});
      for (const one of params) applications.push(applicationOf(set, whole, one, templating));
    }
    return { applications };
  } catch (thrown) {
    return { error: thrown instanceof Error ? thrown : new Error(String(thrown)), reason };
  }
}

const POLICIES: ReadonlySet<string> = new Set(['create-only', 'create-update', 'create-delete', 'sync']);

/** A field that is not honoured, or not known, may be the one that leaves something out: nothing is generated then. */
function refuseFields(spec: JsonObject): void {
  const { refused, unknown } = inspect(spec, APPLICATION_SET, 'spec');
  const problems = [
    ...refused,
    ...unknown.map((field) => `${field}: this controller knows no such field`),
    ...oneOf(spec, 'type', ['AllAtOnce', 'RollingSync']),
    ...oneOf(spec, 'deletionOrder', ['AllAtOnce', 'Reverse']),
    ...(POLICIES.has(getString(spec, 'syncPolicy', 'applicationsSync') || 'sync')
      ? []
      : [`spec.syncPolicy.applicationsSync: it is none of ${[...POLICIES].join(', ')}`]),
  ];
  if (problems.length > 0) throw templateError(problems.join('; '));
}

function oneOf(spec: JsonObject, field: string, known: readonly string[]): readonly string[] {
  const said = getString(spec, 'strategy', field) || known[0];
  const isKnown = known.some((name) => name.toLowerCase() === said?.toLowerCase());
  return isKnown ? [] : [`spec.strategy.${field}: it is none of ${known.join(', ')}`];
}

/** What the generator's own template leaves open comes from the ApplicationSet's. */
function completed(own: JsonObject, common: JsonObject): JsonObject {
  const merged: JsonObject = { ...own };
  for (const [key, value] of Object.entries(common)) {
    const had = merged[key];
    if (had === undefined || had === null || had === '' || (Array.isArray(had) && had.length === 0))
      merged[key] = value;
    else if (isJsonObject(had) && isJsonObject(value)) merged[key] = completed(had, value);
  }
  return merged;
}

function applicationOf(
  set: KubeObject,
  template: JsonObject,
  params: ValueMap,
  templating: Templating,
): KubeObject {
  const spec = getObject(set, 'spec') ?? {};
  const plain = Object.keys(params).length === 0;
  let rendered = plain ? template : substituteDeeply(template, params, templating);
  if (!isJsonObject(rendered)) rendered = {};
  const finalizers = getArray(rendered, 'metadata', 'finalizers');
  const preserve = getIn(spec, 'syncPolicy', 'preserveResourcesOnDeletion') === true;
  let made: JsonObject = {
    metadata: {
      ...getObject(rendered, 'metadata'),
      ...(finalizers.length === 0 && !preserve && !plain ? { finalizers: [FINALIZER] } : {}),
    },
    spec: getObject(rendered, 'spec') ?? {},
  };
  const patch = getString(spec, 'templatePatch');
  if (patch !== undefined) made = patched(made, substitute(patch, params, templating));
  const metadata = getObject(made, 'metadata') ?? {};
  return {
    ...APPLICATION_KIND,
    metadata: {
      ...pick(metadata, ['labels', 'annotations', 'finalizers']),
      name: getString(metadata, 'name') ?? '',
      ...(set.metadata.namespace === undefined ? {} : { namespace: set.metadata.namespace }),
    },
    spec: normalized(getObject(made, 'spec') ?? {}),
  };
}

function pick(from: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = from[name];
      return value === undefined || value === null ? [] : [[name, value]];
    }),
  );
}

/** The project is not the patch's to choose. */
function patched(application: JsonObject, text: string): JsonObject {
  const [patch = null] = parseYaml(text, 'templatePatch');
  if (patch === null) return application;
  if (!isJsonObject(patch)) throw templateError('invalid templatePatch: it is no map');
  if (JSON.stringify(patch).includes('"$patch"')) {
    throw templateError('invalid templatePatch: $patch directives are not supported by this controller');
  }
  const merged = withBothFinalizers(application, patch, mergePatched(application, patch));
  const project = getIn(application, 'spec', 'project');
  const spec = { ...getObject(merged, 'spec') };
  delete spec['project'];
  return { ...merged, spec: { ...spec, ...(project === undefined ? {} : { project }) } };
}

/** Kubernetes' one list of an Application that a strategic merge adds to: a patch takes no finalizer away. */
function withBothFinalizers(application: JsonObject, patch: JsonObject, merged: JsonObject): JsonObject {
  const more = getIn(patch, 'metadata', 'finalizers');
  if (!Array.isArray(more)) return merged;
  const finalizers = [...new Set([...getArray(application, 'metadata', 'finalizers'), ...more])];
  return { ...merged, metadata: { ...getObject(merged, 'metadata'), finalizers } };
}

function mergePatched(target: JsonObject, patch: JsonObject): JsonObject {
  const result: JsonObject = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const had = result[key];
    if (value === null) delete result[key];
    else result[key] = isJsonObject(value) ? mergePatched(isJsonObject(had) ? had : {}, value) : value;
  }
  return result;
}

/** As Argo CD writes Applications: a project always, and no field that holds nothing. */
function normalized(spec: JsonObject): JsonObject {
  const clean = withoutNulls(spec);
  return { ...(isJsonObject(clean) ? clean : {}), project: getString(spec, 'project') || 'default' };
}

function withoutNulls(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, withoutNulls(item)]),
  );
}
