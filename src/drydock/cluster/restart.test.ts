import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterFixture, onlyNode, program } from './cluster-fixture.ts';
import { startCluster } from './start-cluster.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(path.join(os.tmpdir(), 'cluster-data-'));
});

afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const CONTAINER = { image: 'registry.corp.io/app:latest', imagePullPolicy: 'IfNotPresent' };

describe('a cluster with a data folder', () => {
  it('comes back with its objects, its Service addresses and the images its nodes had', async () => {
    let fixture = await clusterFixture({ dataDir });
    const old = await fixture.push('app', 'latest', program('setInterval(() => {}, 1000)'));
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'app', namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      },
      'services',
    );
    await onlyNode(fixture.api, 'node-1');
    await fixture.run('app', CONTAINER);
    await fixture.until('it to run', () => fixture.pod('app')?.status?.phase === 'Running');
    await fixture.push('app', 'latest', program('process.exit(1)'));
    const { ip } = fixture.service('app');
    await fixture.close();

    fixture = await clusterFixture({ dataDir, isExecutable: () => true });
    expect(fixture.service('app').ip).toBe(ip);
    const status = await fixture.until('it to run again', () => {
      const shown = fixture.pod('app')?.status?.containerStatuses?.[0];
      return shown?.state.running === undefined || shown.restartCount === 0 ? undefined : shown;
    });
    expect(status.restartCount).toBe(1);
    expect(status.lastState.terminated).toMatchObject({ exitCode: 255, reason: 'Unknown' });
    expect(status.imageID).toBe(`registry.corp.io/app@${old}`);
    const created = await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'other', namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      },
      'services',
    );
    expect((created['spec'] as { clusterIP?: string }).clusterIP).not.toBe(ip);
    await fixture.close();
  });

  it('lets those in again who know it, at the same place', async () => {
    // Between two lives somebody else on this machine may get the port: seldom, and not three times in a row.
    for (let life = 1; ; life += 1) {
      const before = await startCluster({ dataDir, nodes: 1 });
      const kubeconfig = before.kubeconfig();
      await before.close();
      const after = await startCluster({ dataDir, nodes: 1 });
      const now = after.kubeconfig();
      await after.close();
      expect(after.token).toBe(before.token);
      expect(after.caCertificate).toBe(before.caCertificate);
      const moved = after.url !== before.url || after.registry.host !== before.registry.host;
      if (moved && life < 3) continue;
      expect(now).toBe(kubeconfig);
      expect(after.registry.host).toBe(before.registry.host);
      break;
    }
    expect(statSync(path.join(dataDir, 'access.json')).mode & 0o077).toBe(0);
  });

  it('comes back elsewhere when somebody has taken its port', async () => {
    const before = await startCluster({ dataDir, nodes: 1 });
    const port = Number(new URL(before.url).port);
    await before.close();
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.once('error', () => resolve());
      other.listen(port, '127.0.0.1', () => resolve());
    });
    const after = await startCluster({ dataDir, nodes: 1 });
    expect(after.url).not.toBe(before.url);
    await after.close();
    await new Promise((resolve) => other.close(resolve));
  });
});
