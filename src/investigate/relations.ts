import type { BoundaryName } from '../boundaries/index.ts';
import { getArray, getIn, getObject, jsonEqual, textOf } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import type { World, WorldObject } from '../verdict/index.ts';
import type { Draft } from './draft.ts';
import { shortened } from './shorten.ts';
import { subjectOf, WORKLOADS } from './trace.ts';
import { claimOf, inSpace } from './trouble/index.ts';

const MOST_SERVICES = 500;

/** What may be one namespace: not every source says which. */
function isNear(one: WorldObject, other: WorldObject): boolean {
  return one.namespace === undefined || other.namespace === undefined || one.namespace === other.namespace;
}

function templateOf({ kind, value }: WorldObject): JsonValue | undefined {
  return kind === 'Pod' ? value : getIn(value, 'spec', 'template');
}

function pairsOf(labels: JsonObject): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${textOf(value)}`)
    .join(',');
}

function endpointsOf({ name, namespace }: WorldObject): string {
  return `kubectl get endpoints ${name}${inSpace(namespace)}`;
}

interface Labelled {
  readonly each: WorldObject;
  readonly labels: JsonObject;
}

/** A Service whose selector fits no pod, beside the workload that was most likely meant. */
function selectorDraft(
  service: WorldObject,
  selector: JsonObject,
  meant: Labelled,
  boundary: BoundaryName,
): Draft {
  const { each, labels } = meant;
  const [wanted, had] = [pairsOf(selector), pairsOf(labels)];
  return {
    id: 'selector-matches-nothing',
    boundary,
    title: `Service ${service.name} selects ${wanted}, and no pod has these labels: ${each.kind} ${each.name} has ${had}`,
    confidence: 0.6,
    explanation: ['A Service without matching pods has no endpoints, whatever the health of the pods.'],
    claims: [
      claimOf(boundary, subjectOf(service), 'selector', wanted, service.cite(['spec', 'selector'])),
      claimOf(boundary, subjectOf(each), 'labels', had, each.cite(['metadata', 'labels'])),
    ],
    check: endpointsOf(service),
    now: 'Make the selector and the labels of the pod template agree, in Git.',
  };
}

/** A Service that sends to a port which the containers of a workload that it selects do not declare. */
function portDraft(service: WorldObject, each: WorldObject, boundary: BoundaryName): Draft | undefined {
  const containers = getArray(templateOf(each), 'spec', 'containers');
  const ports = containers.flatMap((container) => getArray(container, 'ports'));
  if (ports.length === 0) return undefined;
  const wrong = getArray(service.value, 'spec', 'ports').find((port) => {
    const target = getIn(port, 'targetPort') ?? (service.whole ? getIn(port, 'port') : undefined);
    return (
      target !== undefined &&
      !ports.some((own) => getIn(own, 'containerPort') === target || getIn(own, 'name') === target)
    );
  });
  if (wrong === undefined) return undefined;
  const target = textOf(getIn(wrong, 'targetPort') ?? getIn(wrong, 'port'));
  const declared = ports.map((own) => textOf(getIn(own, 'containerPort'))).join(', ');
  return {
    id: 'target-port-differs',
    boundary,
    title: `Service ${service.name} sends to port ${target}; the containers of ${each.kind} ${each.name} declare ${declared}`,
    confidence: 0.5,
    explanation: [
      'A declared port is documentation, so this proves nothing alone; a named port that no container has leaves the Service without endpoints.',
    ],
    claims: [
      claimOf(boundary, subjectOf(service), 'targetPort', target, service.cite(['spec', 'ports'])),
      claimOf(
        boundary,
        subjectOf(each),
        'containerPorts',
        declared,
        each.cite(['spec', 'template', 'spec', 'containers']),
      ),
    ],
    check: endpointsOf(service),
    now: 'Send to a port on which the container listens.',
  };
}

function serviceDrafts(
  service: WorldObject,
  workloads: readonly WorldObject[],
  boundary: BoundaryName,
): readonly Draft[] {
  const selector = getObject(service.value, 'spec', 'selector');
  if (selector === undefined || Object.keys(selector).length === 0) return [];
  const labelled = workloads.flatMap((each): readonly Labelled[] => {
    const labels = getObject(templateOf(each), 'metadata', 'labels');
    return labels === undefined || !isNear(each, service) ? [] : [{ each, labels }];
  });
  const pairs = Object.entries(selector);
  const chosen = labelled.filter(({ labels }) => pairs.every(([key, value]) => labels[key] === value));
  if (chosen.length > 0) {
    for (const { each } of chosen) {
      const draft = portDraft(service, each, boundary);
      if (draft !== undefined) return [draft];
    }
    return [];
  }
  const meant = labelled.find(
    ({ each, labels }) =>
      pairs.some(([key, value]) => labels[key] === value) ||
      each.name.startsWith(service.name) ||
      service.name.startsWith(each.name),
  );
  return meant === undefined ? [] : [selectorDraft(service, selector, meant, boundary)];
}

/** A ConfigMap whose data in the cluster is another than Git's. */
function configurationDraft(wanted: WorldObject, live: WorldObject | undefined): Draft | undefined {
  const [a, b] = [getObject(wanted.value, 'data'), getObject(live?.value, 'data')];
  if (live === undefined || a === undefined || b === undefined || jsonEqual(a, b)) return undefined;
  const key = Object.keys({ ...a, ...b }).find((each) => a[each] !== b[each]) ?? '';
  return {
    id: 'configuration-differs',
    boundary: 'live',
    title: `ConfigMap ${wanted.name} differs between Git and the cluster at ${key}`,
    confidence: 0.55,
    explanation: [`Git: ${shortened(textOf(a[key]))}; cluster: ${shortened(textOf(b[key]))}.`],
    claims: [
      claimOf('render', subjectOf(wanted), key, textOf(a[key]), wanted.cite(['data', key])),
      claimOf('live', subjectOf(live), key, textOf(b[key]), live.cite(['data', key])),
    ],
    check: `kubectl get configmap ${live.name}${inSpace(live.namespace)} -o yaml --show-managed-fields`,
    now: 'Decide which side is meant: accept the live value into Git, or sync.',
  };
}

/** Selectors and ports that name what is not there; configuration that is another than Git's. */
export function relationDrafts(world: World): readonly Draft[] {
  const ofServices = (
    [
      [world.live, 'traffic'],
      [world.desired, 'render'],
    ] as const
  ).flatMap(([objects, boundary]) => {
    const workloads = objects.filter(({ kind }) => WORKLOADS.has(kind) || kind === 'Pod');
    const services = objects.filter(({ kind }) => kind === 'Service').slice(0, MOST_SERVICES);
    return services.flatMap((service) => serviceDrafts(service, workloads, boundary));
  });
  const isConfigMap = ({ kind }: WorldObject) => kind === 'ConfigMap';
  const ofConfiguration = world.desired.filter(isConfigMap).flatMap((wanted) => {
    const live = world.live.find(
      (each) => isConfigMap(each) && each.name === wanted.name && isNear(each, wanted),
    );
    return configurationDraft(wanted, live) ?? [];
  });
  return [...ofServices, ...ofConfiguration];
}
