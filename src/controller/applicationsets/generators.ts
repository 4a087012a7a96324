import path from 'node:path';
import {
  getArray,
  getIn,
  getNumber,
  getObject,
  getString,
  isJsonObject,
  parseYaml,
} from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import { selects } from '../selector.ts';
import { combined, flattened, interpolate, mergedOver, withValues } from './parameters.ts';
import type { Templating } from './parameters.ts';
import { fromJson, isMap, normalize, templateError } from './template/index.ts';
import type { Value, ValueMap } from './template/index.ts';

export interface ClusterFacts {
  readonly name: string;
  readonly server: string;
  readonly project: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What generators read. Each throws where it cannot say: an unreadable answer is never an empty one. */
export interface GeneratorSources {
  /** Every folder of a revision, by its path. */
  directories(repoURL: string, revision: string): Promise<readonly string[]>;
  /** Files whose path a pattern of git fits, with their text. */
  files(repoURL: string, revision: string, pattern: string): Promise<ReadonlyMap<string, string>>;
  /** Those that a Secret describes. */
  clusters(): Promise<readonly ClusterFacts[]>;
}

/** The sets of parameters of one generator, and the template that it brings. */
export interface Generated {
  readonly params: readonly ValueMap[];
  /** `template` of the generator itself; merged over the ApplicationSet's. */
  readonly template: JsonObject;
}

const KINDS = ['list', 'clusters', 'git', 'matrix', 'merge'] as const;
type Kind = (typeof KINDS)[number];
const UNSUPPORTED = ['scmProvider', 'pullRequest', 'clusterDecisionResource', 'plugin'];
const MAX_PARAMS = 10_000;
const MAX_NESTING = 5;

/** What one entry of `spec.generators` stands for. Source: Argo CD applicationset/generators. */
export async function generate(
  generator: JsonObject,
  templating: Templating,
  sources: GeneratorSources,
  given: ValueMap = {},
  depth = 0,
): Promise<Generated> {
  if (depth > MAX_NESTING) throw templateError('generators nest too deep');
  const kinds = Object.keys(generator).filter((key) => key !== 'selector' && generator[key] !== null);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1 || !isKind(kind)) {
    const unknown = kinds.find((name) => !isKind(name));
    const what =
      unknown === undefined ? `${kinds.length} generators in one entry` : `the generator ${unknown}`;
    const known = unknown !== undefined && UNSUPPORTED.includes(unknown);
    throw templateError(
      known
        ? `${what} is not supported by this controller`
        : kinds.length === 0
          ? 'an entry of generators is empty'
          : unknown === undefined
            ? `${what} are not supported by this controller`
            : `ApplicationSet contains unrecognized generators: ${unknown}`,
    );
  }
  const body = getObject(interpolate(generator, given, templating), kind) ?? {};
  const params = await paramsOf(kind, body, templating, sources, depth);
  if (params.length > MAX_PARAMS)
    throw templateError(`a generator makes more than ${MAX_PARAMS} sets of parameters`);
  const selector = getObject(generator, 'selector');
  return {
    params: selector === undefined ? params : params.filter((set) => selects(selector, flattened(set))),
    template: getObject(generator, kind, 'template') ?? {},
  };
}

function isKind(name: string): name is Kind {
  return KINDS.some((kind) => kind === name);
}

async function paramsOf(
  kind: Kind,
  body: JsonObject,
  templating: Templating,
  sources: GeneratorSources,
  depth: number,
): Promise<readonly ValueMap[]> {
  switch (kind) {
    case 'list':
      return listParams(body, templating);
    case 'clusters':
      return clusterParams(body, templating, await sources.clusters());
    case 'git':
      return gitParams(body, templating, sources);
    case 'matrix':
      return matrixParams(body, templating, sources, depth);
    case 'merge':
      return mergeParams(body, templating, sources, depth);
    default:
      return kind satisfies never;
  }
}

function asMap(value: JsonValue | undefined, what: string): ValueMap {
  const map = fromJson(value);
  if (isMap(map)) return map;
  throw templateError(`${what} is no map`);
}

function listParams(body: JsonObject, { go }: Templating): readonly ValueMap[] {
  const elements = getArray(body, 'elements').map((element) => {
    const map = asMap(element, 'an element of the list');
    if (go) return map;
    const flat: Record<string, Value> = {};
    for (const [key, value] of Object.entries(map)) {
      if (key === 'values') {
        if (!isMap(value)) throw templateError('error parsing values map');
        for (const [name, item] of Object.entries(value)) flat[`values.${name}`] = textOnly(item);
      } else flat[key] = textOnly(value);
    }
    return flat;
  });
  const yaml = getString(body, 'elementsYaml') ?? '';
  if (yaml === '') return elements;
  const [more] = parseYaml(yaml, 'elementsYaml');
  if (more !== null && more !== undefined && !Array.isArray(more)) {
    throw templateError('error unmarshling decoded ElementsYaml: it is no list');
  }
  return [...elements, ...(more ?? []).map((item) => asMap(item, 'an element of elementsYaml'))];
}

