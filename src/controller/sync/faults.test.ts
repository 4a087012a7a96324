import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LandfallError, getString, systemClock } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import { applicationStatus } from '../../boundaries/sync/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { startCluster } from '../../drydock/index.ts';
import { config, job, startStage } from './stage.fixture.ts';
import type { Delivery, Stage } from './stage.fixture.ts';

let stage: Stage;
let at: Delivery;
let folder: string;
let ledger: Ledger;

beforeAll(async () => {
  stage = await startStage(startCluster);
  folder = await mkdtemp(join(tmpdir(), 'landfall-faults-'));
  ledger = openLedger({ folder, clock: systemClock });
});
afterAll(async () => {
  await stage.close();
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  at = stage.next();
});
afterEach(() => stage.clear());

const POLICY: JsonObject = {
  automated: { prune: true },
  syncOptions: ['CreateNamespace=true'],
  retry: { limit: 0 },
};
const hook = (type: string, policy: string) => ({
  'argocd.argoproj.io/hook': type,
  'argocd.argoproj.io/hook-delete-policy': policy,
});
const FILES = {
  'k8s/before.yaml': job('before', 'succeeds', hook('PreSync', 'HookSucceeded')),
  'k8s/one.yaml': config('one', 'a'),
  'k8s/two.yaml': config('two', 'a', { 'argocd.argoproj.io/sync-wave': '1' }),
};

/** The client of a controller whose connection breaks at one write, before it is sent or before it is answered. */
function breaking(client: KubeClient, write: number, when: 'before' | 'after', onBreak: () => void) {
  let writes = 0;
  const jobs = new Set<string>();
  async function at<T>(call: () => Promise<T>): Promise<T> {
    writes += 1;
    const breaks = writes === write;
    const lost = () => {
      onBreak();
      return new LandfallError('The connection broke.', { kind: 'unavailable', code: 'broken' });
    };
    if (breaks && when === 'before') throw lost();
    const answer = await call();
    if (breaks) throw lost();
    return answer;
  }
  const broken: KubeClient = {
    ...client,
    apply: (object, options, signal) =>
      options.dryRun === true
        ? client.apply(object, options, signal)
        : at(async () => {
            const made = await client.apply(object, options, signal);
            if (object.kind === 'Job') jobs.add(made.object.metadata.uid ?? '');
            return made;
          }),
    patch: (...args) => at(() => client.patch(...args)),
    delete: (...args) => at(() => client.delete(...args)),
  };
  return { broken, jobs, writes: () => writes };
}

describe('a sync with hooks and waves, when the connection breaks at one write', () => {
  it('ends as if nothing had been, and has run its hook once, wherever that is', async () => {
    const { path, first } = await at.repository(FILES);
    for (const [when, from] of [
      ['before', 1],
      ['after', 2],
    ] as const) {
      for (let write = from; ; write += 2) {
        at = stage.next();
        let over = false;
        const { broken, jobs, writes } = breaking(at.client, write, when, () => {
          over = true;
        });
        const controller = await at.begin({ client: broken, ledger });
        const name = await at.register(path, POLICY);
        await at.until(
          `${name} is synced`,
          async () => applicationStatus(await at.application(name)).sync === 'Synced',
        );
        const message = `write ${write} of ${writes()}, lost ${when} it was done`;
        expect(await at.ended(name, 'Succeeded')).toContain('successfully synced');
        expect([message, jobs.size]).toEqual([message, 1]);
        expect([message, getString(await at.operation(name), 'syncResult', 'revision')]).toEqual([
          message,
          first,
        ]);
        expect(await at.get('ConfigMap', 'two')).toBeDefined();
        await at.until('the hook is gone', async () => (await at.get('Job', 'before')) === undefined);
        await controller.close();
        await stage.clear();
        if (!over) break;
      }
    }
  }, 60_000);

  it('goes on with another controller where one was killed, and runs nothing twice', async () => {
    const { path } = await at.repository(FILES);
    for (let write = 3; ; write += 3) {
      at = stage.next();
      let killed: Promise<void> | undefined;
      const { broken, jobs } = breaking(at.client, write, 'after', () => {
        killed = controller.close();
      });
      const controller = await at.begin({ client: broken, ledger });
      const name = await at.register(path, POLICY);
      const ended = () => at.operation(name).then((state) => getString(state, 'phase') === 'Succeeded');
      await at.until('it is killed, or over', async () => killed !== undefined || (await ended()));
      const alive = killed === undefined;
      await (killed ?? controller.close());
      const second = breaking(at.client, -1, 'after', () => {});
      await at.begin({ client: second.broken, ledger });
      await at.ended(name, 'Succeeded');
      const message = `killed at write ${write}`;
      expect([message, new Set([...jobs, ...second.jobs]).size]).toEqual([message, 1]);
      expect(await at.get('ConfigMap', 'two')).toBeDefined();
      await stage.clear();
      if (alive) break;
    }
  }, 60_000);
});

describe('an API call that hangs', () => {
  it('delays its own application, and no other', async () => {
    const bad = await at.repository({ 'k8s/one.yaml': config('hanging', 'a') });
    const good = await at.repository({ 'k8s/one.yaml': config('quick', 'a') });
    let hangs = 0;
    const client: KubeClient = {
      ...at.client,
      apply: (object, options, signal) => {
        if (object.metadata.name !== 'hanging') return at.client.apply(object, options, signal);
        hangs += 1;
        return new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () =>
            reject(new LandfallError('closed', { kind: 'cancelled', code: 'cancelled' })),
          );
        });
      },
    };
    await at.begin({ client, concurrency: 1 });
    await at.register(bad.path, POLICY);
    await at.until('it hangs', () => hangs > 0);
    const name = await at.register(good.path, POLICY);
    await at.ended(name, 'Succeeded');
    expect(await at.get('ConfigMap', 'quick')).toBeDefined();
    expect(await at.get('ConfigMap', 'hanging')).toBeUndefined();
  });
});
