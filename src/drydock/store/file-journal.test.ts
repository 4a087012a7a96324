import { spawn } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';

const MAPS = { group: '', version: 'v1', resource: 'configmaps' };
const folders: string[] = [];
const open: ApiServer[] = [];
afterEach(async () => {
  for (const api of open.splice(0)) await api.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'drydock-data-'));
  folders.push(folder);
  return folder;
}

async function start(dataDir: string): Promise<ApiServer> {
  const api = await createApi({ clock: systemClock, dataDir });
  open.push(api);
  return api;
}

async function stop(api: ApiServer): Promise<void> {
  open.splice(open.indexOf(api), 1);
  await api.close();
}

function configMap(name: string, value: string) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data: { value } };
}

describe('a data folder', () => {
  it('brings objects back as they were, and gives no revision out twice', async () => {
    const folder = await newFolder();
    const first = await start(folder);
    await first.create(MAPS, configMap('a', '1'), { fieldManager: 'test' });
    const kept = await first.patch(
      MAPS,
      'default',
      'a',
      'merge',
      { data: { value: '2' } },
      { fieldManager: 'test' },
    );
    await first.create(MAPS, configMap('gone', '1'), { fieldManager: 'test' });
    await first.delete(MAPS, 'default', 'gone');
    const last = first.engine.store.revision;
    await stop(first);
    const second = await start(folder);
    expect(second.get(MAPS, 'default', 'a')).toEqual(kept);
    expect(second.get(MAPS, 'default', 'gone')).toBeUndefined();
    const next = await second.create(MAPS, configMap('b', '1'), { fieldManager: 'test' });
    expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(last);
  });

  it('drops a line that a crash cut off, and goes on behind what is whole', async () => {
    const folder = await newFolder();
    const first = await start(folder);
    await first.create(MAPS, configMap('a', '1'), { fieldManager: 'test' });
    await stop(first);
    await appendFile(join(folder, 'objects.log'), '{"t":"/configmaps","r":99,"o":{"metada');
    const second = await start(folder);
    await second.create(MAPS, configMap('b', '1'), { fieldManager: 'test' });
    await stop(second);
    const third = await start(folder);
    expect(third.get(MAPS, 'default', 'a')).toBeDefined();
    expect(third.get(MAPS, 'default', 'b')).toBeDefined();
  });

  it('that is damaged in the middle is refused with the place', async () => {
    const folder = await newFolder();
    await stop(await start(folder));
    const path = join(folder, 'objects.log');
    await writeFile(path, `not json\n${await readFile(path, 'utf8')}`);
    await expect(start(folder)).rejects.toMatchObject({ code: 'data-damaged' });
  });

  it('is used by one process at a time', async () => {
    const folder = await newFolder();
    await start(folder);
    await writeFile(join(folder, 'lock'), '1');
    await expect(start(folder)).rejects.toMatchObject({ code: 'data-in-use' });
  });

  it('holds every write that was acknowledged before the point where its file ends, wherever that is', async () => {
    const write = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), remove: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(
        fc.array(write, { minLength: 1, maxLength: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (writes, cut) => {
          const folder = await newFolder();
          const log = join(folder, 'objects.log');
          const api = await start(folder);
          const states: { readonly size: number; readonly values: Readonly<Record<string, unknown>> }[] = [];
          const note = async (): Promise<void> => {
            const { items } = api.list(MAPS, { namespace: 'kube-public', labelSelector: 'mine' });
            const values = Object.fromEntries(items.map((item) => [item.metadata.name, item['data']]));
            states.push({ size: (await stat(log)).size, values });
          };
          await note();
          for (const [index, { name, remove }] of writes.entries()) {
            const there = api.get(MAPS, 'kube-public', name) !== undefined;
            const body = configMap(name, String(index));
            const object = {
              ...body,
              metadata: { ...body.metadata, namespace: 'kube-public', labels: { mine: 'yes' } },
            };
            if (there && remove) await api.delete(MAPS, 'kube-public', name);
            else if (there) await api.update(MAPS, object, { fieldManager: 'test' });
            else await api.create(MAPS, object, { fieldManager: 'test' });
            await note();
          }
          await stop(api);
          const first = states[0]?.size ?? 0;
          const last = states.at(-1)?.size ?? 0;
          const end = Math.round(first + cut * (last - first));
          await truncate(log, end);
          const again = await start(folder);
          const { items } = again.list(MAPS, { namespace: 'kube-public', labelSelector: 'mine' });
          await stop(again);
          // What came after the last acknowledged one may be there too, whole or not at all.
          const acknowledged = states.findLastIndex(({ size }) => size <= end);
          const found = Object.fromEntries(items.map((item) => [item.metadata.name, item['data']]));
          expect(states.slice(acknowledged, acknowledged + 2).map(({ values }) => values)).toContainEqual(
            found,
          );
        },
      ),
      { numRuns: 25, seed: 20_261_121 },
    );
  });

  it('holds every acknowledged write when the process is killed', async () => {
    const folder = await newFolder();
    const writer = fileURLToPath(new URL('./journal-writer.fixture.ts', import.meta.url));
    const child = spawn(process.execPath, ['--import', 'tsx', writer, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const acknowledged: string[] = [];
    await new Promise<void>((resolve, reject) => {
      child.on('error', reject);
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        acknowledged.push(...text.split('\n').filter((name) => name !== ''));
        if (acknowledged.length >= 200) child.kill('SIGKILL');
      });
      child.on('close', () => resolve());
    });
    expect(acknowledged.length).toBeGreaterThanOrEqual(200);
    const api = await start(folder);
    const names = new Set(api.list(MAPS, { namespace: 'default' }).items.map((item) => item.metadata.name));
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
  });
});