function textOnly(value: Value): string {
  if (typeof value === 'string') return value;
  throw templateError('error parsing value as string: without goTemplate the values of a list are texts');
}

const IN_CLUSTER = { name: 'in-cluster', server: 'https://kubernetes.default.svc' };

function clusterParams(
  body: JsonObject,
  templating: Templating,
  clusters: readonly ClusterFacts[],
): readonly ValueMap[] {
  const selector = getObject(body, 'selector');
  const selecting =
    Object.keys(getObject(selector, 'matchLabels') ?? {}).length > 0 ||
    getArray(selector, 'matchExpressions').length > 0;
  const chosen = clusters.filter((cluster) => selects(selector, cluster.labels));
  const values = getObject(body, 'values');
  const sets = chosen.map((cluster) => withValues(values, ofCluster(cluster, templating), templating));
  // The cluster that it all runs in has no Secret, so no labels either.
  if (!selecting && !chosen.some((cluster) => cluster.server === IN_CLUSTER.server)) {
    const { name, server } = IN_CLUSTER;
    sets.push(withValues(values, { name, nameNormalized: name, server, project: '' }, templating));
  }
  return getIn(body, 'flatList') === true ? [{ clusters: sets }] : sets;
}

function ofCluster(cluster: ClusterFacts, { go }: Templating): ValueMap {
  const { name, server, project, labels, annotations } = cluster;
  const params = { name, nameNormalized: normalize(name), server, project };
  if (go) {
    return {
      ...params,
      metadata: {
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
        ...(Object.keys(labels).length > 0 ? { labels } : {}),
      },
    };
  }
  const named = (of: Readonly<Record<string, string>>, what: string) =>
    Object.fromEntries(Object.entries(of).map(([key, value]) => [`metadata.${what}.${key}`, value]));
  return { ...params, ...named(annotations, 'annotations'), ...named(labels, 'labels') };
}

async function gitParams(
  body: JsonObject,
  templating: Templating,
  sources: GeneratorSources,
): Promise<readonly ValueMap[]> {
  const repoURL = getString(body, 'repoURL') ?? '';
  const revision = getString(body, 'revision') || 'HEAD';
  const directories = getArray(body, 'directories');
  if (directories.length > 0) {
    const all = await sources.directories(repoURL, revision);
    const fits = (folder: string, exclude: boolean) =>
      directories.some(
        (item) =>
          (getIn(item, 'exclude') === true) === exclude && pathMatches(getString(item, 'path') ?? '', folder),
      );
    return all
      .filter((folder) => fits(folder, false) && !fits(folder, true))
      .map((folder) =>
        withValues(getObject(body, 'values'), pathParams(body, folder, undefined, templating), templating),
      );
  }
  const patterns = getArray(body, 'files');
  if (patterns.length === 0) throw templateError('the git generator names neither directories nor files');
  const found = new Map<string, string>();
  for (const exclude of [false, true]) {
    for (const item of patterns.filter((each) => (getIn(each, 'exclude') === true) === exclude)) {
      const files = await sources.files(repoURL, revision, getString(item, 'path') ?? '');
      for (const [file, text] of files) {
        if (exclude) found.delete(file);
        else found.set(file, text);
      }
    }
  }
  return [...found]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, text]) => fileParams(body, file, text, templating));
}

function fileParams(
  body: JsonObject,
  file: string,
  text: string,
  templating: Templating,
): readonly ValueMap[] {
  const [content] = parseYaml(text, file);
  const objects = Array.isArray(content) ? content : [content ?? {}];
  return objects.map((object) => {
    if (!isJsonObject(object)) throw templateError(`unable to process file '${file}': unable to parse file`);
    const own = asMap(object, file);
    const params = {
      ...(templating.go ? own : flattened(own)),
      ...pathParams(body, path.posix.dirname(file), path.posix.basename(file), templating),
    };
    return withValues(getObject(body, 'values'), params, templating);
  });
}

