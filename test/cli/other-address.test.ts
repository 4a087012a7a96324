import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { getString, sleep, systemClock } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import { openTcpGate } from '../tcp-gate.ts';
import { openBinary } from './binary.ts';
import type { Binary } from './binary.ts';

// Processes that are killed in the middle of an apply, and whoever comes next by another address, or finds another
// cluster at the same one.
const TOKEN = 'one-token-for-both-clusters';
const MINUTE = 60_000;

let landfall: Binary;
let one: Cluster;
let two: Cluster;
/** A port-forward that leads to whichever cluster it names. */
const target = { host: '127.0.0.1', port: 0 };
let gate: Awaited<ReturnType<typeof openTcpGate>>;
let folder: string;
/** kubeconfigs: the first cluster under its own address, and whatever is behind the port-forward. */
let direct: string;
let forwarded: string;

function kubeconfigOf(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: TOKEN } }],
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
    'current-context': 'c',
  });
}

beforeAll(async () => {
  [landfall, one, two] = await Promise.all([
    openBinary(),
    startCluster({ token: TOKEN, nodes: 1 }),
    startCluster({ token: TOKEN, nodes: 1 }),
  ]);
  gate = await openTcpGate(target);
  folder = path.join(landfall.home, 'shop');
  await mkdir(folder);
  direct = path.join(landfall.home, 'direct');
  forwarded = path.join(landfall.home, 'forwarded');
  await writeFile(direct, kubeconfigOf(one.url));
  await writeFile(forwarded, kubeconfigOf(`https://127.0.0.1:${gate.port}`));
}, 2 * MINUTE);

afterAll(async () => {
  await gate.close();
  await Promise.all([one.close(), two.close(), landfall.remove()]);
}, MINUTE);

function leadTo(cluster: Cluster): void {
  target.port = Number(new URL(cluster.url).port);
}

async function writeSet(value: string): Promise<void> {
  const map = (name: string) =>
    `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: ${value} }\n`;
  await writeFile(path.join(folder, 'all.yaml'), ['a', 'b', 'c'].map(map).join('---\n'));
}

const run = (kubeconfig: string, args: readonly string[]) =>
  landfall.run(args, { env: { KUBECONFIG: kubeconfig } });
const apply = (kubeconfig: string, ...flags: string[]) =>
  run(kubeconfig, ['apply', folder, '--name', 'shop', ...flags]);

/** `a=old b=new c=old`, as the cluster stores it. */
async function stored(cluster: Cluster): Promise<string> {
  const kube = await loadKubeClient({ kubeconfig: direct, clock: systemClock, env: {} });
  kube.close();
  const file = path.join(landfall.home, 'look');
  await writeFile(file, kubeconfigOf(cluster.url));
  const client = await loadKubeClient({ kubeconfig: file, clock: systemClock, env: {} });
  try {
    const { items } = await client.list({ apiVersion: 'v1', kind: 'ConfigMap' }, { namespace: 'default' });
    return items
      .filter(({ metadata }) => /^[abc]$/.test(metadata.name))
      .map((item) => `${item.metadata.name}=${getString(item, 'data', 'key')}`)
      .toSorted()
      .join(' ');
  } finally {
    client.close();
  }
}

/** Kills an apply of this value by `kill -9` while its second write is under way. */
async function killHalfWay(kubeconfig: string, value: string): Promise<void> {
  await writeSet(value);
  const hang = one.faults.add({
    on: 'api',
    client: 'landfall/',
    verbs: ['patch'],
    dryRun: false,
    nth: 2,
    effect: { type: 'hang' },
  });
  const started = landfall.start(['apply', folder, '--name', 'shop'], { env: { KUBECONFIG: kubeconfig } });
  const end = systemClock.now() + MINUTE;
  while (hang.hits === 0) {
    if (systemClock.now() > end) throw new Error(`It did not get so far: ${started.out()}${started.err()}`);
    await sleep(systemClock, 20);
  }
  started.kill('SIGKILL');
  await started.ended;
  hang.heal();
}

/** Nobody may read which cluster it is. */
function hideIdentity(cluster: Cluster): () => void {
  const fault = cluster.faults.add({
    on: 'api',
    resource: 'namespaces',
    name: 'kube-system',
    effect: { type: 'status', status: 403 },
  });
  return () => fault.heal();
}

