import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getArray, getNumber, manualClock, type JsonObject, type JsonValue } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';
import type { KubeObject, WatchEvent } from '../api/contract.ts';
import { asJson } from '../kinds/json-access.ts';

const SERVICES = { group: '', version: 'v1', resource: 'services' };
const empty: KubeObject = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } };
/** The same stories in every run. */
const SEED = 20_261_121;
const MANAGERS = ['one', 'two', 'three'];

interface Step {
  readonly manager: string;
  readonly ports: readonly number[];
  readonly labels: readonly string[];
  readonly read: boolean;
}

const step = fc.record<Step>({
  manager: fc.constantFrom(...MANAGERS),
  ports: fc.uniqueArray(fc.constantFrom(80, 81, 82), { minLength: 1, maxLength: 3 }),
  labels: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 }),
  read: fc.boolean(),
});

/** Values are the same whoever says them: nobody takes anything from anybody by force. */
function configuration({ ports, labels }: Step): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 's',
      namespace: 'default',
      // An empty map is stored as none, so that who says it takes it anew from whoever said it before: left out here.
      ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels.map((label) => [label, 'set'])) }),
    },
    spec: { clusterIP: 'None', ports: ports.map((port) => ({ name: `p${port}`, port })) },
  };
}

async function play(
  steps: readonly Step[],
  reads: boolean,
): Promise<{ api: ApiServer; last: KubeObject | undefined }> {
  const api = await createApi({ clock: manualClock() });
  for (const each of steps) {
    if (reads && each.read) api.list(SERVICES, { namespace: 'default' });
    await api.patch(SERVICES, 'default', 's', 'apply', configuration(each), {
      fieldManager: each.manager,
      force: true,
    });
  }
  return { api, last: api.get(SERVICES, 'default', 's') };
}

/** What does not differ between two runs of the same story. */
function essence(object: KubeObject | undefined): JsonValue {
  const { uid: _uid, resourceVersion: _version, ...metadata } = object?.metadata ?? { name: '' };
  return JSON.parse(JSON.stringify({ ...object, metadata })) as JsonValue;
}

describe('any sequence of applies', () => {
  it('ends in the same object and the same managers, whoever reads in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const quiet = await play(steps, false);
        const watched = await play(steps, true);
        try {
          expect(essence(watched.last)).toEqual(essence(quiet.last));
        } finally {
          await quiet.api.close();
          await watched.api.close();
        }
      }),
      { numRuns: 40, seed: SEED },
    );
  });

  it('leaves exactly what the managers last said', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 8 }), async (steps) => {
        const { api, last } = await play(steps, false);
        try {
          const latest = new Map(steps.map((each) => [each.manager, each]));
          const labels = new Set([...latest.values()].flatMap((each) => each.labels));
          const ports = new Set([...latest.values()].flatMap((each) => each.ports));
          expect(new Set(Object.keys(last?.metadata.labels ?? {}))).toEqual(labels);
          const stored = getArray(asJson(last ?? empty), 'spec', 'ports').map((port) =>
            getNumber(port, 'port'),
          );
          expect(new Set(stored)).toEqual(ports);
          expect(stored).toHaveLength(ports.size);
        } finally {
          await api.close();
        }
      }),
      { numRuns: 40, seed: SEED },
    );
  });

  it('is repeated without a trace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 5 }), async (steps) => {
        const { api, last } = await play(steps, false);
        const final = steps.at(-1);
        try {
          if (final === undefined) return;
          const again = await api.patch(SERVICES, 'default', 's', 'apply', configuration(final), {
            fieldManager: final.manager,
            force: true,
          });
          expect(again).toEqual(last);
        } finally {
          await api.close();
        }
      }),
      { numRuns: 40, seed: SEED },
    );
  });
});

describe('a watch', () => {
  it('from any point leads to the list', async () => {
    const write = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
    const MAPS = { group: '', version: 'v1', resource: 'configmaps' };
    await fc.assert(
      fc.asyncProperty(fc.array(write, { maxLength: 20 }), fc.nat({ max: 20 }), async (writes, from) => {
        const api = await createApi({ clock: manualClock() });
        const seen = new Map<string, KubeObject>();
        const apply = ({ type, object }: WatchEvent) => {
          if (type === 'DELETED') seen.delete(object.metadata.name);
          else seen.set(object.metadata.name, object);
        };
        let stop = () => {};
        try {
          for (const [index, { name, remove }] of writes.entries()) {
            if (index === from) stop = api.watch(MAPS, { namespace: 'kube-public' }, apply);
            const there = api.get(MAPS, 'kube-public', name);
            if (there === undefined) {
              await api.create(
                MAPS,
                { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-public' } },
                { fieldManager: 't' },
              );
            } else if (remove) {
              await api.delete(MAPS, 'kube-public', name);
            } else {
              await api.patch(
                MAPS,
                'kube-public',
                name,
                'merge',
                { data: { index: String(index) } },
                { fieldManager: 't' },
              );
            }
          }
          if (from >= writes.length) stop = api.watch(MAPS, { namespace: 'kube-public' }, apply);
          const listed = api.list(MAPS, { namespace: 'kube-public' }).items;
          expect(new Map(listed.map((item) => [item.metadata.name, item]))).toEqual(seen);
        } finally {
          stop();
          await api.close();
        }
      }),
      { numRuns: 60, seed: SEED },
    );
  });
});
