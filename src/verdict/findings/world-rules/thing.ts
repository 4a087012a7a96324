import type { ClaimSource } from '../../../boundaries/index.ts';
import { getArray, getIn, isJsonObject } from '../../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../../kernel/index.ts';
import type { WorldObject } from '../../world/index.ts';

type Path = readonly (string | number)[];

/** One object, put together from everything that shows it: a row of a table, describe, its YAML. */
export interface Thing {
  readonly apiVersion: string | undefined;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** True when one source shows all of it: only then is an absent field absent. */
  readonly whole: boolean;
  /** `Deployment/payments/api`, as claims name it. */
  readonly id: string;
  /** How old it was when somebody looked, in ms; undefined where nobody shows it. */
  readonly ageMs: number | undefined;
  /** `deployment/api`, as commands name it. */
  readonly ref: string;
  /** ` -n payments`, or nothing where the namespace is not known. */
  readonly n: string;
  readonly get: (...path: Path) => JsonValue | undefined;
  readonly text: (...path: Path) => string | undefined;
  readonly number: (...path: Path) => number | undefined;
  readonly map: (...path: Path) => JsonObject | undefined;
  /** The objects of a list; empty also where nothing is shown. */
  readonly list: (...path: Path) => readonly JsonObject[];
  readonly cite: (...path: Path) => ClaimSource;
}

/** Where several sources show a list, the one that says most of it counts. */
function richest(facets: readonly WorldObject[], path: Path): WorldObject | undefined {
  const shown = facets.filter((facet) => getIn(facet.value, ...path) !== undefined);
  const [first] = shown;
  if (first === undefined || shown.length === 1 || !Array.isArray(getIn(first.value, ...path))) return first;
  const size = (facet: WorldObject) => JSON.stringify(getArray(facet.value, ...path)).length;
  return shown.reduce((best, facet) => (size(facet) > size(best) ? facet : best));
}

export function thingOf(facets: readonly [WorldObject, ...WorldObject[]]): Thing {
  // What is whole knows best; of two that are not, the later one.
  const ordered = facets.toReversed().toSorted((a, b) => Number(b.whole) - Number(a.whole));
  const [first] = facets;
  const namespace = facets.find((facet) => facet.namespace !== undefined)?.namespace;
  const get = (...path: Path) => {
    const facet = ordered.length === 1 ? ordered[0] : richest(ordered, path);
    return facet === undefined ? undefined : getIn(facet.value, ...path);
  };
  return {
    apiVersion: facets.find((facet) => facet.apiVersion !== undefined)?.apiVersion,
    kind: first.kind,
    namespace,
    name: first.name,
    whole: facets.some((facet) => facet.whole),
    id: [first.kind, namespace, first.name].filter((part) => part !== undefined).join('/'),
    ageMs: facets.find((facet) => facet.ageMs !== undefined)?.ageMs,
    ref: `${first.kind.toLowerCase()}/${first.name}`,
    n: namespace === undefined ? '' : ` -n ${namespace}`,
    get,
    text: (...path) => {
      const value = get(...path);
      return typeof value === 'string' ? value : undefined;
    },
    number: (...path) => {
      const value = get(...path);
      return typeof value === 'number' ? value : undefined;
    },
    map: (...path) => {
      const value = get(...path);
      return isJsonObject(value) ? value : undefined;
    },
    list: (...path) => {
      const value = get(...path);
      return Array.isArray(value) ? value.filter(isJsonObject) : [];
    },
    cite: (...path) => (richest(ordered, path) ?? first).cite(path),
  };
}

/** Objects of one name are one, wherever they are shown; a source that leaves the namespace out means the only one. */
export function thingsOf(objects: readonly WorldObject[]): readonly Thing[] {
  const byName = new Map<string, WorldObject[]>();
  for (const object of objects) {
    const key = `${object.kind}|${object.name}`;
    const list = byName.get(key);
    if (list === undefined) byName.set(key, [object]);
    else list.push(object);
  }
  const things: Thing[] = [];
  for (const list of byName.values()) {
    const namespaces = [...new Set(list.flatMap(({ namespace }) => namespace ?? []))];
    const groups =
      namespaces.length < 2
        ? [list]
        : [
            ...namespaces.map((namespace) => list.filter((object) => object.namespace === namespace)),
            list.filter((object) => object.namespace === undefined),
          ];
    for (const [first, ...rest] of groups) if (first !== undefined) things.push(thingOf([first, ...rest]));
  }
  return things;
}