describe('an apply that was killed half way', () => {
  it(
    'is ended by recover, and by the next apply, through another address',
    { timeout: 3 * MINUTE },
    async () => {
      leadTo(one);
      await writeSet('old');
      expect((await apply(direct)).code).toBe(0);
      await killHalfWay(direct, 'new');
      expect(await stored(one)).not.toBe('a=old b=old c=old');
      const recovered = await run(forwarded, ['recover', '-o', 'json']);
      expect([recovered.code, recovered.err]).toEqual([0, '']);
      expect(JSON.parse(recovered.out)).toMatchObject([
        { outcome: 'restored', subject: { cluster: `https://127.0.0.1:${gate.port}`, application: 'shop' } },
      ]);
      expect(await stored(one)).toBe('a=old b=old c=old');

      await killHalfWay(forwarded, 'newer');
      const next = await apply(direct);
      expect([next.code, next.out]).toEqual([0, expect.stringMatching(/recovered ✓ [^]*is\s+there\s+again/)]);
      expect(await stored(one)).toBe('a=newer b=newer c=newer');
      // One history, whichever way it is asked for.
      const { out } = await run(forwarded, ['history', 'shop', '-o', 'json']);
      const clusters = (JSON.parse(out) as readonly JsonValue[]).map((row) => getString(row, 'cluster'));
      expect([clusters.length, new Set(clusters).size]).toEqual([4, 1]);
    },
  );

  it('is nothing for another cluster at the same address', { timeout: 3 * MINUTE }, async () => {
    leadTo(one);
    const before = await stored(one);
    await killHalfWay(forwarded, 'newest');
    leadTo(two);
    const refused = await run(forwarded, ['recover']);
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/shop\n {2}recovered ✗ [^]*it\s+was\s+begun\s+in\s+another\s+cluster/);
    expect(await stored(two)).toBe('');
    // It applies there what is asked for, says what is left elsewhere, and takes nothing of it.
    const applied = await apply(forwarded);
    expect([applied.code, applied.out]).toEqual([
      0,
      expect.stringMatching(/it\s+was\s+begun\s+in\s+another/),
    ]);
    expect(await stored(two)).toBe('a=newest b=newest c=newest');
    // Where nobody may say which cluster it is, the objects do.
    const shows = hideIdentity(two);
    const unsure = await run(forwarded, ['recover']);
    shows();
    expect(unsure.err).toMatch(/! Which cluster this is could not be read, .*by the address/);
    expect(await stored(two)).toBe('a=newest b=newest c=newest');

    const own = await run(direct, ['recover']);
    expect([own.code, own.out]).toEqual([0, expect.stringMatching(/is\s+there\s+again/)]);
    expect(await stored(one)).toBe(before);
  });

  it(
    'is found by its address where nobody may read which cluster it is, unless its objects are other ones',
    { timeout: 3 * MINUTE },
    async () => {
      leadTo(one);
      const before = await stored(one);
      const showsOne = hideIdentity(one);
      const showsTwo = hideIdentity(two);
      // An address that nobody has met by name.
      const named = path.join(landfall.home, 'named');
      await writeFile(named, kubeconfigOf(`https://localhost:${gate.port}`));
      await killHalfWay(named, 'last');
      leadTo(two);
      const other = await run(named, ['recover']);
      expect([other.code, other.out]).toEqual([
        1,
        expect.stringMatching(/another\s+cluster\s+answers\s+at\s+this\s+address/),
      ]);
      const applied = await apply(named);
      expect([applied.code, await stored(two)]).toEqual([1, 'a=newest b=newest c=newest']);
      expect(applied.err).toMatch(/is half way: .* that process has died/);
      leadTo(one);
      const own = await run(named, ['recover']);
      expect([own.code, own.out]).toEqual([0, expect.stringMatching(/is\s+there\s+again/)]);
      expect(own.err).toContain('Which cluster this is could not be read');
      expect(await stored(one)).toBe(before);
      showsOne();
      showsTwo();
    },
  );

  it(
    'is given up by hand where its cluster is gone, and not where it could be ended',
    { timeout: 3 * MINUTE },
    async () => {
      leadTo(one);
      await killHalfWay(forwarded, 'given-up');
      const left = await stored(one);
      leadTo(two);
      const recovered = await run(forwarded, ['recover']);
      const [, delivery = ''] = /^ +landfall recover --forget (\w+)$/m.exec(recovered.out) ?? [];
      expect([recovered.code, delivery]).toEqual([1, expect.stringMatching(/^\w+$/)]);

      const owner = await run(direct, ['recover', '--forget', delivery]);
      expect([owner.code, owner.out]).toEqual([1, '']);
      expect(owner.err).toMatch(
        /can still end it; nothing was given up[^]*Do: End it: landfall recover shop/,
      );
      const unknown = await run(forwarded, ['recover', '--forget', 'nothing']);
      expect([unknown.code, unknown.err]).toEqual([3, expect.stringContaining('was left half done here')]);

      const forgot = await run(forwarded, ['recover', '--forget', delivery, '--reason', 'made again']);
      expect([forgot.code, forgot.err]).toEqual([0, '']);
      expect(forgot.out).toMatch(
        /shop\n {2}given up +! \w+ of 20[^]*stays\s+half\s+done[^]*ConfigMap\/a {2}may have been written\n[^]*\n {2}recorded +as decided by /,
      );
      const after = await run(forwarded, ['recover']);
      expect([after.code, after.out]).toEqual([0, 'Nothing was left half done.\n']);
      expect((await run(direct, ['recover'])).out).toBe('Nothing was left half done.\n');
      expect(await stored(one)).toBe(left);
      const kept = await run(direct, ['history', 'shop', delivery, '-o', 'json']);
      expect(JSON.parse(kept.out)).toMatchObject({
        delivery: {
          state: 'stuck',
          message: expect.stringMatching(/given up by .*: made again$/) as unknown,
        },
        decisions: [{ kind: 'journal-forgotten', reason: 'made again' }],
      });
    },
  );

  it(
    'is given up where nobody may read which cluster it is, once its objects are other ones',
    { timeout: 3 * MINUTE },
    async () => {
      leadTo(one);
      const shows = [hideIdentity(one), hideIdentity(two)];
      const named = path.join(landfall.home, 'named');
      await writeFile(named, kubeconfigOf(`https://localhost:${gate.port}`));
      await killHalfWay(named, 'unnamed');
      leadTo(two);
      const recovered = await run(named, ['recover', '-o', 'json']);
      const [head] = JSON.parse(recovered.out) as readonly JsonValue[];
      const forget = ['recover', '--forget', getString(head, 'delivery') ?? ''];
      leadTo(one);
      expect(await run(named, forget)).toMatchObject({
        code: 1,
        err: expect.stringContaining('can still end it') as unknown,
      });
      leadTo(two);
      const forgot = await run(named, [...forget, '-o', 'json']);
      expect([forgot.code, JSON.parse(forgot.out)]).toMatchObject([
        0,
        [{ outcome: 'forgotten', objects: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }],
      ]);
      expect((await apply(named)).code).toBe(0);
      for (const show of shows) show();
    },
  );
});

