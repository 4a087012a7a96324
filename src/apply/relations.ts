import { getArray, getIn, getObject, getString, isJsonObject, textOf } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { splitApiVersion } from '../kube/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { isWorkload, objectKey, podTemplate, podTemplatePath, selects } from '../boundaries/index.ts';
import type { RenderedFacts } from '../boundaries/index.ts';

type Path = readonly (string | number)[];

/** Something of the set that names an object which is neither in the set nor, maybe, in the cluster. */
export interface Reference {
  readonly from: RenderedFacts;
  readonly path: Path;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Key of a ConfigMap or Secret that has to be in it. */
  readonly key: string | undefined;
}

export interface Relation {
  readonly facts: RenderedFacts;
  readonly path: Path;
  readonly message: string;
  /** Nothing is wrong where the cluster has pods with these labels: somebody else delivers them. */
  readonly unlessPods?: Readonly<Record<string, string>>;
}

export interface Relations {
  /** What does not fit together within the set. */
  readonly problems: readonly Relation[];
  /** What the cluster has to have. */
  readonly references: readonly Reference[];
}

/** What of a set names something else of it: Services their pods, pods their configuration, autoscalers their target. */
export function relationsOf(set: readonly RenderedFacts[]): Relations {
  const problems: Relation[] = [...twice(set)];
  const references: Reference[] = [];
  const byKey = new Map(set.map((facts) => [objectKey(facts.object), facts]));
  const need = (
    from: RenderedFacts,
    path: Path,
    kind: string,
    name: JsonValue | undefined,
    more: More = {},
  ) => {
    if (typeof name !== 'string' || name === '') return;
    const { apiVersion = 'v1', key, optional } = more;
    if (optional === true) return;
    const namespace = from.object.metadata.namespace ?? '';
    const wanted: KubeObject = { apiVersion, kind, metadata: { name, namespace } };
    const found = byKey.get(objectKey(wanted));
    if (found === undefined) references.push({ from, path, apiVersion, kind, namespace, name, key });
    else if (key !== undefined && !keysOf(found.object).has(key)) {
      problems.push({ facts: from, path, message: `${kind}/${name} of this set has no key ${key}` });
    }
  };
  for (const facts of set) {
    const { object } = facts;
    if (isWorkload(object)) podNeeds(facts, need);
    if (object.kind === 'Service' && object.apiVersion === 'v1') problems.push(...servicePairs(facts, set));
    if (object.kind === 'HorizontalPodAutoscaler') {
      const target = getObject(object, 'spec', 'scaleTargetRef');
      const kind = getString(target, 'kind') ?? '';
      const apiVersion = getString(target, 'apiVersion') ?? 'apps/v1';
      need(facts, ['spec', 'scaleTargetRef', 'name'], kind, target?.['name'], { apiVersion });
    }
  }
  return { problems, references };
}

interface More {
  readonly apiVersion?: string;
  readonly key?: string;
  readonly optional?: boolean;
}

type Need = (from: RenderedFacts, path: Path, kind: string, name: JsonValue | undefined, more?: More) => void;

function twice(set: readonly RenderedFacts[]): readonly Relation[] {
  const seen = new Map<string, RenderedFacts>();
  const problems: Relation[] = [];
  for (const facts of set) {
    const key = objectKey(facts.object);
    const first = seen.get(key);
    seen.set(key, first ?? facts);
    if (first === undefined) continue;
    const [source] = first.why(['metadata', 'name']);
    const where = source === undefined ? '' : `, first at ${source.file}:${source.line}`;
    problems.push({ facts, path: ['metadata', 'name'], message: `the set has it twice${where}` });
  }
  return problems;
}

export function keysOf(object: KubeObject): ReadonlySet<string> {
  return new Set(
    ['data', 'stringData', 'binaryData'].flatMap((field) => {
      const map = object[field];
      return isJsonObject(map) ? Object.keys(map) : [];
    }),
  );
}

function podNeeds(facts: RenderedFacts, need: Need): void {
  const root: Path = [...(podTemplatePath(facts.object) ?? []), 'spec'];
  const spec = getObject(podTemplate(facts.object), 'spec');
  const account = getString(spec, 'serviceAccountName');
  if (account !== 'default') need(facts, [...root, 'serviceAccountName'], 'ServiceAccount', account);
  for (const list of ['initContainers', 'containers']) {
    for (const [index, container] of getArray(spec, list).entries()) {
      containerNeeds(facts, [...root, list, index], container, need);
    }
  }
  for (const [index, volume] of getArray(spec, 'volumes').entries()) {
    const at: Path = [...root, 'volumes', index];
    volumeNeeds(facts, at, volume, need);
    for (const [place, source] of getArray(volume, 'projected', 'sources').entries()) {
      const inner: Path = [...at, 'projected', 'sources', place];
      for (const [field, kind] of [
        ['configMap', 'ConfigMap'],
        ['secret', 'Secret'],
      ] as const) {
        const optional = getIn(source, field, 'optional') === true;
        need(facts, [...inner, field, 'name'], kind, getIn(source, field, 'name'), { optional });
      }
    }
  }
}

