import { getArray, getNumber, getString, textOf } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import type { View } from './view.ts';

const selectorOf = (service: Thing) => service.map('spec', 'selector') ?? {};

function fits(selector: JsonObject, labels: JsonObject | undefined): boolean {
  const wanted = Object.entries(selector);
  return wanted.length > 0 && labels !== undefined && wanted.every(([key, value]) => labels[key] === value);
}

function sameSpace(a: Thing, b: Thing): boolean {
  return a.namespace === undefined || b.namespace === undefined || a.namespace === b.namespace;
}

const shown = (labels: JsonObject) =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${textOf(value)}`)
    .join(',');

/** The ready addresses behind a Service; undefined where no source shows them. */
export function endpointsOf(
  view: View,
  service: Thing,
): { readonly ready: number; readonly source: Thing } | undefined {
  const slices = view
    .kind('EndpointSlice')
    .filter(
      (slice) =>
        sameSpace(slice, service) &&
        (slice.text('metadata', 'labels', 'kubernetes.io/service-name') === service.name ||
          (slice.map('metadata', 'labels') === undefined && slice.name.startsWith(`${service.name}-`))),
    );
  const [slice] = slices;
  if (slice !== undefined)
    return {
      source: slice,
      ready: slices.reduce(
        (sum, item) =>
          sum +
          item
            .list('endpoints')
            .filter((endpoint) => (endpoint['conditions'] as JsonObject | undefined)?.['ready'] !== false)
            .length,
        0,
      ),
    };
  const old = view.find('Endpoints', service.namespace, service.name);
  if (old?.get('subsets') === undefined && old?.whole !== true) return undefined;
  return old === undefined
    ? undefined
    : {
        source: old,
        ready: old.list('subsets').reduce((sum, subset) => sum + getArray(subset, 'addresses').length, 0),
      };
}

/** Items by their namespace, found without looking at those of others; one that shows none belongs to each. */
function bySpace<T>(
  items: readonly T[],
  spaceOf: (item: T) => string | undefined,
): (space: string | undefined) => readonly T[] {
  const groups = new Map<string | undefined, T[]>();
  for (const item of items) {
    const group = groups.get(spaceOf(item));
    if (group === undefined) groups.set(spaceOf(item), [item]);
    else group.push(item);
  }
  const nowhere = groups.get(undefined) ?? [];
  return (space) => (space === undefined ? items : [...(groups.get(space) ?? []), ...nowhere]);
}

interface Template {
  readonly thing: Thing;
  readonly labels: JsonObject;
}

function templates(view: View): readonly Template[] {
  return view.declared('Deployment', 'StatefulSet', 'DaemonSet', 'Rollout').flatMap((thing) => {
    const labels =
      thing.map('spec', 'template', 'metadata', 'labels') ?? thing.map('spec', 'selector', 'matchLabels');
    return labels === undefined ? [] : [{ thing, labels }];
  });
}

/** The workload that a Service was probably meant for: shares most labels, or its name. */
function meant(service: Thing, all: readonly Template[]): Template | undefined {
  const selector = Object.entries(selectorOf(service));
  const scored = all
    .filter(({ thing }) => sameSpace(thing, service))
    .map((template) => ({
      template,
      score:
        selector.filter(([key, value]) => template.labels[key] === value).length * 2 +
        (template.thing.name === service.name ||
        service.name.startsWith(template.thing.name) ||
        template.thing.name.startsWith(service.name)
          ? 1
          : 0),
    }))
    .toSorted((a, b) => b.score - a.score);
  const [best] = scored;
  return best === undefined || best.score === 0 ? undefined : best.template;
}

/** TRA-01: a Service that selects nothing, and by which label. A Service whose pods are only not ready is no case. */
function selectsNothing(view: View, all: readonly Template[]): Draft[] {
  const labelled = bySpace(
    view.pods.filter((pod) => pod.thing.map('metadata', 'labels') !== undefined),
    (pod) => pod.namespace,
  );
  const made = bySpace(all, ({ thing }) => thing.namespace);
  return view.declared('Service').flatMap((service): Draft[] => {
    const selector = selectorOf(service);
    if (Object.keys(selector).length === 0 || service.text('spec', 'type') === 'ExternalName') return [];
    const pods = labelled(service.namespace);
    if (pods.some((pod) => fits(selector, pod.thing.map('metadata', 'labels')))) return [];
    const near = made(service.namespace);
    if (near.some(({ labels }) => fits(selector, labels))) return [];
    const target = meant(service, near);
    const endpoints = endpointsOf(view, service);
    if (endpoints !== undefined && endpoints.ready > 0) return [];
    // Other pods are no evidence: those of this Service may simply not be shown.
    const alike =
      target !== undefined &&
      (target.thing.name === service.name ||
        Object.entries(selector).some(([key, value]) => target.labels[key] === value));
    if (endpoints === undefined && !alike) return [];
    const labels = target?.labels ?? pods[0]?.thing.map('metadata', 'labels') ?? {};
    const wrong = Object.entries(selector).filter(([key, value]) => labels[key] !== value);
    const detail = wrong
      .map(
        ([key, value]) =>
          `${key}=${textOf(value)} (pods: ${key in labels ? textOf(labels[key]) : 'no such label'})`,
      )
      .join(', ');
    const desired = view.desired.includes(service);
    return [
      {
        failure: 'TRA-01',
        id: 'service-selects-nothing',
        boundary: 'traffic',
        title: `the Service ${service.name} selects no pod: ${detail === '' ? shown(selector) : detail}`,
        confidence:
          endpoints === undefined ? 0.88 : target !== undefined ? 0.96 : pods.length > 0 ? 0.85 : 0.6,
        why: [
          `Its selector is ${shown(selector)}; ${target === undefined ? 'no pod that is known has these labels' : `${target.thing.id} gives its pods ${shown(target.labels)}`}.`,
          'A Service without endpoints refuses or times out, whatever its pods do.',
        ],
        claims: [
          view.about('traffic', service, 'selector', shown(selector), 'spec', 'selector'),
          ...(target === undefined
            ? []
            : [
                view.about(
                  'traffic',
                  target.thing,
                  'pod labels',
                  shown(target.labels),
                  'spec',
                  'template',
                  'metadata',
                  'labels',
                ),
              ]),
          ...(endpoints === undefined
            ? []
            : [view.about('traffic', endpoints.source, 'ready endpoints', '0')]),
        ],
        misleading: [
          [
            'pods 1/1 ready, Deployment and Service healthy',
            'each by itself; nobody looks at what is between them',
          ],
        ],
        now: [
          `Correct the selector of the Service, or the labels of the template, in Git${desired ? '' : ' and in the cluster'}.`,
          `kubectl get service ${service.name}${service.n} -o jsonpath='{.spec.selector}'`,
          `kubectl get pods${service.n} --show-labels`,
        ],
        lasting: [
          'Check before the merge that every Service selects something (landfall check), and require endpoints before a release counts as landed.',
        ],
        verify: [`kubectl get endpointslices${service.n} -l kubernetes.io/service-name=${service.name}`],
        can: 'commit',
        space: service.namespace,
      },
    ];
  });
}

/** TRA-02: ports that no container of the selected pods has. */
function wrongPorts(view: View, all: readonly Template[]): Draft[] {
  return view.declared('Service').flatMap((service): Draft[] => {
    const selector = selectorOf(service);
    const targets = all.filter(({ thing, labels }) => sameSpace(thing, service) && fits(selector, labels));
    const [target] = targets;
    if (target === undefined) return [];
    const containers = target.thing.list('spec', 'template', 'spec', 'containers');
    const ports = containers.flatMap((container) => getArray(container, 'ports'));
    if (!target.thing.whole) return [];
    return service.list('spec', 'ports').flatMap((port, index): Draft[] => {
      const wanted = port['targetPort'] ?? port['port'];
      if (typeof wanted === 'string') {
        if (ports.some((item) => getString(item, 'name') === wanted)) return [];
      } else if (
        typeof wanted !== 'number' ||
        ports.length === 0 ||
        ports.some((item) => getNumber(item, 'containerPort') === wanted)
      )
        return [];
      const probed = containers.some((container) =>
        [container['readinessProbe'], container['livenessProbe']].some(
          (probe) =>
            getNumber(probe, 'httpGet', 'port') === wanted ||
            getNumber(probe, 'tcpSocket', 'port') === wanted,
        ),
      );
      if (probed) return [];
      const named = ports
        .map((item) =>
          [getString(item, 'name'), getNumber(item, 'containerPort')]
            .filter((part) => part !== undefined)
            .join(':'),
        )
        .join(', ');
      const isName = typeof wanted === 'string';
      return [
        {
          failure: 'TRA-02',
          id: 'service-port-wrong',
          boundary: 'traffic',
          title: `the Service ${service.name} sends to port ${textOf(wanted)}, which ${target.thing.id} does not ${isName ? 'name' : 'declare'}`,
          // A number may be open without being declared; a name that nobody has leads nowhere.
          confidence: isName ? 0.95 : 0.82,
          why: [
            `The containers declare ${named === '' ? 'no port' : named}. ${isName ? 'A name that no container has makes no endpoint.' : 'Connections to another port are refused.'}`,
          ],
          claims: [
            view.about(
              'traffic',
              service,
              'targetPort',
              textOf(wanted),
              'spec',
              'ports',
              index,
              'targetPort',
            ),
            view.about(
              'traffic',
              target.thing,
              'containerPorts',
              named,
              'spec',
              'template',
              'spec',
              'containers',
              0,
              'ports',
            ),
          ],
          misleading: [
            ['endpoints are there and pods are ready', 'the probe asks another port than users do'],
          ],
          now: [
            'Correct targetPort in Git; names are better than numbers.',
            `kubectl port-forward service/${service.name}${service.n} 8080:${textOf(port['port'] ?? '')}`,
          ],
          lasting: ['Check ports before the merge (landfall check), and probe through the Service.'],
          verify: [
            `kubectl get endpointslices${service.n} -l kubernetes.io/service-name=${service.name} -o yaml`,
          ],
          can: 'commit',
          space: service.namespace,
        },
      ];
    });
  });
}

/** LIV-08: two workloads claim the same pods, or a Service mixes two applications. */
function overlaps(view: View, all: readonly Template[]): Draft[] {
  const drafts: Draft[] = [];
  const byKind = all.filter(({ thing }) => thing.kind === 'Deployment' || thing.kind === 'StatefulSet');
  for (const [index, one] of byKind.entries()) {
    const selector = one.thing.map('spec', 'selector', 'matchLabels');
    if (selector === undefined) continue;
    const others = byKind
      .slice(index + 1)
      .filter(
        ({ thing, labels }) =>
          thing.kind === one.thing.kind &&
          sameSpace(thing, one.thing) &&
          thing.name !== one.thing.name &&
          fits(selector, labels) &&
          fits(thing.map('spec', 'selector', 'matchLabels') ?? {}, one.labels),
      );
    for (const other of others)
      drafts.push(
        overlapDraft(
          view,
          one.thing,
          `${one.thing.id} and ${other.thing.id} select the same pods: ${shown(selector)}`,
          [one.thing, other.thing],
          0.92,
          'cause',
        ),
      );
  }
  for (const service of view.declared('Service')) {
    const selector = selectorOf(service);
    const targets = all.filter(
      ({ thing, labels }) =>
        sameSpace(thing, service) && fits(selector, labels) && thing.number('spec', 'replicas') !== 0,
    );
    if (targets.length < 2 || drafts.some(({ space }) => space === service.namespace)) continue;
    const related = targets.every(({ thing }) =>
      /canary|primary|stable|blue|green|preview|baseline|-v\d+$/.test(thing.name),
    );
    const images = new Set(
      targets.map(
        ({ thing }) =>
          (getString(thing.list('spec', 'template', 'spec', 'containers')[0], 'image') ?? '').split(
            /[:@]/,
          )[0],
      ),
    );
    const [first] = targets;
    if (related || images.size < 2 || first === undefined) continue;
    drafts.push(
      overlapDraft(
        view,
        service,
        `the Service ${service.name} sends users to ${targets.map(({ thing }) => thing.id).join(' and ')}`,
        [service, ...targets.map(({ thing }) => thing)],
        0.8,
        'cause',
      ),
    );
  }
  return drafts;
}

function overlapDraft(
  view: View,
  thing: Thing,
  title: string,
  things: readonly Thing[],
  confidence: number,
  kind: 'cause' | 'risk',
): Draft {
  const boundary = thing.kind === 'Service' ? 'traffic' : 'live';
  return {
    failure: 'LIV-08',
    id: 'selectors-overlap',
    boundary,
    kind,
    title,
    confidence,
    why: [
      'A selector is the only thing that tells whose a pod is. Where two mean the same pods, answers alternate between applications and controllers take pods from each other.',
    ],
    claims: things.map((item) =>
      view.about(
        boundary,
        item,
        'selector',
        shown(item.map('spec', 'selector', 'matchLabels') ?? item.map('spec', 'selector') ?? {}),
        'spec',
        'selector',
      ),
    ),
    misleading: [['endpoints are there, probes pass', 'some of them are of the other application']],
    now: [
      'Give each its own label, in Git; the selector of a Deployment cannot be changed, so create it anew.',
      `kubectl get pods${thing.n} --show-labels`,
    ],
    lasting: ['Check before the merge that selectors are unique in a namespace (landfall check).'],
    verify: [`kubectl get endpointslices${thing.n}`],
    can: 'commit',
    space: thing.namespace,
  };
}

/** TRA-01, TRA-02, LIV-08: from the Service to the container. */
export const servicesRule: WorldRule = (view) => {
  const all = templates(view);
  return [...selectsNothing(view, all), ...wrongPorts(view, all), ...overlaps(view, all)];
};
