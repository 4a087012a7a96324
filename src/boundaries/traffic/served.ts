import { getArray, getIn, getNumber, getObject, getString, jsonEqual, textOf } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { objectName } from '../../kube/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { compareAge, imageName } from '../artifact/index.ts';
import type { ImageFacts } from '../artifact/index.ts';
import { backendsOf, isRoute } from '../backends.ts';
import { valueOf } from '../reading.ts';
import { carriesPods, declaredReplicas, podTemplate, selects, templateContainers } from '../workload.ts';
import type { RouteFacts } from './routes.ts';
import type { ServiceFacts, TrafficFacts } from './facts.ts';
import type { Part } from './service-part.ts';

/** What was rendered, to tell which of several versions of one program users get. */
export interface Serving {
  readonly rendered: readonly KubeObject[];
  readonly images: readonly ImageFacts[];
  /** The image that the delivery is about. */
  readonly leading: ImageFacts | undefined;
  /** File and line of a field. */
  readonly where: (object: KubeObject, path: readonly (string | number)[]) => string | undefined;
}

interface Runner {
  readonly object: KubeObject;
  readonly image: ImageFacts;
}

/** Workloads that run an image of the repository that the delivery is about, and are asked for pods that stay. */
function runnersOf({ rendered, images, leading }: Serving): readonly Runner[] {
  return rendered.flatMap((object) => {
    if (object.kind === 'Job' || object.kind === 'CronJob' || declaredReplicas(object) === 0) return [];
    if (carriesPods(object)) return [];
    for (const { role, image: reference } of templateContainers(object)) {
      const image = images.find((each) => each.reference === reference);
      if (
        role === 'main' &&
        image?.registry === leading?.registry &&
        image?.repository === leading?.repository
      )
        return image === undefined ? [] : [{ object, image }];
    }
    return [];
  });
}

const isSame = (a: ImageFacts, b: ImageFacts) =>
  a.reference === b.reference ||
  (valueOf(a.answer)?.digest ?? a.pinned ?? a.reference) === (valueOf(b.answer)?.digest ?? b.pinned);

function withoutImages(object: KubeObject): JsonObject {
  const spec = getObject(podTemplate(object), 'spec') ?? {};
  const bare = (field: string) =>
    getArray(spec, field).map((container) => ({ ...(container as JsonObject), image: '', name: '' }));
  return { ...spec, containers: bare('containers'), initContainers: bare('initContainers') };
}

function programOf(object: KubeObject): JsonObject {
  return {
    containers: getArray(podTemplate(object), 'spec', 'containers').map((container) => ({
      command: getIn(container, 'command') ?? [],
      args: getIn(container, 'args') ?? [],
      ports: getArray(container, 'ports').map((port) => getNumber(port, 'containerPort') ?? 0),
    })),
  };
}

function hasPorts(object: KubeObject): boolean {
  return getArray(podTemplate(object), 'spec', 'containers').some(
    (container) => getArray(container, 'ports').length > 0,
  );
}

/** `twin`: they differ in nothing but the image. `kin`: they serve the same, set up otherwise, perhaps for another task. */
function kinship(a: Runner, b: Runner): 'twin' | 'kin' | undefined {
  if (a.object.metadata.namespace !== b.object.metadata.namespace || a.object.kind !== b.object.kind)
    return undefined;
  if (jsonEqual(withoutImages(a.object), withoutImages(b.object))) return 'twin';
  return hasPorts(a.object) && jsonEqual(programOf(a.object), programOf(b.object)) ? 'kin' : undefined;
}

function labelsOf(object: KubeObject): Readonly<Record<string, string>> {
  const labels = Object.entries(getObject(podTemplate(object), 'metadata', 'labels') ?? {});
  return Object.fromEntries(labels.map(([key, value]) => [key, textOf(value)]));
}

const liveOf = (service: ServiceFacts) => valueOf(service.live) ?? service.object;
const keyOf = ({ object }: ServiceFacts) => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

function leadsTo(service: ServiceFacts, { object }: Runner): boolean {
  if (service.object.metadata.namespace !== object.metadata.namespace) return false;
  return selects(getObject(liveOf(service), 'spec', 'selector'), labelsOf(object));
}

function isExposed(service: ServiceFacts): boolean {
  const live = liveOf(service);
  return (
    ['LoadBalancer', 'NodePort'].includes(getString(live, 'spec', 'type') ?? '') ||
    getArray(live, 'spec', 'externalIPs').length > 0
  );
}

/** The Services by which users come: those that routes lead to, else those open to the outside, else all. */
function entriesOf(
  services: readonly ServiceFacts[],
  routes: readonly RouteFacts[],
): { readonly routed: boolean; readonly services: readonly ServiceFacts[] } {
  const named = new Set(
    routes.flatMap(({ live }) =>
      live.state === 'read'
        ? backendsOf(live.value).map(({ namespace, name }) => `${namespace}/${name}`)
        : [],
    ),
  );
  const routed = services.filter((service) => named.has(keyOf(service)));
  if (routed.length > 0) return { routed: true, services: routed };
  const exposed = services.filter(isExposed);
  return { routed: false, services: exposed.length > 0 ? exposed : services };
}

