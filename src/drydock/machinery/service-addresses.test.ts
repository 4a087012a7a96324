import { afterAll, beforeAll, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';

const SERVICES = { group: '', version: 'v1', resource: 'services' };
const TESTER = { fieldManager: 'test' };
const ADDRESS = '10.96.7.7';

let api: ApiServer;
beforeAll(async () => {
  api = await createApi({ clock: manualClock() });
});
afterAll(() => api.close());

const create = (name: string, clusterIP?: string) =>
  api.create(
    SERVICES,
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
    },
    TESTER,
  );

it('an address is given once, and again when its Service is gone', async () => {
  await create('first', ADDRESS);
  await expect(create('second', ADDRESS)).rejects.toThrow(
    `spec.clusterIPs: Invalid value: []string{"${ADDRESS}"}: failed to allocate IP ${ADDRESS}: provided IP is already allocated`,
  );
  await api.delete(SERVICES, 'default', 'first');
  await expect(create('second', ADDRESS)).resolves.toMatchObject({ spec: { clusterIP: ADDRESS } });
});

it('addresses that nobody asked for differ', async () => {
  const made = await Promise.all(Array.from({ length: 50 }, (_, index) => create(`many-${index}`)));
  const addresses = made.map(({ spec }) => (spec as { clusterIP: string }).clusterIP);
  expect(new Set(addresses).size).toBe(50);
});
