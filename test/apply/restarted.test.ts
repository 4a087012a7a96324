import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { newPerson } from '../cli/terminal.ts';
import type { Person } from '../cli/terminal.ts';

// The API server is stopped and started again, with its data, while an apply is under way.

const PATIENCE = 240_000;

let person: Person;
let cluster: Cluster;
let env: { readonly KUBECONFIG: string };

const start = () =>
  startCluster({
    nodes: 1,
    workDir: path.join(person.home, 'cluster'),
    dataDir: path.join(person.home, 'data'),
  });

beforeAll(async () => {
  person = await newPerson();
  cluster = await start();
  env = { KUBECONFIG: path.join(person.home, 'kubeconfig') };
});
afterAll(async () => {
  await cluster.close();
  await person.leave();
});

const NAMES = ['one', 'two', 'three', 'four', 'five', 'six'];

async function release(folder: string, value: string): Promise<void> {
  const maps = NAMES.map(
    (name) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\ndata: { key: ${value} }\n`,
  );
  await writeFile(path.join(folder, 'all.yaml'), maps.join('---\n'));
}

async function values(): Promise<readonly unknown[]> {
  const { out } = await person.run(['diff', 'app', '-n', 'default', '-o', 'json'], { env });
  const { objects } = JSON.parse(out) as { objects: { action: string }[] };
  return objects.map(({ action }) => action);
}

it(
  'an apply rides out an API server that is restarted in the middle of it',
  { timeout: PATIENCE },
  async () => {
    const folder = path.join(person.folder, 'app');
    await mkdir(folder);
    // Between its two lives somebody else on this machine may get its port: seldom, and not three times in a row.
    for (let life = 1; ; life += 1) {
      await cluster.writeKubeconfig(env.KUBECONFIG);
      await release(folder, `old-${life}`);
      expect((await person.run(['apply', 'app', '-n', 'default'], { env })).code).toBe(0);
      await release(folder, `new-${life}`);
      const { url } = cluster;
      const effect = { type: 'hang', written: true } as const;
      const fault = cluster.faults.add({ on: 'api', verbs: ['patch'], dryRun: false, nth: 3, effect });
      const applying = person.run(['apply', 'app', '-n', 'default'], { env });
      await fault.reached(1);
      await cluster.close();
      cluster = await start();
      const { code, out, err } = await applying;
      if (cluster.url !== url && life < 3) continue;
      expect([code, err], out).toEqual([0, '']);
      expect(await values()).toEqual(NAMES.map(() => 'unchanged'));
      break;
    }
  },
);
