import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/index.ts';
import { NOW, podOf, workloadOf } from '../cluster.fixture.ts';
import { workloadPods } from '../workload-pods.ts';
import { carriesPods, templateContainers } from '../workload.ts';
import type { PodFacts } from '../workload.ts';
import { decideRollout } from './decide.ts';
import type { DigestCheck } from './decide.ts';

const mismatch = (pod: string): DigestCheck => ({
  pod,
  container: 'a',
  role: 'main',
  imageID: 'x',
  digest: undefined,
  expected: 'y',
  outcome: 'mismatch',
  why: `${pod} runs x, wanted is y`,
});

function rolloutOf(
  live: KubeObject,
  pods: readonly PodFacts[] = [],
  options: {
    readonly sets?: readonly KubeObject[];
    readonly wrong?: boolean;
    readonly checks?: readonly DigestCheck[];
    /** What Git asks for, where that is something else. */
    readonly object?: KubeObject;
  } = {},
) {
  const found = workloadPods(
    live,
    { state: 'read', value: pods },
    { state: 'read', value: options.sets ?? [] },
  );
  const current = found.state === 'read' ? found.value.current : [];
  const { state, reason } = decideRollout(
    [
      {
        object: options.object ?? live,
        live: { state: 'read', value: live },
        pods: found,
        checks: options.checks ?? (options.wrong === true ? current.map((pod) => mismatch(pod.name)) : []),
        autoscaled: false,
      },
    ],
    NOW,
    { acceptSimulated: false },
  );
  return `${state} ${reason}`;
}

describe('a DaemonSet', () => {
  it('is moving while its controller has not seen it, though it has no pods', () => {
    expect(rolloutOf(workloadOf('DaemonSet', {}, {}))).toBe('moving not-observed');
  });

  it('is moving while eligible nodes have no pod', () => {
    const status = { observedGeneration: 2, desiredNumberScheduled: 2, updatedNumberScheduled: 0 };
    expect(rolloutOf(workloadOf('DaemonSet', {}, status))).toBe('moving replacing');
  });

  it('does not take the pods of the template before for those of the stored one', () => {
    const status = { observedGeneration: 2, desiredNumberScheduled: 1, updatedNumberScheduled: 0 };
    const pods = [podOf('old', { controllerRevision: 'before' })];
    expect(rolloutOf(workloadOf('DaemonSet', {}, status), pods, { wrong: true })).toBe('moving replacing');
  });
});

describe('a DaemonSet that no node fits', () => {
  it('runs nowhere, which nobody has declared', () => {
    const status = { observedGeneration: 2, desiredNumberScheduled: 0, updatedNumberScheduled: 0 };
    expect(rolloutOf(workloadOf('DaemonSet', {}, status))).toBe('unknown no-eligible-node');
  });
});

describe('a pod that says nothing about a container of its template', () => {
  const live = workloadOf(
    'StatefulSet',
    { replicas: 1 },
    { observedGeneration: 2, updateRevision: 'now', replicas: 1 },
  );
  const pod = podOf('p', {
    controllerRevision: 'now',
    owner: { kind: 'StatefulSet', name: 'a', uid: 'u' },
  });
  const match: DigestCheck = { ...mismatch('p'), outcome: 'match' };

  it('proves nothing about it', () => {
    expect(rolloutOf(live, [pod], { checks: [match] })).toBe('proven replaced');
    expect(rolloutOf(live, [pod], { checks: [{ ...match, container: 'b' }] })).toBe(
      'unknown container-missing',
    );
  });
});

describe('a Deployment', () => {
  const owner = { kind: 'ReplicaSet', name: 'a-h', uid: 'rs' };
  const set: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: 'a-h',
      namespace: 'n',
      uid: 'rs',
      annotations: { 'deployment.kubernetes.io/revision': '1' },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'a', uid: 'u' }],
    },
    spec: { template: { spec: { containers: [{ name: 'a', image: 'a:0' }] } } },
  };

  it('that is paused before its template was rolled out proves nothing, and its old pods are not held against it', () => {
    const live = workloadOf(
      'Deployment',
      { replicas: 1, paused: true },
      {
        observedGeneration: 2,
        replicas: 1,
        availableReplicas: 1,
        conditions: [{ type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused' }],
      },
    );
    const annotated = {
      ...live,
      metadata: { ...live.metadata, annotations: { 'deployment.kubernetes.io/revision': '1' } },
    };
    expect(rolloutOf(annotated, [podOf('p', { owner })], { sets: [set], wrong: true })).toBe(
      'unknown paused',
    );
  });

  it('that declares zero is moving until its last pod is gone', () => {
    const live = workloadOf('Deployment', { replicas: 0 }, { observedGeneration: 2 });
    expect(rolloutOf(live, [podOf('p', { owner, terminating: true })], { sets: [set] })).toBe(
      'moving old-pods-terminating',
    );
    expect(rolloutOf(live, [], { sets: [set] })).toBe('not-applicable zero-declared');
  });
});

