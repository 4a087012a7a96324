import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { NOW, workloadOf } from '../cluster.fixture.ts';
import { ignoring } from '../sync/index.ts';
import type { IgnoreRule } from '../sync/index.ts';
import { autoscaling } from './autoscaler.ts';
import { decideLive } from './decide.ts';
import type { LiveSubject } from './decide.ts';

function templateOf(image: string, container: JsonObject = {}): JsonObject {
  return {
    metadata: { labels: { app: 'a' } },
    spec: { containers: [{ name: 'a', image, ...container }] },
  };
}

function subjectOf(object: KubeObject, live: KubeObject, change: Partial<LiveSubject> = {}): LiveSubject {
  return { object, live: { state: 'read', value: live }, why: () => undefined, autoscaled: false, ...change };
}

function verdictOf(object: KubeObject, live: KubeObject, change: Partial<LiveSubject> = {}): string {
  const { state, reason } = decideLive([subjectOf(object, live, change)], undefined, false, NOW);
  return `${state} ${reason}`;
}

function liveOf(asked: JsonObject, stored: JsonObject, change: Partial<LiveSubject> = {}): string {
  const object = workloadOf('Deployment', asked, {});
  const live = workloadOf('Deployment', { ...asked, ...stored }, {});
  const { state, reason } = decideLive(
    [{ object, live: { state: 'read', value: live }, why: () => undefined, autoscaled: false, ...change }],
    undefined,
    false,
    NOW,
  );
  return `${state} ${reason}`;
}

const RULE: IgnoreRule = {
  group: 'apps',
  kind: 'Deployment',
  name: '',
  namespace: '',
  jsonPointers: [],
  managers: [],
  jqPathExpressions: [],
};

describe('a replica count that Git does not ask for', () => {
  it('is drift, unless an autoscaler owns it, and unknown where autoscalers may not be read', () => {
    const asked = { replicas: 2 };
    const stored = { replicas: 5 };
    expect(liveOf(asked, stored)).toBe('broken drift');
    expect(liveOf(asked, stored, { autoscaled: true })).toBe('proven stored');
    expect(liveOf(asked, stored, { autoscaled: 'unknown' })).toBe('unknown autoscalers-unreadable');
    expect(liveOf({ ...asked, paused: true }, { ...stored, paused: false }, { autoscaled: 'unknown' })).toBe(
      'broken drift',
    );
  });

  it('is not known to be owned when the list of autoscalers was refused', () => {
    const object: KubeObject = workloadOf('Deployment', {}, {});
    expect(
      autoscaling(object, undefined, { state: 'unreadable', why: 'forbidden', code: 'kube-denied' }),
    ).toBe('unknown');
    expect(autoscaling(object, undefined, { state: 'read', value: [] })).toBe(false);
  });
});

describe('a difference that the Application ignores', () => {
  it('is none, by pointer', () => {
    const rule = { ...RULE, jsonPointers: ['/spec/replicas'] };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([rule]) })).toBe('proven stored');
    expect(liveOf({ paused: true }, { paused: false }, { ignored: ignoring([rule]) })).toBe('broken drift');
  });

  it('decides nothing where only a jq expression could say so', () => {
    const rule = { ...RULE, jqPathExpressions: ['.spec.replicas'] };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([rule]) })).toBe(
      'unknown ignore-rule-unread',
    );
    const other = { ...rule, kind: 'StatefulSet' };
    expect(liveOf({ replicas: 2 }, { replicas: 5 }, { ignored: ignoring([other]) })).toBe('broken drift');
  });

  it.each<[string, KubeObject, readonly string[]]>([
    ['Deployment', workloadOf('Deployment', {}, {}), ['spec', 'template']],
    [
      'CronJob',
      workloadOf('CronJob', { template: null, jobTemplate: { spec: { template: templateOf('a:1') } } }, {}),
      ['spec', 'jobTemplate', 'spec', 'template'],
    ],
  ])('of a %s is none to be silent about where it is the image', (_, object, template) => {
    const live = JSON.parse(JSON.stringify(object).replaceAll('"a:1"', '"a:0"')) as KubeObject;
    const image = [...template, 'spec', 'containers', '0', 'image'];
    const rules: readonly Partial<IgnoreRule>[] = [
      { jsonPointers: [`/${image.join('/')}`] },
      { jsonPointers: [`/${template.join('/')}`] },
    ];
    for (const rule of rules) {
      const ignored = ignoring([{ ...RULE, kind: object.kind, group: '*', ...rule }]);
      expect(verdictOf(object, live, { ignored })).toBe('broken image-ignored');
    }
  });
});

