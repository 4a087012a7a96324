import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getIn, systemClock } from '../kernel/index.ts';
import type { JsonValue } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { openKubectlStage } from '../../test/kubectl-stage.ts';
import type { KubectlStage } from '../../test/kubectl-stage.ts';
import { memoryJournals } from './ledger.fixture.ts';
import { makePlan } from './make-plan.ts';
import { beginSet } from './set-writer.ts';

const { signal } = new AbortController();
let stage: KubectlStage;
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  stage = await openKubectlStage();
  ({ client } = stage);
});
afterAll(() => stage?.close());
beforeEach(async () => {
  namespace = await stage.nextNamespace();
});
afterEach(() => stage.cluster.faults.healAll());

/** As Git has it; release 2 has dropped a variable, a port, a label and a key. */
function release(version: 1 | 2): readonly KubeObject[] {
  const old = version === 1;
  const container = {
    name: 'main',
    image: 'app:1',
    env: [{ name: 'KEPT', value: 'x' }, ...(old ? [{ name: 'GONE', value: 'x' }] : [])],
    ports: [{ containerPort: 80 }, ...(old ? [{ containerPort: 81 }] : [])],
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', namespace, labels: { tier: 'web', ...(old ? { gone: 'yes' } : {}) } },
      spec: {
        ...(old ? { replicas: 0 } : {}),
        selector: { matchLabels: { app: 'web' } },
        template: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'web', namespace },
      data: { kept: 'x', ...(old ? { gone: 'x' } : {}) },
    },
  ];
}

const plan = (objects: readonly KubeObject[]) =>
  makePlan(
    client,
    {
      set: objects.map((object) => ({ object, why: () => [] })),
      extra: [],
      prune: false,
      pruneKept: false,
      recreate: false,
      salt: 'salt',
      looseRelations: true,
    },
    signal,
  );

/** Spec, data, labels and who owns what. */
async function stored(): Promise<JsonValue> {
  const found: JsonValue[] = [];
  for (const object of release(1)) {
    const live = await client.get(refOf(object));
    const { labels = {}, managedFields = [] } = live?.metadata ?? {};
    const owners = managedFields
      .filter((entry) => entry['subresource'] !== 'status' && entry['manager'] !== 'kube-controller-manager')
      .map(({ time: _time, ...entry }) => JSON.stringify(entry))
      .toSorted();
    found.push({ spec: live?.['spec'] ?? null, data: live?.['data'] ?? null, labels, owners });
  }
  return found;
}

const main = ['spec', 'template', 'spec', 'containers', 0] as const;
const live = async (index: 0 | 1) => {
  const [deployment, settings] = release(1);
  const object = index === 0 ? deployment : settings;
  return object === undefined ? undefined : client.get(refOf(object));
};

async function expectDropped(): Promise<void> {
  const deployment = await live(0);
  expect(getIn(deployment, ...main, 'env')).toEqual([{ name: 'KEPT', value: 'x' }]);
  expect(getIn(deployment, ...main, 'ports')).toEqual([{ containerPort: 80, protocol: 'TCP' }]);
  expect(deployment?.metadata.labels).toEqual({ tier: 'web' });
  // Whoever takes the number out hands it to an autoscaler.
  expect(getIn(deployment, 'spec', 'replicas')).toBe(0);
  expect((await live(1))?.['data']).toEqual({ kept: 'x' });
}

async function applied(objects: readonly KubeObject[]) {
  const { items } = await plan(objects);
  const steps = items.map(({ desired, before }) => ({ action: 'change' as const, desired, before }));
  const writer = await beginSet(
    { client, clock: systemClock, ledger: memoryJournals(), patienceMs: 3000 },
    {
      subject: { cluster: client.server, namespace, application: 'shop' },
      delivery: 'd1',
      revision: 'abc',
      steps,
    },
  );
  const outcomes = [];
  for (const object of objects) outcomes.push(await writer.apply(object, signal));
  return { writer, outcomes };
}

