import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../kernel/index.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { objectKey } from '../snapshot.ts';
import { decideDrift } from './drift.ts';
import type { Drift, DriftQuestion, DriftSubject } from './drift.ts';

const AT = '2026-03-01T12:00:00Z';

function entry(manager: string, fieldsV1: JsonObject, more: JsonObject = {}): JsonObject {
  return { manager, operation: 'Update', time: AT, fieldsV1, ...more };
}

function deployment(spec: JsonObject, managedFields: readonly JsonObject[] = []): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'payment-api',
      namespace: 'payments',
      ...(managedFields.length === 0 ? {} : { managedFields: [...managedFields] }),
    },
    spec,
  };
}

function subject(object: KubeObject, live: KubeObject, more: Partial<DriftSubject> = {}): DriftSubject {
  return {
    object,
    live: { state: 'read', value: live },
    why: () => 'overlays/staging/patch.yaml:6',
    autoscalers: [],
    ignored: () => false,
    ...more,
  };
}

function drift(subjects: readonly DriftSubject[], more: Partial<DriftQuestion> = {}): readonly Drift[] {
  return decideDrift({ subjects, leftOvers: [], syncing: false, applied: undefined, ...more });
}

/** What the delivery controller applied. */
const OURS = entry('landfall', { 'f:spec': { 'f:paused': {} } }, { operation: 'Apply' });

const replicas = { 'f:spec': { 'f:replicas': {} } };
const three = deployment({ replicas: 3 });
const five = (...managed: readonly JsonObject[]) => deployment({ replicas: 5 }, managed);

describe('who changed a field', () => {
  it.each([
    [
      'kubectl scale',
      entry('kubectl', replicas, { subresource: 'scale' }),
      'person',
      'changed-by-hand',
      false,
    ],
    ['kubectl apply', entry('kubectl-client-side-apply', replicas), 'person', 'changed-by-hand', false],
    ['an editor with a window', entry('Lens', replicas), 'person', 'changed-by-hand', false],
    [
      'an autoscaler that is gone',
      entry('kube-controller-manager', replicas, { subresource: 'scale' }),
      'autoscaler',
      'autoscaler-gone',
      false,
    ],
    ['another controller', entry('payment-operator', replicas), 'controller', 'changed-by-another', false],
    [
      'a webhook on our own apply',
      entry('landfall', replicas, { operation: 'Apply' }),
      'delivery',
      'rewritten',
      false,
    ],
  ] as const)('%s', (_who, managed, kind, reason, expected) => {
    expect(drift([subject(three, five(managed))])).toMatchObject([
      {
        kind: 'changed',
        field: 'spec.replicas',
        desired: 3,
        live: 5,
        writer: { kind, time: AT },
        reason,
        expected,
      },
    ]);
  });

  it('takes the newest of several writers', () => {
    const older = { ...entry('payment-operator', replicas), time: '2026-02-01T00:00:00Z' };
    expect(drift([subject(three, five(older, entry('kubectl-edit', replicas)))])[0]?.writer?.manager).toBe(
      'kubectl-edit',
    );
  });

  it('tells the containers of a list apart by their names', () => {
    const containers = (image: string) => [
      { name: 'proxy', image: 'p' },
      { name: 'api', image },
    ];
    const item = (name: string) => ({
      'f:spec': {
        'f:template': { 'f:spec': { 'f:containers': { [`k:{"name":"${name}"}`]: { 'f:image': {} } } } },
      },
    });
    const pod = (image: string) => ({ template: { spec: { containers: containers(image) } } });
    const asked = deployment({ template: { spec: { containers: [{ name: 'api', image: 'nginx:1' }] } } });
    const live = deployment(pod('nginx:2'), [
      entry('kubectl-set', item('api')),
      entry('mesh-operator', item('proxy')),
    ]);
    expect(drift([subject(asked, live)]).find(({ kind }) => kind === 'changed')).toMatchObject({
      field: 'spec.template.spec.containers[0].image',
      writer: { manager: 'kubectl-set' },
    });
  });
});

