import { getObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { isRoute, sharesOf } from '../backends.ts';
import { podTemplatePath, templateContainers } from '../workload.ts';
import { asStored } from './compare.ts';
import { additions } from './drift/additions.ts';
import type { Addition } from './drift/additions.ts';
import { knownWriter } from './drift/writers.ts';
import type { KnownWriter } from './drift/writers.ts';
import { writersOf } from './managers.ts';

/** Fields of a container that decide what it runs and with which configuration. */
const DECIDING: ReadonlySet<string | number | undefined> = new Set([
  'command',
  'args',
  'env',
  'envFrom',
  'image',
]);

/** Annotations of an Ingress by which its controller routes: a canary, another backend, another path. */
const ROUTING =
  /^[a-z0-9.-]*ingress\.kubernetes\.io\/(?:canary|rewrite|backend|upstream|server-snippet|configuration-snippet|temporal-redirect|permanent-redirect)/;

/** Whether the field decides what runs, or who gets it; labels, requests and the like do not. */
function decides(object: KubeObject, path: readonly (string | number)[]): boolean {
  if (object.kind === 'ConfigMap' || object.kind === 'Secret')
    return (path[0] === 'data' || path[0] === 'binaryData') && path.length > 1;
  if (object.kind === 'Ingress')
    return path[0] === 'metadata' && path[1] === 'annotations' && ROUTING.test(String(path[2] ?? ''));
  const template = podTemplatePath(object);
  if (template === undefined) return false;
  if (path.length === 2 && path[0] === 'spec') return path[1] === 'paused' || path[1] === 'suspend';
  const below = path.slice(template.length);
  if (!template.every((step, index) => path[index] === step)) return false;
  if (below[0] !== 'spec' || (below[1] !== 'containers' && below[1] !== 'initContainers')) return false;
  // A container as a whole, or what it runs.
  return below.length === 3 || DECIDING.has(below[3]);
}

/** Controllers that call themselves by several names are told by the first word of them. */
function family(manager: string): string {
  return /^[a-z]+/i.exec(manager)?.[0].toLowerCase() ?? manager;
}

/** The delivery tool that wrote the image last: what it leaves in an object is taken out at its next sync. */
function deliversNow(object: KubeObject, live: KubeObject): string | undefined {
  const image = templateContainers(object).at(-1)?.imagePath ?? [];
  const [last] = writersOf(live, image, object).filter(
    (writer) => writer.subresource === undefined && knownWriter(writer).kind === 'delivery',
  );
  return last && family(last.manager);
}

/**
 * What somebody put into a stored object by hand that Git never asked for and that changes what runs, or what another
 * delivery tool left there: no comparison of what Git asks for shows it, and no sync takes it out. A writer that is not
 * known may be an operator that does its duty; of data it may be anybody. Source: the managers of
 * `metadata.managedFields`.
 */
export function addedByHand(object: KubeObject, live: KubeObject): readonly Addition[] {
  const own = deliversNow(object, live);
  const isOwn = (writer: KnownWriter) => writer.kind === 'delivery' && family(writer.manager) === own;
  const holdsData = object.kind === 'ConfigMap' || object.kind === 'Secret';
  const found = additions(asStored(object), live, isOwn).filter(
    ({ path, writer, live: value }) =>
      (writer.kind === 'person' ||
        (!holdsData && (writer.kind === 'delivery' || writer.kind === 'unknown'))) &&
      value !== false &&
      decides(object, path),
  );
  return [...found, ...selectedBesides(object, live), ...routedBesides(object, live)];
}

/** The newest writer of a field that is owned as a whole, where that is a person. */
function personBehind(live: KubeObject, path: readonly string[]): KnownWriter | undefined {
  const [last] = writersOf(live, path);
  const writer = last && knownWriter(last);
  return writer?.kind === 'person' ? writer : undefined;
}

/** A selector is owned as one map: who adds a label to it owns it all, and which label is theirs is not told. */
function selectedBesides(object: KubeObject, live: KubeObject): readonly Addition[] {
  if (object.kind !== 'Service') return [];
  const path = ['spec', 'selector'];
  const asked = getObject(object, ...path) ?? {};
  const writer = personBehind(live, path);
  if (writer === undefined) return [];
  return Object.entries(getObject(live, ...path) ?? {}).flatMap(([label, value]) =>
    asked[label] === undefined ? [{ path: [...path, label], live: value, writer }] : [],
  );
}

/** A Service that a person sends requests to beside those that Git names, or a share that Git does not ask for. */
function routedBesides(object: KubeObject, live: KubeObject): readonly Addition[] {
  if (!isRoute(object)) return [];
  const path = ['spec', 'rules'];
  const writer = personBehind(live, path);
  if (writer === undefined) return [];
  const shares = (route: KubeObject) =>
    sharesOf(route).map(({ namespace, name, weight }) => `${namespace}/${name} ${weight}`);
  const asked = shares({ ...object, metadata: { ...live.metadata } });
  const other = shares(live).find((share) => !asked.includes(share));
  return other === undefined ? [] : [{ path, live: `backend ${other}`, writer }];
}