describe('a plan that was reviewed', () => {
  const carryOut = (kubeconfig: string, plan: string) => run(kubeconfig, ['apply', '--plan', plan]);

  it('is carried out through another address, and on no other cluster', { timeout: 3 * MINUTE }, async () => {
    leadTo(one);
    await run(direct, ['recover']);
    await writeSet('reviewed');
    const file = path.join(landfall.home, 'plan.json');
    const plan = ['plan', folder, '--name', 'shop', '--out', file, '--save', '-o', 'json'];
    const planned = await run(forwarded, plan);
    expect([planned.code, planned.err]).toEqual([0, '']);
    const id = getString(JSON.parse(planned.out) as JsonValue, 'id') ?? '';

    leadTo(two);
    const before = await stored(two);
    for (const saved of [file, id]) {
      const other = await carryOut(forwarded, saved);
      expect([other.code, other.err]).toEqual([
        1,
        expect.stringMatching(/was made for the cluster .*, and another one answers there now; nothing/),
      ]);
    }
    expect(await stored(two)).toBe(before);
    expect(await carryOut(direct, file)).toMatchObject({ code: 0 });
    expect(await stored(one)).toBe('a=reviewed b=reviewed c=reviewed');
  });

  it('before clusters were known is held to its address', { timeout: 3 * MINUTE }, async () => {
    leadTo(one);
    await writeSet('earlier');
    const file = path.join(landfall.home, 'earlier.json');
    expect((await run(direct, ['plan', folder, '--name', 'shop', '--out', file])).code).toBe(0);
    const { clusterUid, ...earlier } = JSON.parse(await readFile(file, 'utf8')) as JsonObject;
    expect(clusterUid).toEqual(expect.stringMatching(/^[0-9a-f-]{36}$/));
    await writeFile(file, JSON.stringify(earlier));
    const refused = await carryOut(forwarded, file);
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/was made for the cluster .*, and this is https/),
    ]);
    expect(await carryOut(direct, file)).toMatchObject({ code: 0 });
    expect(await stored(one)).toBe('a=earlier b=earlier c=earlier');
  });
});
