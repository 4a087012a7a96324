import { getObject, getString, parseQuantity, textOf } from '../../../kernel/index.ts';
import { habit } from './habit.ts';
import type { Draft, WorldRule } from './rule.ts';
import type { Thing } from './thing.ts';

/** HEA-07 before it happens: a share of requests that nobody declared. */
export const scaledWithoutRequests: WorldRule = (view) =>
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
export const quotas: WorldRule = (view) =>
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