describe('who is no writer of the field', () => {
  const probed = deployment({ minReadySeconds: 5 });

  it('took it out: the delivery controller owns it no more, and who wrote last is named as such', () => {
    const edit = entry('kubectl-edit', { 'f:spec': { 'f:paused': {} } });
    expect(drift([subject(probed, deployment({}, [OURS, edit]))])).toMatchObject([
      { reason: 'taken-out', expected: false, live: undefined, writer: undefined },
    ]);
    expect(drift([subject(probed, deployment({}, [OURS, edit]))])[0]?.by).toMatch(
      /took it out after the last apply.*kubectl-edit \(a person, or a script of one\) was the last/,
    );
    const before = { ...edit, time: '2026-01-01T00:00:00Z' };
    expect(drift([subject(probed, deployment({}, [OURS, before]))])[0]?.by).not.toMatch(/kubectl/);
  });

  it('took it out, though zeros that are never stored stay with who applied them', () => {
    const asked = deployment({ strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } } });
    const owned = (...fields: readonly string[]) =>
      entry(
        'landfall',
        {
          'f:spec': {
            'f:strategy': {
              'f:rollingUpdate': Object.fromEntries(fields.map((name) => [`f:${name}`, {}])),
            },
          },
        },
        { operation: 'Apply' },
      );
    expect(drift([subject(asked, deployment({}, [owned('maxUnavailable')]))])).toMatchObject([
      { reason: 'taken-out' },
    ]);
    expect(drift([subject(asked, deployment({}, [owned('maxSurge', 'maxUnavailable')]))])).toMatchObject([
      { reason: 'rewritten' },
    ]);
  });

  it('rewrote it on the way, where the delivery controller owns what is not there', () => {
    const ours = entry('landfall', { 'f:spec': { 'f:minReadySeconds': {} } }, { operation: 'Apply' });
    expect(drift([subject(probed, deployment({}, [ours]))])).toMatchObject([{ reason: 'rewritten' }]);
  });

  it.each([
    ['without managed fields', []],
    ['from before there were any', [entry('before-first-apply', replicas)]],
  ] as const)('is said to be unknown, and no webhook is blamed: %s', (_when, managed) => {
    const [found] = drift([subject(three, five(...managed))]);
    expect(found).toMatchObject({ reason: 'writer-untold', expected: false, writer: undefined });
    expect(found?.by).toMatch(/not known/);
  });
});

describe('two deliveries of one object', () => {
  const ours = entry('landfall', replicas, { operation: 'Apply' });

  it('are told by the mark that the object carries', () => {
    const found = drift([subject(three, five(ours), { claimedBy: 'Application other' })]);
    expect(found).toMatchObject([{ reason: 'claimed-by-another', expected: false }]);
    expect(found[0]?.by).toBe('landfall (a delivery controller) for Application other');
  });

  it('are told by the name of an engine that delivers something else', () => {
    const isOwn = (manager: string) => manager === 'landfall';
    const flux = entry('kustomize-controller', replicas, { operation: 'Apply' });
    expect(drift([subject(three, five(flux))], { isOwn })).toMatchObject([{ reason: 'claimed-by-another' }]);
    expect(drift([subject(three, five(ours))], { isOwn })).toMatchObject([{ reason: 'rewritten' }]);
    const terraform = entry('Terraform', replicas);
    expect(drift([subject(three, five(terraform))], { isOwn })).toMatchObject([
      { reason: 'claimed-by-another' },
    ]);
  });
});

