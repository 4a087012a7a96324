import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LandfallError, getIn, systemClock } from '../kernel/index.ts';
import type { JsonObject, JsonValue } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { openKubectlStage } from '../../test/kubectl-stage.ts';
import type { KubectlStage } from '../../test/kubectl-stage.ts';
import { memoryJournals } from './ledger.fixture.ts';
import type { SetContext, SetStep } from './set.ts';
import { beginSet, recoverSet } from './set-writer.ts';

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

const map = (name: string, data: Record<string, string>, more: JsonObject = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace, ...more },
  data,
});

const web = (image: string, more: JsonObject = {}, container: JsonObject = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'main', image, ...container }] },
    },
    ...more,
  },
});

const read = async (object: KubeObject) => client.get(refOf(object));
async function must(object: KubeObject): Promise<KubeObject> {
  const found = await read(object);
  if (found === undefined) throw new Error(`no ${object.metadata.name}`);
  return found;
}

/** All that a restore promises to bring back. */
function kept(object: KubeObject | undefined): JsonValue {
  if (object === undefined) return null;
  const { resourceVersion: _v, generation: _g, managedFields, annotations, ...metadata } = object.metadata;
  const { status: _status, ...rest } = object;
  const own = Object.entries(annotations ?? {}).filter(([name]) => !name.startsWith('deployment.'));
  return {
    ...rest,
    metadata: { ...metadata, annotations: Object.fromEntries(own) },
    managed: (managedFields ?? [])
      .filter((entry) => entry['subresource'] !== 'status' && entry['manager'] !== 'kube-controller-manager')
      .map(({ time: _time, ...entry }) => entry)
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  };
}

function contextOf(): SetContext & { readonly ledger: ReturnType<typeof memoryJournals> } {
  return { client, clock: systemClock, ledger: memoryJournals(), patienceMs: 3000 };
}

const request = (steps: readonly SetStep[]) => ({
  subject: { cluster: client.server, namespace, application: 'shop' },
  delivery: 'd1',
  revision: 'abc',
  steps,
});

async function change(desired: KubeObject): Promise<SetStep> {
  return { action: 'change', desired, before: await must(desired) };
}

/** Applies a set and takes it back; gives what became of its steps. */
async function thereAndBack(
  steps: readonly SetStep[],
  between: () => Promise<unknown> = () => Promise.resolve(),
) {
  const writer = await beginSet(contextOf(), request(steps));
  for (const step of steps) {
    const outcome =
      step.desired === undefined
        ? await writer.prune(step.before as KubeObject, signal)
        : await writer.apply(step.desired, signal);
    expect(outcome, JSON.stringify(outcome)).toMatchObject({ state: 'done' });
  }
  await between();
  return writer.restore(signal);
}

