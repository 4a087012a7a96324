import { afterEach, describe, expect, it } from 'vitest';
import type { KubeObject } from '../../api/contract.ts';
import { controllerFixture, webDeployment } from '../controller-fixture.ts';
import type { ControllerFixture } from '../controller-fixture.ts';
import { DEPLOYMENTS } from '../objects.ts';
import { AUTOSCALERS } from './autoscaler.ts';
import type { Autoscaler } from './autoscaler.ts';
import { recommend } from './recommendation.ts';

let fixture: ControllerFixture;

afterEach(() => fixture.close());

/** Cores that every pod uses; undefined: no metrics. */
let cores: number | undefined;

async function begin(spec: object = {}, replicas = 2): Promise<void> {
  fixture = await controllerFixture(3, () => (cores === undefined ? undefined : { cpu: cores }));
  const containers = [{ name: 'web', image: 'nginx:1', resources: { requests: { cpu: '100m' } } }];
  await fixture.create(
    DEPLOYMENTS,
    webDeployment({ replicas, template: { metadata: { labels: { app: 'web' } }, spec: { containers } } }),
  );
  await fixture.runAll();
  const autoscaler: KubeObject = {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      minReplicas: 1,
      maxReplicas: 10,
      metrics: [
        {
          type: 'Resource',
          resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
        },
      ],
      ...spec,
    },
  };
  await fixture.create(AUTOSCALERS, autoscaler);
  await fixture.runAll();
}

async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 15) {
    await fixture.clock.advance(15_000);
    await fixture.runAll();
  }
}

const replicas = () => fixture.deployment().spec.replicas;
const conditions = () =>
  ((fixture.get(AUTOSCALERS, 'web') as Autoscaler).status?.conditions ?? []).map(
    ({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`,
  );

describe('an autoscaler', () => {
  it('says that there are no metrics, and changes nothing', async () => {
    cores = undefined;
    await begin();
    expect(replicas()).toBe(2);
    expect(conditions()).toEqual([
      'AbleToScale=True SucceededGetScale',
      'ScalingActive=False FailedGetResourceMetric',
    ]);
    expect(fixture.messages('FailedGetResourceMetric')[0]).toBe(
      'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API',
    );
  });

  it('grows to what brings its pods on target, and no further than its maximum', async () => {
    cores = 0.1;
    await begin();
    expect(replicas()).toBe(4);
    expect(conditions()).toContain('AbleToScale=True SucceededRescale');
    expect(fixture.messages('SuccessfulRescale')).toContain(
      'New size: 4; reason: cpu resource utilization (percentage of request) above target',
    );
    await pass(60);
    expect(replicas()).toBe(10);
    expect(conditions()).toContain('ScalingLimited=True TooManyReplicas');
  });

  it('shrinks only once five minutes have passed since it last wanted more', async () => {
    cores = 0.05;
    await begin({}, 4);
    cores = 0.01;
    await pass(270);
    expect(replicas()).toBe(4);
    expect(conditions()).toContain('AbleToScale=True ScaleDownStabilized');
    await pass(60);
    expect(replicas()).toBe(1);
  });

  it('leaves alone what is within a tenth of its target, and what was scaled to zero', async () => {
    cores = 0.054;
    await begin();
    await pass(60);
    expect(replicas()).toBe(2);
    await fixture.merge(DEPLOYMENTS, 'web', { spec: { replicas: 0 } });
    await pass(30);
    expect(replicas()).toBe(0);
    expect(conditions()).toContain('ScalingActive=False ScalingDisabled');
  });
});

describe('a recommendation', () => {
  const pod = (used: number | undefined, ready = true) => ({ used, requested: 1, ready });
  const target = { type: 'Utilization', averageUtilization: 50 };

  it('takes pods that are not ready as idle when it would grow', () => {
    expect(recommend(3, target, [pod(1), pod(1), pod(1, false)])?.replicas).toBe(4);
    expect(recommend(3, target, [pod(1), pod(1), pod(1)])?.replicas).toBe(6);
  });

  it('takes pods without metrics as on target when it would shrink', () => {
    expect(recommend(4, target, [pod(0.1), pod(0.1), pod(undefined), pod(undefined)])?.replicas).toBe(3);
    expect(recommend(2, target, [pod(0.1), pod(0.1)])?.replicas).toBe(1);
  });

  it('compares averages where that is asked for', () => {
    expect(recommend(2, { type: 'AverageValue', averageValue: 100 }, [pod(300), pod(300)])?.replicas).toBe(6);
  });

  it('knows nothing without a measured pod', () => {
    expect(recommend(2, target, [pod(undefined), pod(1, false)])).toBeUndefined();
  });
});
