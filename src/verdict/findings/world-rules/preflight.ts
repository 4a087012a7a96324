import { getArray, getObject, getString, jsonEqual, parseQuantity, textOf } from '../../../kernel/index.ts';
import type { JsonObject } from '../../../kernel/index.ts';
import type { World } from '../../world/index.ts';
import type { Finding } from '../finding.ts';
import { tagOf } from './digests.ts';
import { findingsOf } from './index.ts';
import { probePort } from './probes.ts';
import { finding, quote } from './rule.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';
import { viewOf } from './view.ts';
import type { View } from './view.ts';

const WORKLOADS = ['Deployment', 'StatefulSet', 'DaemonSet', 'Job', 'CronJob'] as const;

interface Part {
  readonly thing: Thing;
  readonly container: JsonObject;
  readonly name: string;
  readonly main: boolean;
  readonly path: readonly (string | number)[];
}

function templatePath(thing: Thing): readonly string[] {
  return thing.kind === 'CronJob' ? ['spec', 'jobTemplate', 'spec', 'template'] : ['spec', 'template'];
}

function parts(view: View): readonly Part[] {
  return view.desired.flatMap((thing) =>
    WORKLOADS.some((kind) => kind === thing.kind)
      ? (['initContainers', 'containers'] as const).flatMap((field) =>
          thing.list(...templatePath(thing), 'spec', field).map((container, index) => ({
            thing,
            container,
            name: getString(container, 'name') ?? '',
            main: field === 'containers',
            path: [...templatePath(thing), 'spec', field, index],
          })),
        )
      : [],
  );
}

function habit(
  view: View,
  { thing, path }: { readonly thing: Thing; readonly path: readonly (string | number)[] },
  draft: Pick<Draft, 'failure' | 'id' | 'boundary' | 'title'> & {
    readonly kind?: Draft['kind'];
    readonly confidence?: number;
    readonly why: string;
    readonly fix: string;
    readonly value: string;
    readonly attribute: string;
  },
): Draft {
  return {
    failure: draft.failure,
    id: draft.id,
    boundary: draft.boundary,
    kind: draft.kind ?? 'risk',
    title: draft.title,
    confidence: draft.confidence ?? 0.9,
    why: [draft.why],
    claims: [view.about(draft.boundary, thing, draft.attribute, draft.value, ...path)],
    now: [draft.fix],
    lasting: ['Keep landfall check in the pipeline: it finds this before a deploy.'],
    verify: ['landfall check DIR'],
    can: 'commit',
    space: thing.namespace,
  };
}

/** Images by mutable names, policies that surprise, names that are none. */
const images: WorldRule = (view) =>
  parts(view).flatMap((part): Draft[] => {
    const image = getString(part.container, 'image');
    const policy = getString(part.container, 'imagePullPolicy');
    const at = { thing: part.thing, path: [...part.path, 'image'] };
    const who = `${part.thing.id} ${part.name}`;
    if (image === undefined || image === '')
      return [
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'name'] },
          {
            failure: 'REN-07',
            id: 'image-left-out',
            boundary: 'render',
            kind: 'cause',
            confidence: 0.95,
            title: `${who} has no image`,
            why: 'The API server refuses a container without an image. Mostly a patch that names a container which the base does not have.',
            fix: 'Name the image, or correct the name of the container in the patch.',
            attribute: 'image',
            value: 'none',
          },
        ),
      ];
    const drafts: Draft[] = [];
    if (!image.includes('@')) {
      const tag = tagOf(image);
      const moving =
        tag === 'latest' ||
        /^(?:main|master|dev|develop|stable|edge|nightly|prod|production|staging|release|current)$/.test(
          tag ?? '',
        );
      if (moving)
        drafts.push(
          habit(view, at, {
            failure: 'PIP-01',
            id: 'mutable-tag',
            boundary: 'intent',
            confidence: 0.97,
            title: `${who} names ${image}, a tag that is pushed again and again`,
            why: 'A push changes what it means without a commit: the next deploy may change nothing, and a restart may change everything.',
            fix: 'Pin a version and its digest.',
            attribute: 'image',
            value: image,
          }),
        );
      else
        drafts.push(
          habit(view, at, {
            failure: 'PIP-11',
            id: 'digest-missing',
            boundary: 'intent',
            confidence: 0.6,
            title: `${who} names ${image} without a digest`,
            why: 'Whoever pushes to the tag changes what it means; nodes may then run different images under one name.',
            fix: 'Add the digest to the tag.',
            attribute: 'image',
            value: image,
          }),
        );
      if (moving && policy !== undefined && policy !== 'Always')
        drafts.push(
          habit(
            view,
            { thing: part.thing, path: [...part.path, 'imagePullPolicy'] },
            {
              failure: 'PIP-11',
              id: 'stale-copy-possible',
              boundary: 'intent',
              title: `${who} takes ${image} from the cache of the node (${policy})`,
              why: 'A node that has a copy under that name does not ask the registry, not even for a new pod.',
              fix: 'Pin the digest; then IfNotPresent is right.',
              attribute: 'imagePullPolicy',
              value: policy,
            },
          ),
        );
    }
    if (policy === 'Never')
      drafts.push(
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'imagePullPolicy'] },
          {
            failure: 'PIP-13',
            id: 'pull-policy-never',
            boundary: 'health',
            confidence: 0.9,
            title: `${who} may never pull its image`,
            why: 'Only a node that has it already can run it.',
            fix: 'Use IfNotPresent.',
            attribute: 'imagePullPolicy',
            value: policy,
          },
        ),
      );
    return drafts;
  });