function pathParams(
  body: JsonObject,
  folder: string,
  file: string | undefined,
  { go }: Templating,
): ValueMap {
  const prefix = getString(body, 'pathParamPrefix') ?? '';
  const basename = path.posix.basename(folder);
  if (go) {
    const params = {
      path: folder,
      basename,
      basenameNormalized: normalize(basename),
      ...(file === undefined ? {} : { filename: file, filenameNormalized: normalize(file) }),
      segments: folder.split('/'),
    };
    return prefix === '' ? { path: params } : { [prefix]: { path: params } };
  }
  const name = prefix === '' ? 'path' : `${prefix}.path`;
  const params: Record<string, Value> = {
    [name]: folder,
    [`${name}.basename`]: basename,
    [`${name}.basenameNormalized`]: normalize(basename),
    ...(file === undefined
      ? {}
      : { [`${name}.filename`]: file, [`${name}.filenameNormalized`]: normalize(file) }),
  };
  for (const [at, segment] of folder.split('/').entries())
    if (segment !== '') params[`${name}[${at}]`] = segment;
  return params;
}

/** Go's path.Match: `*` and `?` stay within one part of the path. */
export function pathMatches(pattern: string, folder: string): boolean {
  let text = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at] ?? '';
    const set = char === '[' ? /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(at)) : null;
    if (char === '*') text += '[^/]*';
    else if (char === '?') text += '[^/]';
    else if (set !== null) {
      text += `[${set[1] ?? ''}${set[2] ?? ''}]`;
      at += set[0].length - 1;
    } else {
      if (char === '\\') at += 1;
      text += (pattern[at] ?? '').replaceAll(/[.+^$()|[\]\\{}*?]/g, String.raw`\$&`);
    }
  }
  try {
    return new RegExp(`^${text}$`).test(folder);
  } catch {
    // A range that runs backwards fits nothing.
    return false;
  }
}

function children(body: JsonObject): readonly JsonObject[] {
  return getArray(body, 'generators').filter(isJsonObject);
}

async function matrixParams(
  body: JsonObject,
  templating: Templating,
  sources: GeneratorSources,
  depth: number,
): Promise<readonly ValueMap[]> {
  const [first, second, ...more] = children(body);
  if (first === undefined || second === undefined) {
    throw templateError('found less than two generators, Matrix support only two');
  }
  if (more.length > 0) throw templateError('found more than two generators, Matrix support only two');
  const sets: ValueMap[] = [];
  for (const a of (await generate(first, templating, sources, {}, depth + 1)).params) {
    for (const b of (await generate(second, templating, sources, a, depth + 1)).params) {
      sets.push(templating.go ? mergedOver(b, a) : combined(a, b));
      if (sets.length > MAX_PARAMS)
        throw templateError(`a matrix makes more than ${MAX_PARAMS} sets of parameters`);
    }
  }
  return sets;
}

async function mergeParams(
  body: JsonObject,
  templating: Templating,
  sources: GeneratorSources,
  depth: number,
): Promise<readonly ValueMap[]> {
  const [base, ...others] = children(body);
  if (base === undefined || others.length === 0) {
    throw templateError('found less than two generators, Merge requires two or more');
  }
  const keys = getArray(body, 'mergeKeys').map(String);
  if (keys.length === 0) throw templateError('no merge keys were specified, Merge requires at least one');
  const byKey = async (generator: JsonObject) =>
    keyed((await generate(generator, templating, sources, {}, depth + 1)).params, keys);
  const result = await byKey(base);
  for (const other of others) {
    const overrides = await byKey(other);
    for (const [key, set] of result) {
      const override = overrides.get(key);
      if (override === undefined) continue;
      result.set(key, templating.go ? mergedOver(set, override) : { ...set, ...override });
    }
  }
  return [...result.values()];
}

function keyed(sets: readonly ValueMap[], keys: readonly string[]): Map<string, ValueMap> {
  const found = new Map<string, ValueMap>();
  for (const set of sets) {
    const key = JSON.stringify(
      Object.fromEntries([...new Set(keys)].toSorted().map((name) => [name, set[name] ?? null])),
    );
    if (found.has(key)) {
      throw templateError(
        `the parameters from a generator were not unique by the given mergeKeys, Merge requires all param sets to be unique. Duplicate key was ${key}`,
      );
    }
    found.set(key, set);
  }
  return found;
}

/** Ms after which a set's generators are asked again; undefined: only when something else happens. */
export function askAgainAfter(generators: readonly JsonValue[], standard: number): number | undefined {
  let shortest: number | undefined;
  for (const generator of generators) {
    const seconds = getNumber(generator, 'git', 'requeueAfterSeconds');
    const own =
      getIn(generator, 'git') === undefined ? undefined : seconds === undefined ? standard : seconds * 1000;
    const inner = ['matrix', 'merge'].flatMap(
      (kind) => askAgainAfter(getArray(generator, kind, 'generators'), standard) ?? [],
    );
    for (const after of own === undefined ? inner : [own, ...inner]) {
      shortest = shortest === undefined ? after : Math.min(shortest, after);
    }
  }
  return shortest;
}