describe('what kubectl apply had put there and the set no longer has', () => {
  it('goes, as with the next kubectl apply, and the plan says so', async () => {
    await stage.kubectl(['apply'], ...release(1));
    const { items } = await plan(release(2));
    const fields = items.map(({ planned }) =>
      planned.fields.map(({ field, after }) => [field, after ?? 'nothing']),
    );
    expect(items.map(({ planned }) => planned.action)).toEqual(['change', 'change']);
    expect(fields[0]).toContainEqual(['metadata.labels.gone', 'nothing']);
    expect(fields[1]).toEqual([['data.gone', 'nothing']]);
    await applied(release(2));
    await expectDropped();
    expect((await plan(release(2))).items.map(({ planned }) => planned.action)).toEqual([
      'unchanged',
      'unchanged',
    ]);
  });

  it('goes even when Landfall has applied it, too, in between', async () => {
    await stage.kubectl(['apply'], ...release(1));
    await applied(release(1));
    await applied(release(2));
    await expectDropped();
  });

  it('stays where somebody else has written it since', async () => {
    await stage.kubectl(['apply'], ...release(1));
    await stage.kubectl(['patch', 'configmap', 'web', '-p', '{"data":{"gone":"mine"}}']);
    await applied(release(2));
    expect((await live(1))?.['data']).toEqual({ kept: 'x', gone: 'mine' });
  });

  it('comes back with its owner when the set is taken back', async () => {
    await stage.kubectl(['apply'], ...release(1));
    const before = await stored();
    const { writer } = await applied(release(2));
    await expectDropped();
    expect(await writer.restore(signal)).toMatchObject({ complete: true });
    expect(await stored()).toEqual(before);
  });

  it.each([
    ['handed over', 1],
    ['removed', 2],
  ])('comes back with its owner when it cannot be %s', async (_, nth) => {
    await stage.kubectl(['apply'], ...release(1));
    const before = await stored();
    const verbs = ['patch'] as const;
    const effect = { type: 'status', status: 403 } as const;
    stage.cluster.faults.add({ on: 'api', verbs, namespace, dryRun: false, nth, effect });
    const { writer, outcomes } = await applied(release(2));
    expect(outcomes[0]).toMatchObject({ state: 'failed' });
    expect(await writer.restore(signal)).toMatchObject({ complete: true });
    expect(await stored()).toEqual(before);
  });

  it.each([1, 2, 3, 4])('goes though the answer to write %i is lost', async (nth) => {
    await stage.kubectl(['apply'], ...release(1));
    for (const written of [true, false]) {
      const effect = { type: 'reset' as const, written };
      stage.cluster.faults.add({ on: 'api', verbs: ['patch'], namespace, dryRun: false, nth, effect });
    }
    const { outcomes } = await applied(release(2));
    expect(outcomes).toMatchObject([{ state: 'done' }, { state: 'done' }]);
    await expectDropped();
  });
});

describe('what somebody else wrote and the set asks for otherwise', () => {
  it('is taken from them, and the plan says from whom', async () => {
    const [, settings] = release(1);
    if (settings === undefined) throw new Error('no ConfigMap');
    await client.apply(settings, { fieldManager: 'landfall' });
    await stage.kubectl(['patch', 'configmap', 'web', '-p', '{"data":{"kept":"mine"}}']);
    const theirs = { ...settings, data: { theirs: 'y' } };
    await client.apply(theirs, { fieldManager: 'other-controller' });
    const wanted = { ...settings, data: { kept: 'x', gone: 'x', theirs: 'z' } };
    const { items, warnings } = await plan([wanted]);
    expect(items[0]?.planned.notes).toEqual([
      'takes data.theirs from other-controller',
      'takes data.kept from kubectl-patch',
    ]);
    expect(warnings).toEqual([
      expect.stringContaining('other-controller applies data.theirs, too') as string,
    ]);
  });
});
