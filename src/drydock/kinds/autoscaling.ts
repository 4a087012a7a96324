import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { bad, named, required } from './field-errors.ts';
import { asJson, asKube, mapAt, mapsAt, maybeMap, numberAt, setDefault, stringAt } from './json-access.ts';
import type { KindRules, ResourceKind } from './kind.ts';
import { pathSegmentProblem } from './names.ts';

function isCpuUtilization(metric: JsonObject): boolean {
  return metric.type === 'Resource' && maybeMap(metric, 'resource')?.name === 'cpu';
}

/** autoscaling/v1 says one thing about metrics, the target for CPU; the stored form is v2. */
export const autoscalingConversion: NonNullable<ResourceKind['convert']> = {
  fromStored(object) {
    const { metrics, behavior: _behavior, ...spec } = maybeMap(asJson(object), 'spec') ?? {};
    const { currentMetrics, conditions: _conditions, ...status } = maybeMap(asJson(object), 'status') ?? {};
    const cpu = mapsAt({ metrics: metrics ?? null }, 'metrics').find(isCpuUtilization);
    const target = maybeMap(maybeMap(cpu, 'resource'), 'target')?.averageUtilization;
    if (typeof target === 'number') spec.targetCPUUtilizationPercentage = target;
    const current = mapsAt({ currentMetrics: currentMetrics ?? null }, 'currentMetrics').find(
      isCpuUtilization,
    );
    const measured = maybeMap(maybeMap(current, 'resource'), 'current')?.averageUtilization;
    if (typeof measured === 'number') status.currentCPUUtilizationPercentage = measured;
    return asKube({ ...asJson(object), apiVersion: 'autoscaling/v1', spec, status });
  },
  toStored(object) {
    const { targetCPUUtilizationPercentage: target, ...spec } = maybeMap(asJson(object), 'spec') ?? {};
    const { currentCPUUtilizationPercentage: _measured, ...status } =
      maybeMap(asJson(object), 'status') ?? {};
    if (typeof target === 'number') {
      spec.metrics = [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: target } },
        },
      ];
    }
    return asKube({ ...asJson(object), apiVersion: 'autoscaling/v2', spec, status });
  },
};

export const autoscalerRules: KindRules = {
  defaults(object) {
    const spec = mapAt(asJson(object), 'spec');
    setDefault(spec, 'minReplicas', 1);
    if (mapsAt(spec, 'metrics').length === 0) {
      spec.metrics = [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
        },
      ];
    }
  },
  prepareCreate(object: KubeObject) {
    asJson(object).status = { desiredReplicas: 0, currentMetrics: null };
  },
  validate(object) {
    const spec = maybeMap(asJson(object), 'spec') ?? {};
    const max = numberAt(spec, 'maxReplicas');
    const min = numberAt(spec, 'minReplicas');
    const target = maybeMap(spec, 'scaleTargetRef');
    return [
      ...(min < 1 ? [bad('spec.minReplicas', min, 'must be greater than or equal to 1')] : []),
      ...(max < 1 ? [bad('spec.maxReplicas', max, 'must be greater than 0')] : []),
      ...(max < min ? [bad('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`')] : []),
      ...['kind', 'name'].flatMap((field) => {
        const value = stringAt(target, field);
        const at = `spec.scaleTargetRef.${field}`;
        return value === '' ? [required(at)] : named(at, value, pathSegmentProblem(value));
      }),
    ];
  },
};