describe('what belongs to its writer by design', () => {
  it('is a replica count that an autoscaler owns', () => {
    const owned = subject(three, five(entry('kubectl', replicas)), { autoscalers: ['payment-api'] });
    expect(drift([owned])).toMatchObject([
      { expected: true, reason: 'autoscaled', by: 'HorizontalPodAutoscaler/payment-api (an autoscaler)' },
    ]);
  });

  it('is not explained while nobody knows whether there is an autoscaler', () => {
    expect(
      drift([subject(three, five(entry('kubectl', replicas)), { autoscalers: 'unknown' })])[0]?.expected,
    ).toBe(false);
  });

  it('is a field that ignoreDifferences leaves to others', () => {
    expect(drift([subject(three, five(), { ignored: () => true })])).toMatchObject([
      { expected: true, reason: 'ignored' },
    ]);
  });

  it('is a Secret that is rotated, and its values are never told', () => {
    const secret = (value: string, more: JsonObject = {}): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db', namespace: 'payments', ...more },
      data: { password: value },
    });
    const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'db', uid: 'u' };
    const found = drift([subject(secret('b2xk'), secret('bmV3', { ownerReferences: [owner] }))]);
    expect(found).toMatchObject([
      { expected: true, reason: 'secret-rotated', by: 'ExternalSecret/db (it owns this Secret)' },
    ]);
    expect(JSON.stringify(found)).not.toMatch(/b2xk|bmV3/);
    const byHand = drift([
      subject(
        secret('b2xk'),
        secret('bmV3', { managedFields: [entry('kubectl-edit', { 'f:data': { 'f:password': {} } })] }),
      ),
    ]);
    expect(byHand).toMatchObject([{ expected: false, reason: 'changed-by-hand' }]);
    expect(JSON.stringify(byHand)).not.toMatch(/b2xk|bmV3/);
  });

  it('is not what a person wrote into a Secret that a controller owns, and stringData is data', () => {
    const owner = { apiVersion: 'external-secrets.io/v1', kind: 'ExternalSecret', name: 'db', uid: 'u' };
    const secret = (manager: string): KubeObject => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        ownerReferences: [owner],
        managedFields: [entry(manager, { 'f:data': { 'f:password': {} } })],
      },
      data: { password: 'bmV3' },
    });
    const asked = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      stringData: { password: 'old' },
    };
    expect(drift([subject(asked, secret('kubectl-edit'))])).toMatchObject([
      { kind: 'changed', field: 'data.password', reason: 'changed-by-hand', expected: false },
    ]);
    const eso = 'externalsecrets.external-secrets.io/db';
    const unowned = { ...secret(eso), metadata: { ...secret(eso).metadata, ownerReferences: [] } };
    expect(drift([subject(asked, unowned)])).toMatchObject([{ reason: 'secret-rotated', expected: true }]);
  });

  it('is a sidecar that came in on admission, which owns no field', () => {
    const pod = (...names: readonly string[]) => ({
      template: { spec: { containers: names.map((name) => ({ name })) } },
    });
    const sidecar = { ...subject(deployment(pod('api')), deployment(pod('api', 'istio-proxy'), [OURS])) };
    expect(drift([subject(sidecar.object, deployment(pod('api', 'istio-proxy')))])).toEqual([]);
    const found = drift([{ ...sidecar, webhooks: ['inject.corp.io (x)'] }]);
    expect(found[0]?.by).toBe(
      'a mutating webhook, which leaves no name; only inject.corp.io (x) takes such objects',
    );
    expect(found).toMatchObject([
      {
        kind: 'added',
        expected: true,
        reason: 'added-on-admission',
        field: 'spec.template.spec.containers[1]',
      },
    ]);
  });

  it('is a label, an annotation and a variable that came in on admission, not what a person added', () => {
    const containers = (env: readonly JsonObject[]) => ({
      template: { spec: { containers: [{ name: 'api', env: [...env] }] } },
    });
    const live = (manager?: string): KubeObject => {
      const made = deployment(containers([{ name: 'INJECTED', value: '1' }]), [
        OURS,
        ...(manager === undefined
          ? []
          : [entry(manager, { 'f:metadata': { 'f:annotations': { 'f:corp.io/checked': {} } } })]),
      ]);
      const annotations = { 'corp.io/checked': 'yes', 'deployment.kubernetes.io/revision': '4' };
      return { ...made, metadata: { ...made.metadata, annotations } };
    };
    const asked = deployment(containers([]));
    expect(drift([subject(asked, live())]).map(({ field, expected }) => [field, expected])).toEqual([
      ['spec.template.spec.containers[0].env[0]', true],
      ['metadata.annotations.corp.io/checked', true],
    ]);
    expect(drift([subject(asked, live('kubectl-annotate'))])[0]).toMatchObject({
      field: 'metadata.annotations.corp.io/checked',
      reason: 'added-by-hand',
      expected: false,
    });
  });

  it('is a commit that no sync has applied yet', () => {
    const applied = new Map([[objectKey(three), deployment({ replicas: 5 })]]);
    expect(drift([subject(three, five())], { applied })).toMatchObject([
      { expected: true, reason: 'not-synced-yet' },
    ]);
    expect(drift([subject(three, deployment({ replicas: 4 }))], { applied })).toMatchObject([
      { expected: false },
    ]);
  });
});

