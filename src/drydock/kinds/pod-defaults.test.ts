import { afterAll, beforeAll, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { createApi, type ApiServer } from '../api/api-server.ts';

let api: ApiServer;
beforeAll(async () => {
  api = await createApi({ clock: manualClock() });
});
afterAll(() => api.close());

it('probes and volumes get what their kinds are given', async () => {
  const pod = await api.create(
    { group: '', version: 'v1', resource: 'pods' },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'default' },
      spec: {
        containers: [{ name: 'c', image: 'x:1', readinessProbe: { grpc: { port: 5 } } }],
        volumes: [
          { name: 'a', hostPath: { path: '/x' } },
          { name: 'b', iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn.2001-04.com.example:x', lun: 1 } },
          { name: 'c', rbd: { monitors: ['m'], image: 'i' } },
          { name: 'd', azureDisk: { diskName: 'x', diskURI: 'z', fsType: 'xfs' } },
          { name: 'e', scaleIO: { gateway: 'g', system: 's', secretRef: { name: 'x' } } },
        ],
      },
    },
    { fieldManager: 'test', dryRun: true },
  );
  expect(pod['spec']).toMatchObject({
    containers: [{ readinessProbe: { grpc: { port: 5, service: '' } } }],
    volumes: [
      { hostPath: { type: '' } },
      { iscsi: { iscsiInterface: 'default' } },
      { rbd: { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' } },
      { azureDisk: { cachingMode: 'ReadWrite', kind: 'Shared', fsType: 'xfs', readOnly: false } },
      { scaleIO: { storageMode: 'ThinProvisioned', fsType: 'xfs' } },
      {},
    ],
  });
});