/** Probes that ask undeclared ports, or that restart what is merely busy. */
const probes: WorldRule = (view) =>
  parts(view).flatMap((part): Draft[] => {
    const drafts: Draft[] = [];
    for (const field of ['readinessProbe', 'livenessProbe', 'startupProbe'] as const) {
      const probe = getObject(part.container, field);
      const port = probePort(part.container, probe);
      if (probe !== undefined && port !== undefined && !port.declared)
        drafts.push(
          habit(
            view,
            { thing: part.thing, path: [...part.path, field] },
            {
              failure: field === 'readinessProbe' ? 'ROL-12' : 'ROL-13',
              id: 'probe-port-undeclared',
              boundary: 'health',
              kind: 'cause',
              confidence: /^\d+$/.test(port.port) ? 0.75 : 0.95,
              title: `the ${field} of ${part.thing.id} ${part.name} asks port ${port.port}, which the container does not declare`,
              why: 'A name that no port has can never pass; a number may, where the program listens on it all the same.',
              fix: 'Ask a declared port.',
              attribute: `${field} port`,
              value: port.port,
            },
          ),
        );
    }
    const readiness = getObject(part.container, 'readinessProbe');
    const liveness = getObject(part.container, 'livenessProbe');
    const handler = (probe: JsonObject | undefined) =>
      getObject(probe, 'httpGet') ??
      getObject(probe, 'tcpSocket') ??
      getObject(probe, 'grpc') ??
      getObject(probe, 'exec');
    if (
      readiness !== undefined &&
      liveness !== undefined &&
      jsonEqual(handler(readiness), handler(liveness)) &&
      getObject(part.container, 'startupProbe') === undefined &&
      getObject(liveness, 'httpGet') !== undefined
    )
      drafts.push(
        habit(
          view,
          { thing: part.thing, path: [...part.path, 'livenessProbe'] },
          {
            failure: 'ROL-13',
            id: 'liveness-equals-readiness',
            boundary: 'health',
            confidence: 0.7,
            title: `${part.thing.id} ${part.name} is restarted by the same question that takes it out of traffic`,
            why: 'What is slow or waits for a dependency should get no traffic; restarting it makes it slower.',
            fix: 'Give liveness an endpoint that asks nobody else, and a startupProbe for the start.',
            attribute: 'livenessProbe',
            value: 'as readinessProbe',
          },
        ),
      );
    return drafts;
  });

interface Reference {
  readonly kind: 'ConfigMap' | 'Secret' | 'ServiceAccount' | 'PersistentVolumeClaim';
  readonly name: string;
  readonly key: string | undefined;
  readonly thing: Thing;
  readonly path: readonly (string | number)[];
}