describe('what Git never asked for', () => {
  const restarted = {
    'f:spec': {
      'f:template': { 'f:metadata': { 'f:annotations': { 'f:kubectl.kubernetes.io/restartedAt': {} } } },
    },
  };

  it('is told when a person put it in', () => {
    const live = deployment(
      { replicas: 3, template: { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': AT } } } },
      [entry('kubectl-rollout', restarted)],
    );
    expect(drift([subject(deployment({ replicas: 3, template: { metadata: {} } }), live)])).toMatchObject([
      { kind: 'added', reason: 'added-by-hand', live: AT, expected: false },
    ]);
  });

  it('is told of a finalizer and of an option of the delivery, too', () => {
    const live: KubeObject = {
      ...three,
      metadata: {
        ...three.metadata,
        finalizers: ['corp.io/hold'],
        annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false' },
        managedFields: [
          entry('kubectl-patch', {
            'f:metadata': {
              'f:finalizers': { '.': {}, 'v:"corp.io/hold"': {} },
              'f:annotations': { 'f:argocd.argoproj.io/sync-options': {} },
            },
          }),
        ],
      },
    };
    expect(drift([subject(three, live)]).map(({ field, reason }) => [field, reason])).toEqual([
      ['metadata.finalizers[0]', 'added-by-hand'],
      ['metadata.annotations.argocd.argoproj.io/sync-options', 'added-by-hand'],
    ]);
  });

  it('is not what the API server defaults or a controller keeps its books in', () => {
    const live: KubeObject = {
      ...deployment({
        replicas: 3,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      }),
      metadata: {
        name: 'payment-api',
        namespace: 'payments',
        annotations: { 'deployment.kubernetes.io/revision': '3' },
        managedFields: [
          entry('kubectl-client-side-apply', {
            'f:spec': {
              'f:progressDeadlineSeconds': {},
              'f:strategy': {
                'f:type': {},
                'f:rollingUpdate': { '.': {}, 'f:maxSurge': {}, 'f:maxUnavailable': {} },
              },
            },
          }),
          entry('kube-controller-manager', {
            'f:metadata': { 'f:annotations': { '.': {}, 'f:deployment.kubernetes.io/revision': {} } },
          }),
        ],
      },
    };
    expect(drift([subject(three, live)])).toEqual([]);
  });
});

describe('what should be gone', () => {
  const leftOver = (metadata: JsonObject, prunes = true) =>
    decideDrift({
      subjects: [],
      leftOvers: [
        {
          live: {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            metadata: { name: 'old-payment-worker', ...metadata },
          },
          prunes,
        },
      ],
      syncing: false,
      applied: undefined,
    });

  it.each([
    [
      'is held by a finalizer, which is named',
      { deletionTimestamp: AT, finalizers: ['corp.io/backup'] },
      true,
      'prune-held',
      /corp\.io\/backup/,
    ],
    [
      'is kept on purpose',
      { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false' } },
      true,
      'prune-kept',
      /Prune=false/,
    ],
    ['is there because nothing prunes', {}, false, 'prune-off', /does not prune/],
    ['waits for a sync', {}, true, 'prune-pending', /no sync has removed it/],
  ] as const)('%s', (_what, metadata, prunes, reason, by) => {
    const [found] = leftOver(metadata as JsonObject, prunes);
    expect(found).toMatchObject({ kind: 'left-over', object: 'Deployment/old-payment-worker', reason });
    expect(found?.by).toMatch(by);
  });

  it('is an object that Git asks for and somebody deleted, the other way round', () => {
    const gone: DriftSubject = { ...subject(three, three), live: { state: 'absent', why: 'not found' } };
    expect(drift([gone])).toMatchObject([{ kind: 'absent', reason: 'deleted', expected: false }]);
    expect(drift([gone], { neverSynced: true })).toMatchObject([
      { kind: 'absent', reason: 'not-synced-yet', expected: true },
    ]);
    expect(drift([subject(three, five())], { neverSynced: true })).toMatchObject([{ expected: false }]);
  });
});

describe('a map that is owned as one', () => {
  const service = (selector: JsonObject, managedFields: readonly JsonObject[] = []): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'payment-api', namespace: 'payments', managedFields: [...managedFields] },
    spec: { selector },
  });
  const applied = (fields: JsonObject) => entry('landfall', fields, { operation: 'Apply' });

  it('was changed by who owns the map', () => {
    const [found] = drift([
      subject(
        service({ 'app.kubernetes.io/name': 'payment-api' }),
        service({ 'app.kubernetes.io/name': 'payment' }, [
          applied({ 'f:spec': { 'f:ports': {} } }),
          entry('kubectl-patch', { 'f:spec': { 'f:selector': {} } }),
        ]),
      ),
    ]);
    expect(found).toMatchObject({
      reason: 'changed-by-hand',
      writer: { manager: 'kubectl-patch', time: AT },
    });
  });

  it('is told from a map whose entries have owners of their own', () => {
    const [found] = drift([
      subject(
        service({ app: 'payment-api', tier: 'web' }),
        service({ app: 'payment-api', tier: 'other' }, [
          applied({ 'f:spec': { 'f:selector': {} } }),
          entry('somebody', { 'f:spec': { 'f:selector': { 'f:app': {} } } }),
        ]),
      ),
    ]);
    expect(found).toMatchObject({ reason: 'rewritten', writer: undefined });
  });
});