/** An object of a kind that is not known here and that names one of the Services, as a mesh's routes do. */
function routedBy({ rendered }: Serving, services: readonly ServiceFacts[]): KubeObject | undefined {
  const names = services.map(({ object }) => object.metadata.name);
  return rendered.find((object) => {
    if (!(object.apiVersion.split('/')[0] ?? '').includes('.') || isRoute(object)) return false;
    if (/(?:^|\.)k8s\.io\//.test(object.apiVersion)) return false;
    const text = JSON.stringify(object.spec ?? {});
    return names.some((name) => text.includes(`"${name}"`) || text.includes(`"${name}.`));
  });
}

const named = ({ object, image }: Runner) => `${objectName(object)} (${imageName(image)})`;

function selectorText(service: ServiceFacts): string {
  return Object.entries(getObject(liveOf(service), 'spec', 'selector') ?? {})
    .map(([key, value]) => `${key}=${textOf(value)}`)
    .join(',');
}

/** The line of the selector, or of the route, that would have to change. */
function whereToMend(
  serving: Serving,
  entry: ServiceFacts,
  unserved: Runner,
  facts: TrafficFacts,
): { readonly where?: string; readonly hint: string } {
  const own = facts.services.find((service) => leadsTo(service, unserved));
  const route = facts.routes?.find(
    ({ live }) =>
      live.state === 'read' &&
      backendsOf(live.value).some(({ namespace, name }) => `${namespace}/${name}` === keyOf(entry)),
  );
  const at = (where: string | undefined) => (where === undefined ? {} : { where });
  if (own !== undefined && route !== undefined) {
    const where = serving.where(route.object, ['spec', 'rules']) ?? serving.where(route.object, ['spec']);
    return {
      ...at(where),
      hint: `Lead ${objectName(route.object)} to ${objectName(own.object)}${where === undefined ? '' : ` (${where})`}, or take the other version out.`,
    };
  }
  const labels = labelsOf(unserved.object);
  const selector = Object.entries(getObject(liveOf(entry), 'spec', 'selector') ?? {});
  const key = selector.find(([name, value]) => labels[name] !== value)?.[0];
  const where =
    (key === undefined ? undefined : serving.where(entry.object, ['spec', 'selector', key])) ??
    serving.where(entry.object, ['spec', 'selector']);
  const wanted = key === undefined || labels[key] === undefined ? '' : ` by ${key}: ${labels[key]}`;
  return {
    ...at(where),
    hint: `Let ${objectName(entry.object)} select ${objectName(unserved.object)}${wanted}${where === undefined ? '' : ` (${where})`}, or take the other version out.`,
  };
}

/** Two Services that lead to versions of one program: what they select by has something in common. */
function overlaps(a: ServiceFacts, b: ServiceFacts): boolean {
  const other = getObject(liveOf(b), 'spec', 'selector') ?? {};
  return Object.entries(getObject(liveOf(a), 'spec', 'selector') ?? {}).some(
    ([key, value]) => other[key] === value,
  );
}

function partOf(unserved: Runner, runners: readonly Runner[], serving: Serving, facts: TrafficFacts) {
  const family = runners.filter((other) => other === unserved || kinship(other, unserved) !== undefined);
  const services = facts.services.filter((service) => family.some((runner) => leadsTo(service, runner)));
  const entries = entriesOf(services, facts.routes ?? []);
  const reached = family.filter((runner) => entries.services.some((service) => leadsTo(service, runner)));
  const hasIt = reached.some(({ image }) => isSame(image, unserved.image));
  for (const other of reached) {
    if (isSame(other.image, unserved.image)) continue;
    const age = compareAge(unserved.image, other.image);
    if (age !== undefined && age < 0) continue;
    const entry = entries.services.find((service) => leadsTo(service, other));
    if (entry === undefined) continue;
    const kin = kinship(other, unserved);
    const told = `${objectName(entry.object)} selects ${selectorText(entry)}, which is ${named(other)}`;
    const mend = whereToMend(serving, entry, unserved, facts);
    if (hasIt) {
      const own = entries.services.filter((service) =>
        reached.some(
          ({ image, object }) => isSame(image, unserved.image) && leadsTo(service, { image, object }),
        ),
      );
      const apart = !entries.routed && !own.includes(entry);
      if (!apart || age === undefined || !(kin === 'twin' || own.some((service) => overlaps(service, entry))))
        continue;
      return {
        state: 'unknown' as const,
        reason: 'served-undecided',
        text: `${told}, and ${objectName(own[0]?.object ?? entry.object)} ${named(unserved)}: which of them users come by is not known`,
        headline: imageName(other.image),
        ...mend,
      };
    }
    const mesh = routedBy(serving, services);
    const sure = kin === 'twin' && age !== undefined && mesh === undefined;
    if (sure)
      return {
        state: 'broken' as const,
        reason: 'other-version-served',
        text: `nobody is served by ${named(unserved)}: ${told}`,
        headline: imageName(other.image),
        ...mend,
      };
    const why =
      mesh !== undefined
        ? `${objectName(mesh)} may lead users elsewhere`
        : age === undefined
          ? 'which of the two is the release cannot be told'
          : 'they are set up differently, and may have different tasks';
    return {
      state: 'unknown' as const,
      reason: 'served-undecided',
      text: `no Service that users come by leads to ${named(unserved)}: ${told}; ${why}`,
      headline: imageName(other.image),
      ...mend,
    };
  }
  return undefined;
}

/** Of several versions of one program in one application, the newest has to be the one that users get. */
export function servedParts(facts: TrafficFacts): readonly Part[] {
  const { serving } = facts;
  if (serving?.leading === undefined) return [];
  const runners = runnersOf(serving);
  const parts = runners.flatMap((runner) => partOf(runner, runners, serving, facts) ?? []);
  return [...parts.filter(({ state }) => state === 'broken'), ...parts].slice(0, 1);
}