function references(view: View): readonly Reference[] {
  const found: Reference[] = [];
  for (const { thing, container, path } of parts(view)) {
    for (const [index, from] of getArray(container, 'envFrom').entries())
      for (const [field, kind] of [
        ['configMapRef', 'ConfigMap'],
        ['secretRef', 'Secret'],
      ] as const) {
        const name = getString(from, field, 'name');
        if (name !== undefined && getObject(from, field)?.['optional'] !== true)
          found.push({ kind, name, key: undefined, thing, path: [...path, 'envFrom', index] });
      }
    for (const [index, item] of getArray(container, 'env').entries())
      for (const [field, kind] of [
        ['configMapKeyRef', 'ConfigMap'],
        ['secretKeyRef', 'Secret'],
      ] as const) {
        const name = getString(item, 'valueFrom', field, 'name');
        if (name !== undefined && getObject(item, 'valueFrom', field)?.['optional'] !== true)
          found.push({
            kind,
            name,
            key: getString(item, 'valueFrom', field, 'key'),
            thing,
            path: [...path, 'env', index],
          });
      }
  }
  for (const thing of view.desired) {
    if (!WORKLOADS.some((kind) => kind === thing.kind)) continue;
    const base = [...templatePath(thing), 'spec'];
    const account = thing.text(...base, 'serviceAccountName');
    if (account !== undefined && account !== 'default')
      found.push({
        kind: 'ServiceAccount',
        name: account,
        key: undefined,
        thing,
        path: [...base, 'serviceAccountName'],
      });
    for (const [index, volume] of thing.list(...base, 'volumes').entries())
      for (const [field, kind, key] of [
        ['configMap', 'ConfigMap', 'name'],
        ['secret', 'Secret', 'secretName'],
        ['persistentVolumeClaim', 'PersistentVolumeClaim', 'claimName'],
      ] as const) {
        const name = getString(volume, field, key);
        if (name !== undefined && getObject(volume, field)?.['optional'] !== true)
          found.push({ kind, name, key: undefined, thing, path: [...base, 'volumes', index] });
      }
  }
  return found;
}

/** Kinds that make Secrets and ConfigMaps after they are applied: the name need not be in the set. */
const MAKERS = [
  'ExternalSecret',
  'SealedSecret',
  'Certificate',
  'VaultStaticSecret',
  'SecretProviderClass',
  'Bundle',
] as const;

/** What templates name and neither the rendered set nor the cluster has. Without a cluster only a risk: it may be there. */
const dangling: WorldRule = (view) => {
  const asked = view.live.length > 0 && view.world.unreadable.length === 0;
  const seen = new Set<string>();
  return references(view).flatMap((reference): Draft[] => {
    const { kind, name, key, thing, path } = reference;
    const fits = (item: Thing) =>
      item.kind === kind &&
      item.name === name &&
      (item.namespace === undefined || thing.namespace === undefined || item.namespace === thing.namespace);
    const object = view.desired.find(fits) ?? view.live.find(fits);
    const made = view.desired.some(
      (item) =>
        MAKERS.some((maker) => maker === item.kind) &&
        [item.name, item.text('spec', 'target', 'name'), item.text('spec', 'secretName')].includes(name),
    );
    const id = `${kind}/${name}/${object === undefined ? '' : (key ?? '')}/${thing.namespace ?? ''}`;
    if (made || seen.has(id)) return [];
    const failure =
      kind === 'ServiceAccount' ? 'LIV-04' : kind === 'PersistentVolumeClaim' ? 'ROL-04' : 'ROL-07';
    if (object === undefined) {
      seen.add(id);
      return [
        habit(
          view,
          { thing, path },
          {
            failure,
            id: 'reference-missing',
            boundary: 'health',
            kind: asked ? 'cause' : 'risk',
            confidence: asked ? 0.95 : 0.5,
            title: `${thing.id} needs the ${kind} ${name}, which ${asked ? 'neither Git nor the cluster has' : 'is not in the rendered set'}`,
            why: asked
              ? 'No container of the pod starts before it is there.'
              : 'It may be in the cluster: with --cluster it is looked up.',
            fix: `Deliver the ${kind} ${name}, or correct the name.`,
            attribute: kind,
            value: name,
          },
        ),
      ];
    }
    const data = { ...object.map('data'), ...object.map('stringData'), ...object.map('binaryData') };
    if (key === undefined || !object.whole || !view.desired.includes(object) || Object.hasOwn(data, key))
      return [];
    seen.add(id);
    return [
      habit(
        view,
        { thing, path },
        {
          failure: 'ROL-07',
          id: 'key-missing',
          boundary: 'health',
          kind: 'cause',
          confidence: 0.95,
          title: `${thing.id} needs the key ${key} of the ${kind} ${name}, which it does not have`,
          why: `It has ${Object.keys(data).join(', ') || 'none'}.`,
          fix: 'Add the key, or correct its name.',
          attribute: 'key',
          value: key,
        },
      ),
    ];
  });
};

