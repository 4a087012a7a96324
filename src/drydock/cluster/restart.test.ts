import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clusterFixture, onlyNode, program } from './cluster-fixture.ts';

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
    const { url } = fixture.cluster;
    await fixture.close();

    fixture = await clusterFixture({ dataDir, isExecutable: () => true });
    expect(fixture.cluster.url).not.toBe(url);
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
});