describe('a Job', () => {
  const complete = { conditions: [{ type: 'Complete', status: 'True' }] };
  const pinned = `a@sha256:${'a'.repeat(64)}`;
  const template = (image: string) => ({ template: { spec: { containers: [{ name: 'a', image }] } } });

  it('without pods to look at proves its image only where its template pins the digest', () => {
    expect(rolloutOf(workloadOf('Job', template('a:1'), complete))).toBe('unknown no-pods');
    expect(rolloutOf(workloadOf('Job', template(pinned), complete))).toBe('proven replaced');
  });

  it('that is suspended has nothing to prove where Git asks for it, and proves nothing otherwise', () => {
    const suspended = workloadOf('Job', { ...template(pinned), suspend: true }, {});
    expect(rolloutOf(suspended)).toBe('not-applicable suspended');
    expect(rolloutOf(suspended, [], { object: workloadOf('Job', template(pinned), {}) })).toBe(
      'unknown suspended',
    );
  });

  it('is complete when its condition says so, not when it has one', () => {
    const refuted = { conditions: [{ type: 'Complete', status: 'False' }] };
    expect(rolloutOf(workloadOf('Job', template(pinned), refuted))).toBe('moving job-running');
  });

  it('that has not completed is moving', () => {
    expect(rolloutOf(workloadOf('Job', template(pinned), { active: 1 }))).toBe('moving job-running');
  });
});

describe('an object of a kind that carries a pod template and is not known', () => {
  it('runs pods that nobody has looked at', () => {
    const clone = { ...workloadOf('CloneSet', {}, {}), apiVersion: 'apps.kruise.io/v1alpha1' };
    expect(carriesPods(clone)).toBe(true);
    expect(templateContainers(clone)).toMatchObject([{ name: 'a', image: 'a:1' }]);
    expect(decideRollout([], NOW, { acceptSimulated: false }, [clone])).toMatchObject({
      state: 'unknown',
      reason: 'kind-not-judged',
    });
    const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, spec: {} };
    expect([widget, workloadOf('Deployment', {}, {})].map(carriesPods)).toEqual([false, false]);
  });
});

describe('a bare ReplicationController', () => {
  const fields = { 'f:spec': { 'f:template': { 'f:spec': {} } } };
  const args = (value: string) => ({ containers: [{ name: 'a', image: 'a:1', args: [value] }] });
  const controller = (changed: string): KubeObject => {
    const made = workloadOf('ReplicationController', { replicas: 1, template: { spec: args('new') } }, {});
    const managedFields = [{ manager: 'm', operation: 'Apply', time: changed, fieldsV1: fields }];
    return {
      ...made,
      apiVersion: 'v1',
      metadata: { ...made.metadata, managedFields },
      status: { replicas: 1 },
    };
  };
  const pod = (createdAt: string, value: string) =>
    podOf('a-1', {
      createdAt,
      owner: { kind: 'ReplicationController', name: 'a', uid: 'u' },
      spec: args(value),
    });

  it.each<[string, string, string, string, string]>([
    ['a pod from before the change', '12:00:09', 'new', '12:00:10', 'unknown not-replaced'],
    ['one of the same second, as it was before', '12:00:10', 'old', '12:00:10', 'unknown not-replaced'],
    [
      'one of the same second, as it is asked for',
      '12:00:10',
      'new',
      '12:00:10',
      'unknown container-missing',
    ],
    ['one from after it', '12:00:11', 'old', '12:00:10', 'unknown container-missing'],
  ])('with %s', (_, born, value, changed, wanted) => {
    const day = '2026-02-28T';
    expect(rolloutOf(controller(`${day}${changed}Z`), [pod(`${day}${born}Z`, value)])).toBe(wanted);
  });
});