describe('what is taken back', () => {
  it('is deleted where it was not there', async () => {
    const made = map('new', { a: '1' });
    const restored = await thereAndBack([{ action: 'create', desired: made, before: undefined }]);
    expect(restored).toMatchObject({ complete: true, steps: [{ state: 'undone' }] });
    expect(await read(made)).toBeUndefined();
  });

  it('is as it was, owners of fields included, when Landfall had applied it before', async () => {
    await client.apply(map('one', { a: '1', b: '2' }, { labels: { tier: 'web' } }), {
      fieldManager: 'landfall',
    });
    const before = kept(await must(map('one', {})));
    const step = await change(map('one', { a: '9', c: '3' }));
    await thereAndBack([step]);
    expect(kept(await must(map('one', {})))).toEqual(before);
  });

  it('is as it was, owners of fields included, when kubectl apply had made it', async () => {
    await stage.kubectl(
      ['apply'],
      web('app:1', { strategy: { type: 'Recreate' } }, { ports: [{ containerPort: 80 }] }),
    );
    const before = kept(await must(web('')));
    const step = await change(
      web(
        'app:2',
        { strategy: { type: 'RollingUpdate' }, replicas: 0 },
        { ports: [{ containerPort: 80 }, { containerPort: 81 }], env: [{ name: 'A', value: 'b' }] },
      ),
    );
    await thereAndBack([step], async () =>
      expect(getIn(await must(web('')), 'spec', 'strategy', 'rollingUpdate')).toBeDefined(),
    );
    expect(kept(await must(web('')))).toEqual(before);
  });

  it('gets back a container that the new revision had dropped', async () => {
    const two = web('app:1');
    const pod = getIn(two, 'spec', 'template', 'spec') as JsonObject;
    pod['containers'] = [
      { name: 'first', image: 'a:1', env: [{ name: 'X', value: '1' }] },
      { name: 'main', image: 'app:1' },
    ];
    await client.apply(two, { fieldManager: 'landfall' });
    const before = kept(await must(two));
    await thereAndBack([await change(web('app:2'))]);
    expect(kept(await must(two))).toEqual(before);
  });

  it('keeps what somebody else wrote meanwhile, and says which field and who', async () => {
    await client.apply(map('one', { a: '1', b: '1' }), { fieldManager: 'landfall' });
    const step = await change(map('one', { a: '2', b: '2' }));
    const restored = await thereAndBack([step], () =>
      client.patch(
        refOf(map('one', {})),
        'merge',
        { data: { b: '7', own: 'x' } },
        { fieldManager: 'kubectl-edit' },
      ),
    );
    expect((await must(map('one', {})))['data']).toEqual({ a: '1', b: '7', own: 'x' });
    expect(restored.steps[0]?.leftFields).toEqual([{ field: 'data.b', by: 'kubectl-edit' }]);
  });

  it('does not put back a field that somebody else removed meanwhile', async () => {
    await client.apply(map('one', { a: '1', b: '1' }), { fieldManager: 'landfall' });
    const step = await change(map('one', { a: '2', b: '1' }));
    await thereAndBack([step], () =>
      client.patch(refOf(map('one', {})), 'merge', { data: { b: null } }, { fieldManager: 'kubectl-edit' }),
    );
    expect((await must(map('one', {})))['data']).toEqual({ a: '1' });
  });

  it('leaves a number of replicas that an autoscaler has set meanwhile', async () => {
    await client.apply(web('app:1'), { fieldManager: 'landfall' });
    const step = await change(web('app:2'));
    await thereAndBack([step], () =>
      client.patch(
        refOf(web('')),
        'merge',
        { spec: { replicas: 2 } },
        { fieldManager: 'kube-controller-manager', subresource: 'scale' },
      ),
    );
    const live = await must(web(''));
    expect(getIn(live, 'spec', 'replicas')).toBe(2);
    expect(getIn(live, 'spec', 'template', 'spec', 'containers', 0, 'image')).toBe('app:1');
  });

  it('is made again where it had been pruned or recreated, under a new uid', async () => {
    const job = (image: string): KubeObject => ({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'migrate', namespace },
      spec: {
        suspend: true,
        template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image }] } },
      },
    });
    await client.apply(map('old', { a: '1' }), { fieldManager: 'landfall' });
    await client.apply(map('other', { a: '1' }), { fieldManager: 'landfall' });
    const old = await must(map('old', {}));
    const before = kept(old);
    const data = map('other', { a: '2' });
    await client.apply(job('app:1'), { fieldManager: 'landfall' });
    const restored = await thereAndBack([
      { action: 'prune', desired: undefined, before: old },
      { action: 'recreate', desired: data, before: await must(data) },
    ]);
    expect(restored.steps.map((step) => step.state)).toEqual(['undone', 'undone']);
    const again = await must(old);
    expect(again.metadata.uid).not.toBe(old.metadata.uid);
    const strip = (value: JsonValue) => ({ ...(value as JsonObject), metadata: null });
    expect(strip(kept(again))).toEqual(strip(before));
    expect((await must(data))['data']).toEqual({ a: '1' });
  });

  it('keeps a namespace and a volume claim that were created, and says so', async () => {
    const inner: KubeObject = {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: `${namespace}-inner` },
    };
    const restored = await thereAndBack([{ action: 'create', desired: inner, before: undefined }]);
    expect(restored).toMatchObject({ complete: true, steps: [{ state: 'left' }] });
    expect(await read(inner)).toBeDefined();
  });
});

