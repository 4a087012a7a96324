import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { getString, sleep, systemClock } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
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
});