function containerNeeds(facts: RenderedFacts, at: Path, container: JsonValue, need: Need): void {
  for (const [index, source] of getArray(container, 'envFrom').entries()) {
    for (const [field, kind] of [
      ['configMapRef', 'ConfigMap'],
      ['secretRef', 'Secret'],
    ] as const) {
      const optional = getIn(source, field, 'optional') === true;
      need(facts, [...at, 'envFrom', index, field, 'name'], kind, getIn(source, field, 'name'), { optional });
    }
  }
  for (const [index, entry] of getArray(container, 'env').entries()) {
    for (const [field, kind] of [
      ['configMapKeyRef', 'ConfigMap'],
      ['secretKeyRef', 'Secret'],
    ] as const) {
      const reference = getObject(entry, 'valueFrom', field);
      const key = getString(reference, 'key');
      const optional = reference?.['optional'] === true;
      need(facts, [...at, 'env', index, 'valueFrom', field, 'name'], kind, reference?.['name'], {
        optional,
        ...(key === undefined ? {} : { key }),
      });
    }
  }
}

function volumeNeeds(facts: RenderedFacts, at: Path, volume: JsonValue, need: Need): void {
  const optional = (field: string) => ({ optional: getIn(volume, field, 'optional') === true });
  need(
    facts,
    [...at, 'configMap', 'name'],
    'ConfigMap',
    getIn(volume, 'configMap', 'name'),
    optional('configMap'),
  );
  need(
    facts,
    [...at, 'secret', 'secretName'],
    'Secret',
    getIn(volume, 'secret', 'secretName'),
    optional('secret'),
  );
  const claim: Path = [...at, 'persistentVolumeClaim', 'claimName'];
  need(facts, claim, 'PersistentVolumeClaim', getIn(volume, 'persistentVolumeClaim', 'claimName'));
}

/**
 * A Service whose selector means pods of the set must mean a whole template, and each of its ports a port of it. A
 * selector that shares no label with any of them may mean pods that others deliver: nothing is said of it.
 */
function servicePairs(service: RenderedFacts, set: readonly RenderedFacts[]): readonly Relation[] {
  const { object } = service;
  const selector = getObject(object, 'spec', 'selector');
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const workloads = set.filter(
    (facts) => isWorkload(facts.object) && facts.object.metadata.namespace === object.metadata.namespace,
  );
  const labelsOf = (facts: RenderedFacts) =>
    (getObject(podTemplate(facts.object), 'metadata', 'labels') ?? {}) as Record<string, string>;
  const chosen = workloads.filter((facts) => selects(selector, labelsOf(facts)));
  if (chosen.length === 0) {
    const near = workloads.find((facts) => {
      const labels = labelsOf(facts);
      return Object.keys(selector).some((key) => labels[key] !== undefined);
    });
    if (near === undefined) return [];
    const labels = labelsOf(near);
    const wrong = Object.entries(selector).find(([key, value]) => labels[key] !== value);
    const [key = '', value = ''] = wrong ?? [];
    const { kind, metadata } = near.object;
    return [
      {
        facts: service,
        path: ['spec', 'selector', key],
        unlessPods: selector as Record<string, string>,
        message: `it selects no pods of this set: it wants ${key}=${textOf(value)}, and ${kind}/${metadata.name} has ${
          labels[key] === undefined ? 'no such label' : `${key}=${labels[key]}`
        }`,
      },
    ];
  }
  return getArray(object, 'spec', 'ports').flatMap((port, index) => {
    const target = getIn(port, 'targetPort');
    // A number reaches whatever listens there, declared or not; only a name has to be declared.
    if (typeof target !== 'string' || /^\d+$/.test(target)) {
      return undeclared(service, chosen, index, Number(target ?? getIn(port, 'port')));
    }
    const named = chosen.some((facts) =>
      portsOf(facts.object).some((each) => getString(each, 'name') === target),
    );
    if (named) return [];
    return [
      {
        facts: service,
        path: ['spec', 'ports', index, 'targetPort'],
        message: `targetPort ${target} is the name of no container port of ${namesOf(chosen)}`,
      },
    ];
  });
}

function undeclared(
  service: RenderedFacts,
  chosen: readonly RenderedFacts[],
  index: number,
  target: number,
): readonly Relation[] {
  const declared = chosen.flatMap((facts) =>
    portsOf(facts.object).map((port) => getIn(port, 'containerPort')),
  );
  if (declared.length === 0 || declared.includes(target)) return [];
  return [
    {
      facts: service,
      path: ['spec', 'ports', index, 'targetPort'],
      message: `targetPort ${target} is no container port of ${namesOf(chosen)}, which has ${[...new Set(declared)].map(textOf).join(', ')}`,
    },
  ];
}

function namesOf(chosen: readonly RenderedFacts[]): string {
  return chosen.map(({ object }) => `${object.kind}/${object.metadata.name}`).join(', ');
}

function portsOf(object: KubeObject): readonly JsonValue[] {
  return getArray(podTemplate(object), 'spec', 'containers').flatMap((container) =>
    getArray(container, 'ports'),
  );
}

/** Groups of the API that nobody's operator brings. */
const BUILT_IN = /^(?:|apps|batch|autoscaling|policy|[a-z0-9.-]+\.k8s\.io)$/;

/** A custom resource of the set that names what is wanted: its operator may be the one who makes it. */
export function mayBeMadeBy(reference: Reference, set: readonly RenderedFacts[]): KubeObject | undefined {
  return set
    .map(({ object }) => object)
    .find(
      (object) =>
        !BUILT_IN.test(splitApiVersion(object.apiVersion).group) &&
        (object.metadata.name === reference.name || mentions(object['spec'], reference.name)),
    );
}

function mentions(value: JsonValue | undefined, text: string): boolean {
  if (value === text) return true;
  if (Array.isArray(value)) return value.some((item) => mentions(item, text));
  return isJsonObject(value) && Object.values(value).some((item) => mentions(item, text));
}