describe('what was seen is what is changed', () => {
  it('refuses to write over what somebody else changed after the plan', async () => {
    await client.apply(map('one', { a: '1' }), { fieldManager: 'landfall' });
    const step = await change(map('one', { a: '2' }));
    await client.patch(
      refOf(map('one', {})),
      'merge',
      { data: { a: '5' } },
      { fieldManager: 'kubectl-edit' },
    );
    const writer = await beginSet(contextOf(), request([step]));
    expect(await writer.apply(map('one', { a: '2' }), signal)).toMatchObject({
      state: 'failed',
      why: 'conflict',
    });
    expect((await must(map('one', {})))['data']).toEqual({ a: '5' });
    expect(await writer.restore(signal)).toMatchObject({ complete: true, steps: [{ state: 'untouched' }] });
    expect((await must(map('one', {})))['data']).toEqual({ a: '5' });
  });

  it('goes on when only the status or a field of no concern moved', async () => {
    await client.apply(map('one', { a: '1' }), { fieldManager: 'landfall' });
    const step = await change(map('one', { a: '2' }));
    await client.patch(
      refOf(map('one', {})),
      'merge',
      { data: { z: '5' } },
      { fieldManager: 'kubectl-edit' },
    );
    const writer = await beginSet(contextOf(), request([step]));
    expect(await writer.apply(map('one', { a: '2' }), signal)).toMatchObject({ outcome: 'changed' });
    expect((await must(map('one', {})))['data']).toEqual({ a: '2', z: '5' });
  });

  it('takes its part out again of an object that somebody else made in between', async () => {
    const desired = map('one', { mine: '1' });
    const writer = await beginSet(contextOf(), request([{ action: 'create', desired, before: undefined }]));
    await client.create(map('one', { theirs: '1' }), { fieldManager: 'kubectl-create' });
    expect(await writer.apply(desired, signal)).toMatchObject({ state: 'failed', why: 'conflict' });
    expect((await must(desired))['data']).toEqual({ theirs: '1' });
    await writer.restore(signal);
    expect((await must(desired))['data']).toEqual({ theirs: '1' });
  });
});

describe('a crash', () => {
  /** Ends the process at the n-th record of the journal, and lets a new one recover. */
  async function crashAt(record: number, steps: readonly SetStep[]): Promise<number> {
    const context = contextOf();
    let seen = 0;
    context.ledger.onStep = () => {
      seen += 1;
      if (seen === record) throw new Error('killed');
    };
    const writer = await beginSet(context, request(steps));
    try {
      for (const step of steps) {
        if (step.desired === undefined) await writer.prune(step.before as KubeObject, signal);
        else await writer.apply(step.desired, signal);
      }
    } catch {
      context.ledger.onStep = undefined;
      const [head] = await context.ledger.journals.unfinished();
      if (head === undefined) throw new Error('nothing to recover');
      const journal = await context.ledger.journals.takeOver(head.id);
      expect(await recoverSet(context, journal, signal)).toMatchObject({ complete: true });
      return -1;
    }
    return seen;
  }

  it('at any record of the journal ends in what was there before', async () => {
    await client.apply(map('one', { a: '1' }), { fieldManager: 'landfall' });
    await client.apply(map('two', { a: '1' }), { fieldManager: 'landfall' });
    for (let record = 1; ; record += 1) {
      const [one, two] = [await must(map('one', {})), await must(map('two', {}))];
      const steps: SetStep[] = [
        { action: 'create', desired: map('new', { a: '1' }), before: undefined },
        { action: 'change', desired: map('one', { b: '2' }), before: one },
        { action: 'prune', desired: undefined, before: two },
      ];
      const finished = await crashAt(record, steps);
      if (finished >= 0) {
        expect(finished).toBe(6);
        break;
      }
      expect(await read(map('new', {})), `record ${record}`).toBeUndefined();
      expect(kept(await must(one)), `record ${record}`).toEqual(kept(one));
      expect((await must(two))['data']).toEqual({ a: '1' });
    }
  });
});

describe('a ledger that cannot be written to any more', () => {
  it('ends the apply, and what was written is taken back all the same', async () => {
    const context = contextOf();
    let seen = 0;
    context.ledger.onStep = () => {
      seen += 1;
      if (seen > 1)
        throw new LandfallError('the disk is full', { kind: 'unavailable', code: 'ledger-unwritable' });
    };
    const steps: SetStep[] = [
      { action: 'create', desired: map('one', { a: '1' }), before: undefined },
      { action: 'create', desired: map('two', { a: '1' }), before: undefined },
    ];
    const writer = await beginSet(context, request(steps));
    await writer.apply(map('one', { a: '1' }), signal);
    await expect(writer.settled()).rejects.toThrow('the disk is full');
    expect(await writer.restore(signal)).toMatchObject({ complete: true });
    expect(await read(map('one', {}))).toBeUndefined();
  });
});