describe('what somebody added by hand', () => {
  const added = (
    kind: string,
    fields: JsonObject,
    fieldsV1: JsonObject,
    manager = 'kubectl-edit',
  ): readonly [KubeObject, KubeObject] => {
    const object =
      kind === 'ConfigMap' || kind === 'Service'
        ? {
            apiVersion: 'v1',
            kind,
            metadata: { name: 'a', namespace: 'n' },
            ...(fields['asked'] as JsonObject),
          }
        : workloadOf(kind, {}, {});
    const { asked: _asked, ...stored } = fields;
    const live = {
      ...object,
      ...stored,
      metadata: { ...object.metadata, managedFields: [{ manager, operation: 'Update', fieldsV1 }] },
    };
    return [object, live];
  };
  const env = { name: 'DEBUG', value: 'hunter2' };
  const container = { 'k:{"name":"a"}': { 'f:env': { 'k:{"name":"DEBUG"}': { '.': {}, 'f:value': {} } } } };
  const inPod = (containers: JsonObject) => ({
    'f:spec': { 'f:template': { 'f:spec': { 'f:containers': containers } } },
  });

  it.each<[string, readonly [KubeObject, KubeObject], string]>([
    [
      'a variable',
      added('Deployment', { spec: { template: templateOf('a:1', { env: [env] }) } }, inPod(container)),
      'broken added-by-hand',
    ],
    [
      'another command',
      added(
        'Deployment',
        { spec: { template: templateOf('a:1', { command: ['sleep'] }) } },
        inPod({ 'k:{"name":"a"}': { 'f:command': {} } }),
      ),
      'broken added-by-hand',
    ],
    [
      'a pause',
      added(
        'Deployment',
        { spec: { template: templateOf('a:1'), paused: true } },
        { 'f:spec': { 'f:paused': {} } },
        'kubectl-rollout',
      ),
      'broken added-by-hand',
    ],
    [
      'a key of a ConfigMap',
      added(
        'ConfigMap',
        { asked: { data: { A: '1' } }, data: { A: '1', B: '2' } },
        { 'f:data': { 'f:B': {} } },
      ),
      'broken added-by-hand',
    ],
    [
      'a label that a Service selects by',
      added(
        'Service',
        { asked: { spec: { selector: { app: 'a' } } }, spec: { selector: { app: 'a', track: 'old' } } },
        { 'f:spec': { 'f:selector': {} } },
      ),
      'broken added-by-hand',
    ],
    [
      'a restart, which is how one restarts',
      added(
        'Deployment',
        {
          spec: {
            template: {
              ...templateOf('a:1'),
              metadata: { labels: { app: 'a' }, annotations: { restartedAt: 'x' } },
            },
          },
        },
        { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': { 'f:restartedAt': {} } } } } },
        'kubectl-rollout',
      ),
      'proven stored',
    ],
    [
      'what the API server filled in for who created it by hand',
      added(
        'Deployment',
        {
          spec: {
            template: templateOf('a:1', { terminationMessagePolicy: 'File', imagePullPolicy: 'Always' }),
          },
        },
        inPod({ 'k:{"name":"a"}': { 'f:terminationMessagePolicy': {}, 'f:imagePullPolicy': {} } }),
        'kubectl-create',
      ),
      'proven stored',
    ],
    [
      'what a webhook puts in',
      added(
        'Deployment',
        { spec: { template: templateOf('a:1', { env: [env] }) } },
        inPod(container),
        'istio-sidecar-injector',
      ),
      'proven stored',
    ],
  ])('is a change of what runs, or none: %s', (_, [object, live], wanted) => {
    expect(verdictOf(object, live)).toBe(wanted);
  });

  it('is named, and its value is not shown', () => {
    const [object, live] = added(
      'Deployment',
      { spec: { template: templateOf('a:1', { env: [env] }) } },
      inPod(container),
    );
    const report = decideLive([subjectOf(object, live)], undefined, false, NOW);
    expect(report.detail).toContain('env[0] (DEBUG)');
    expect(JSON.stringify(report)).not.toContain('hunter2');
  });
});

describe('a Job that is deleted some time after its end', () => {
  it('is not missed, and what became of it is not known', () => {
    const absent = { state: 'absent', why: 'no such Job' } as const;
    const job = (spec: JsonObject) => workloadOf('Job', spec, {});
    expect(verdictOf(job({ ttlSecondsAfterFinished: 60 }), job({}), { live: absent })).toBe(
      'unknown job-gone',
    );
    expect(verdictOf(job({}), job({}), { live: absent })).toBe('broken missing');
  });
});