/** Since which minor version of Kubernetes 1.x a version of the API is deprecated and gone. Source: deprecation guide. */
const API_LIFE: Readonly<Record<string, { readonly gone: number; readonly use: string }>> = {
  'extensions/v1beta1 Ingress': { gone: 22, use: 'networking.k8s.io/v1' },
  'networking.k8s.io/v1beta1 Ingress': { gone: 22, use: 'networking.k8s.io/v1' },
  'networking.k8s.io/v1beta1 IngressClass': { gone: 22, use: 'networking.k8s.io/v1' },
  'extensions/v1beta1 Deployment': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 DaemonSet': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 ReplicaSet': { gone: 16, use: 'apps/v1' },
  'extensions/v1beta1 NetworkPolicy': { gone: 16, use: 'networking.k8s.io/v1' },
  'apps/v1beta1 Deployment': { gone: 16, use: 'apps/v1' },
  'apps/v1beta1 StatefulSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 Deployment': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 StatefulSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 DaemonSet': { gone: 16, use: 'apps/v1' },
  'apps/v1beta2 ReplicaSet': { gone: 16, use: 'apps/v1' },
  'batch/v1beta1 CronJob': { gone: 25, use: 'batch/v1' },
  'policy/v1beta1 PodDisruptionBudget': { gone: 25, use: 'policy/v1' },
  'policy/v1beta1 PodSecurityPolicy': { gone: 25, use: 'Pod Security admission' },
  'discovery.k8s.io/v1beta1 EndpointSlice': { gone: 25, use: 'discovery.k8s.io/v1' },
  'events.k8s.io/v1beta1 Event': { gone: 25, use: 'events.k8s.io/v1' },
  'autoscaling/v2beta1 HorizontalPodAutoscaler': { gone: 25, use: 'autoscaling/v2' },
  'autoscaling/v2beta2 HorizontalPodAutoscaler': { gone: 26, use: 'autoscaling/v2' },
  'node.k8s.io/v1beta1 RuntimeClass': { gone: 25, use: 'node.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 Role': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 RoleBinding': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 ClusterRole': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'rbac.authorization.k8s.io/v1beta1 ClusterRoleBinding': { gone: 22, use: 'rbac.authorization.k8s.io/v1' },
  'apiextensions.k8s.io/v1beta1 CustomResourceDefinition': { gone: 22, use: 'apiextensions.k8s.io/v1' },
  'admissionregistration.k8s.io/v1beta1 ValidatingWebhookConfiguration': {
    gone: 22,
    use: 'admissionregistration.k8s.io/v1',
  },
  'admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration': {
    gone: 22,
    use: 'admissionregistration.k8s.io/v1',
  },
  'scheduling.k8s.io/v1beta1 PriorityClass': { gone: 22, use: 'scheduling.k8s.io/v1' },
  'storage.k8s.io/v1beta1 StorageClass': { gone: 22, use: 'storage.k8s.io/v1' },
  'storage.k8s.io/v1beta1 CSIDriver': { gone: 22, use: 'storage.k8s.io/v1' },
  'storage.k8s.io/v1beta1 CSIStorageCapacity': { gone: 27, use: 'storage.k8s.io/v1' },
  'coordination.k8s.io/v1beta1 Lease': { gone: 22, use: 'coordination.k8s.io/v1' },
  'certificates.k8s.io/v1beta1 CertificateSigningRequest': { gone: 22, use: 'certificates.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema': { gone: 26, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema': { gone: 29, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema': { gone: 32, use: 'flowcontrol.apiserver.k8s.io/v1' },
  'flowcontrol.apiserver.k8s.io/v1beta1 PriorityLevelConfiguration': {
    gone: 26,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
  'flowcontrol.apiserver.k8s.io/v1beta2 PriorityLevelConfiguration': {
    gone: 29,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
  'flowcontrol.apiserver.k8s.io/v1beta3 PriorityLevelConfiguration': {
    gone: 32,
    use: 'flowcontrol.apiserver.k8s.io/v1',
  },
};

function removedVersions(view: View, minor: number): Draft[] {
  return view.desired.flatMap((thing): Draft[] => {
    const life = API_LIFE[`${thing.apiVersion ?? ''} ${thing.kind}`];
    if (life === undefined) return [];
    const gone = minor >= life.gone;
    return [
      habit(
        view,
        { thing, path: ['apiVersion'] },
        {
          failure: 'REN-05',
          id: gone ? 'api-version-removed' : 'api-version-deprecated',
          boundary: 'render',
          kind: gone ? 'cause' : 'risk',
          confidence: 0.97,
          title: `${thing.id}: ${thing.apiVersion ?? ''} is ${gone ? 'not served since' : 'deprecated, and gone in'} Kubernetes 1.${life.gone}`,
          why: `Checked for Kubernetes 1.${minor}.`,
          fix: `Use ${life.use}.`,
          attribute: 'apiVersion',
          value: thing.apiVersion ?? '',
        },
      ),
    ];
  });
}

/** HEA-07 before it happens: a share of requests that nobody declared. */
const scaledWithoutRequests: WorldRule = (view) =>
  view.desired.flatMap((hpa): Draft[] => {
    if (hpa.kind !== 'HorizontalPodAutoscaler') return [];
    const target = view.desired.find(
      (thing) =>
        thing.kind === hpa.text('spec', 'scaleTargetRef', 'kind') &&
        thing.name === hpa.text('spec', 'scaleTargetRef', 'name'),
    );
    const resources = [
      ...hpa
        .list('spec', 'metrics')
        .flatMap((metric) =>
          getString(metric, 'type') === 'Resource' &&
          getString(metric, 'resource', 'target', 'type') === 'Utilization'
            ? (getString(metric, 'resource', 'name') ?? [])
            : [],
        ),
      ...(hpa.number('spec', 'targetCPUUtilizationPercentage') === undefined ? [] : ['cpu']),
    ];
    const lacking = (target?.list('spec', 'template', 'spec', 'containers') ?? []).flatMap((container) =>
      resources
        .filter(
          (resource) =>
            getObject(container, 'resources', 'requests')?.[resource] === undefined &&
            getObject(container, 'resources', 'limits')?.[resource] === undefined,
        )
        .map((resource) => `${getString(container, 'name') ?? ''}: ${resource}`),
    );
    return target === undefined || lacking.length === 0
      ? []
      : [
          habit(
            view,
            { thing: hpa, path: ['spec', 'metrics'] },
            {
              failure: 'HEA-07',
              id: 'autoscaler-without-requests',
              boundary: 'health',
              kind: 'cause',
              confidence: 0.94,
              title: `${hpa.id} measures a share of requests that ${target.id} does not declare (${lacking.join(', ')})`,
              why: 'Without requests there is nothing to take a share of: TARGETS stays <unknown> and nothing is scaled.',
              fix: 'Declare requests for every container.',
              attribute: 'metrics',
              value: resources.join(', '),
            },
          ),
        ];
  });

function demand(thing: Thing, resource: string, field: 'requests' | 'limits'): number {
  return thing.list('spec', 'template', 'spec', 'containers').reduce((sum, container) => {
    const value =
      getObject(container, 'resources', field)?.[resource] ??
      (field === 'requests' ? getObject(container, 'resources', 'limits')?.[resource] : undefined);
    return sum + (typeof value === 'string' || typeof value === 'number' ? (parseQuantity(value) ?? 0) : 0);
  }, 0);
}

function surge(thing: Thing, replicas: number): number {
  if (thing.kind !== 'Deployment' || thing.text('spec', 'strategy', 'type') === 'Recreate') return 0;
  const value = thing.get('spec', 'strategy', 'rollingUpdate', 'maxSurge') ?? '25%';
  return typeof value === 'number'
    ? value
    : Math.ceil((replicas * (Number.parseFloat(textOf(value)) || 0)) / 100);
}

/** LIV-01 and LIV-02 before they happen: requests times replicas and surge, against what the quota has. */
const quotas: WorldRule = (view) =>
  view.live.flatMap((quota): Draft[] => {
    if (
      quota.kind !== 'ResourceQuota' ||
      quota.list('spec', 'scopes').length > 0 ||
      quota.map('spec', 'scopeSelector') !== undefined
    )
      return [];
    const hard = quota.map('status', 'hard') ?? quota.map('spec', 'hard') ?? {};
    const used = quota.map('status', 'used') ?? {};
    const own = view.desired.filter(
      (thing) =>
        (thing.kind === 'Deployment' || thing.kind === 'StatefulSet') &&
        (thing.namespace === undefined || thing.namespace === quota.namespace),
    );
    return Object.entries(hard).flatMap(([name, most]): Draft[] => {
      const match = /^(?:(?<field>requests|limits)\.)?(?<resource>cpu|memory)$/.exec(name)?.groups;
      const pods = name === 'pods' || name === 'count/pods';
      if (match === undefined && !pods) return [];
      const resource = match?.['resource'] ?? 'pods';
      const field = match?.['field'] === 'limits' ? 'limits' : 'requests';
      const each = (thing: Thing) => (pods ? 1 : demand(thing, resource, field));
      const undeclared = pods
        ? undefined
        : own.find((thing) =>
            thing
              .list('spec', 'template', 'spec', 'containers')
              .some(
                (container) =>
                  getObject(container, 'resources', field)?.[resource] === undefined &&
                  getObject(container, 'resources', 'limits')?.[resource] === undefined,
              ),
          );
      const ranged = view.live.some(
        (thing) => thing.kind === 'LimitRange' && thing.namespace === quota.namespace,
      );
      if (undeclared !== undefined && !ranged)
        return [
          habit(
            view,
            { thing: undeclared, path: ['spec', 'template', 'spec', 'containers', 0, 'resources'] },
            {
              failure: 'LIV-02',
              id: 'resources-undeclared',
              boundary: 'health',
              kind: 'cause',
              confidence: 0.95,
              title: `${undeclared.id} does not declare ${field} of ${resource}, which the quota ${quota.name} demands`,
              why: 'A quota on a resource makes its declaration a duty; pods without it are refused.',
              fix: `Declare ${field}.${resource} for every container.`,
              attribute: 'resources',
              value: 'none',
            },
          ),
        ];
      const replicasOf = (thing: Thing) => thing.number('spec', 'replicas') ?? 1;
      const steady = own.reduce((sum, thing) => sum + replicasOf(thing) * each(thing), 0);
      const extra = Math.max(0, ...own.map((thing) => surge(thing, replicasOf(thing)) * each(thing)));
      const before = own.reduce((sum, thing) => {
        const live = view.find(thing.kind, quota.namespace, thing.name);
        return (
          sum +
          (live === undefined
            ? 0
            : (live.number('status', 'replicas') ?? 0) * (pods ? 1 : demand(live, resource, field)))
        );
      }, 0);
      const number = (value: unknown) =>
        typeof value === 'string' || typeof value === 'number' ? (parseQuantity(value) ?? 0) : 0;
      const limit = number(most);
      const others = Math.max(0, number(used[name]) - before);
      const needed = others + steady + extra;
      const [first] = own;
      if (first === undefined || limit === 0 || needed <= limit * 1.000001) return [];
      const shown = (value: number) =>
        resource === 'memory' ? `${Math.round(value / 2 ** 20)}Mi` : String(Math.round(value * 1000) / 1000);
      return [
        habit(
          view,
          { thing: first, path: ['spec', 'replicas'] },
          {
            failure: 'LIV-01',
            id: 'quota-too-small',
            boundary: 'health',
            kind: 'cause',
            confidence: 0.9,
            title: `the quota ${quota.name} has no room: ${name} needs ${shown(needed)} of ${shown(limit)}`,
            why: `${shown(steady)} in the steady state and ${shown(extra)} more during an update, beside ${shown(others)} of others.`,
            fix: 'Raise the quota, ask for less, or update with maxSurge 0.',
            attribute: name,
            value: `${shown(needed)} of ${shown(limit)}`,
          },
        ),
      ];
    });
  });

/** Messages of a server-side dry run and of access reviews are told by the same tables as those of an apply. */
export interface PreflightOptions {
  /** Minor version of Kubernetes 1.x that the manifests go to. */
  readonly kubernetesMinor: number;
}

/**
 * Every finding that can be known before a deploy: what the catalogue recognises in manifests alone, and habits that
 * become incidents. `world.desired` is what Git asks for; `world.live`, where a cluster was asked, what it has.
 */
export function preflightOf(world: World, options: PreflightOptions): readonly Finding[] {
  const view = viewOf(world);
  const own = [images, probes, dangling, scaledWithoutRequests, quotas]
    .flatMap((rule) => rule(view))
    .concat(removedVersions(view, options.kubernetesMinor))
    .map(finding);
  // What a cluster does now is no matter of these manifests: only rules over what is asked for, and refusals.
  const catalogue = findingsOf({
    ...world,
    live: world.live.filter(({ kind }) => kind === 'IngressClass' || kind === 'Secret'),
  });
  const seen = new Set<string>();
  return [...catalogue, ...own]
    .filter((item) => {
      const key = `${item.id}|${quote(item.title)}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .toSorted((a, b) => (a.kind === b.kind ? b.confidence - a.confidence : a.kind === 'cause' ? -1 : 1));
}
