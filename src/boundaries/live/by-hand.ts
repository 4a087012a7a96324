import { getObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { podTemplatePath } from '../workload.ts';
import { additions } from './drift/additions.ts';
import type { Addition } from './drift/additions.ts';
import { knownWriter } from './drift/writers.ts';
import { writersOf } from './managers.ts';

/** Fields of a container that decide what it runs and with which configuration. */
const DECIDING: ReadonlySet<string | number | undefined> = new Set([
  'command',
  'args',
  'env',
  'envFrom',
  'image',
]);

/** Whether the field decides what runs; labels, requests and the like do not. */
function decides(object: KubeObject, path: readonly (string | number)[]): boolean {
  if (object.kind === 'ConfigMap') return path[0] === 'data' && path.length > 1;
  const template = podTemplatePath(object);
  if (template === undefined) return false;
  if (path.length === 2 && path[0] === 'spec') return path[1] === 'paused' || path[1] === 'suspend';
  const below = path.slice(template.length);
  if (!template.every((step, index) => path[index] === step)) return false;
  if (below[0] !== 'spec' || (below[1] !== 'containers' && below[1] !== 'initContainers')) return false;
  // A container as a whole, or what it runs.
  return below.length === 3 || DECIDING.has(below[3]);
}

/**
 * What somebody put into a stored object by hand that Git never asked for and that changes what runs: no comparison of
 * what Git asks for shows it, and no sync takes it out. Source: the managers of `metadata.managedFields`.
 */
export function addedByHand(object: KubeObject, live: KubeObject): readonly Addition[] {
  const found = additions(object, live).filter(
    ({ path, writer, live: value }) => writer.kind === 'person' && value !== false && decides(object, path),
  );
  return [...found, ...selectedBesides(object, live)];
}

/** A selector is owned as one map: who adds a label to it owns it all, and which label is theirs is not told. */
function selectedBesides(object: KubeObject, live: KubeObject): readonly Addition[] {
  if (object.kind !== 'Service') return [];
  const path = ['spec', 'selector'];
  const asked = getObject(object, ...path) ?? {};
  const [last] = writersOf(live, path);
  const writer = last && knownWriter(last);
  if (writer?.kind !== 'person') return [];
  return Object.entries(getObject(live, ...path) ?? {}).flatMap(([label, value]) =>
    asked[label] === undefined ? [{ path: [...path, label], live: value, writer }] : [],
  );
}
