import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { clusterFixture, program } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';

let fixture: ClusterFixture;
let clock: ManualClock;

afterEach(() => fixture.close());

async function withManualClock(options = {}): Promise<void> {
  clock = manualClock();
  fixture = await clusterFixture({ clock, ...options });
}

const status = (name: string) => fixture.pod(name)?.status?.containerStatuses?.[0];
const state = (name: string) => status(name)?.state;
const IMAGE = { image: 'registry.corp.io/app:v1' };

describe('the environment of a container', () => {
  it('holds literals, ConfigMaps, Secrets, fields, Services and nothing of this machine', async () => {
    fixture = await clusterFixture();
    await fixture.push('app', 'v1', {
      ...program('console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)'),
      env: ['FROM_IMAGE=1', 'OVER=image'],
    });
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'settings', namespace: 'default' },
        data: { LEVEL: 'high', MODE: 'x' },
      },
      'configmaps',
    );
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'keys', namespace: 'default' },
        stringData: { token: 's3cret' },
      },
      'secrets',
    );
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'mail-out', namespace: 'default' },
        spec: { ports: [{ port: 25 }] },
      },
      'services',
    );
    await fixture.run('env', {
      ...IMAGE,
      envFrom: [{ prefix: 'CFG_', configMapRef: { name: 'settings' } }],
      env: [
        { name: 'OVER', value: 'pod' },
        { name: 'BOTH', value: '$(OVER)-$(CFG_LEVEL)' },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
        { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      ],
    });
    await fixture.until('it to run', () => state('env')?.running);
    const log = fixture.follow('env');
    await fixture.until('its output', () => log().endsWith('}\n'));
    const env = JSON.parse(log()) as Record<string, string>;
    const pod = fixture.pod('env');
    expect(env).toMatchObject({
      FROM_IMAGE: '1',
      OVER: 'pod',
      BOTH: 'pod-high',
      CFG_MODE: 'x',
      TOKEN: 's3cret',
      NODE: pod?.spec.nodeName,
      IP: pod?.status?.podIP,
      APP: 'env',
      HOSTNAME: 'env',
      MAIL_OUT_SERVICE_HOST: fixture.service('mail-out').ip,
      MAIL_OUT_SERVICE_PORT: '25',
      KUBERNETES_SERVICE_HOST: '127.0.0.1',
      KUBERNETES_SERVICE_PORT: new URL(fixture.cluster.url).port,
    });
    expect(env['USER']).toBeUndefined();
    expect(env['DRYDOCK_LIFELINE']).toBeUndefined();
  });

  it('that cannot be made is a CreateContainerConfigError, until it can', async () => {
    await withManualClock();
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    await fixture.run('missing', { ...IMAGE, envFrom: [{ configMapRef: { name: 'later' } }] });
    const waiting = await fixture.until(
      'the error',
      () => state('missing')?.waiting?.reason === 'CreateContainerConfigError' && state('missing')?.waiting,
    );
    expect(waiting.message).toBe('configmap "later" not found');
    await fixture.create(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'later', namespace: 'default' }, data: {} },
      'configmaps',
    );
    await clock.advance(10_000);
    await fixture.until('it to run', () => state('missing')?.running);
    expect(status('missing')?.restartCount).toBe(0);
  });
});

describe('files', () => {
  it('of ConfigMaps, Secrets, fields and other containers are where they are mounted, and follow their source', async () => {
    await withManualClock();
    const read = `
      const fs = require('node:fs');
      const { readFile } = require('node:fs/promises');
      fs.writeFileSync('/shared/from-main', 'written');
      (async () => {
        console.log(fs.readFileSync('/etc/settings/level', 'utf8'), await readFile('/etc/keys/token', 'utf8'),
          fs.readFileSync('/etc/pod/labels', 'utf8'), fs.readFileSync('/app/own.txt', 'utf8'), fs.existsSync('/etc/settings/other'));
      })();
      setInterval(() => console.log(fs.readFileSync('/etc/settings/level', 'utf8')), 50);`;
    await fixture.push('app', 'v1', {
      files: {
        'app/main.js': read,
        'app/own.txt': 'own',
        'app/side.js': `setInterval(() => { try { console.log(require('node:fs').readFileSync('/data/from-main', 'utf8')) } catch {} }, 20)`,
      },
    });
    const config = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings', namespace: 'default' },
      data: { level: 'high', other: 'x' },
    };
    await fixture.create(config, 'configmaps');
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'keys', namespace: 'default' },
        stringData: { token: 's3cret' },
      },
      'secrets',
    );
    await fixture.run(
      'files',
      {
        ...IMAGE,
        volumeMounts: [
          { name: 'settings', mountPath: '/etc/settings' },
          { name: 'keys', mountPath: '/etc/keys' },
          { name: 'pod', mountPath: '/etc/pod' },
          { name: 'shared', mountPath: '/shared' },
        ],
      },
      {
        initContainers: [
          {
            name: 'side',
            ...IMAGE,
            args: [],
            command: ['node', '/app/side.js'],
            restartPolicy: 'Always',
            volumeMounts: [{ name: 'shared', mountPath: '/data' }],
          },
        ],
        volumes: [
          { name: 'settings', configMap: { name: 'settings', items: [{ key: 'level', path: 'level' }] } },
          { name: 'keys', secret: { secretName: 'keys' } },
          {
            name: 'pod',
            downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] },
          },
          { name: 'shared', emptyDir: {} },
        ],
      },
    );
    await fixture.until('it to run', () => state('files')?.running);
    const log = fixture.follow('files', 'main');
    const side = fixture.follow('files', 'side');
    await fixture.until('its output', () => log().includes('\n'));
    expect(log()).toMatch(/^high s3cret app="files" own false\n/);
    await fixture.until('the other container to read', () => side().includes('written'));
    await fixture.api.patch(
      { group: '', version: 'v1', resource: 'configmaps' },
      'default',
      'settings',
      'merge',
      { data: { level: 'low' } },
      { fieldManager: 'test' },
    );
    await clock.advance(61_000);
    await fixture.until('the change', () => log().includes('low'));
  });

  it('that cannot be mounted hold the container back, and say why', async () => {
    await withManualClock();
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    await fixture.run(
      'held',
      { ...IMAGE, volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      { volumes: [{ name: 'v', secret: { secretName: 'later' } }] },
    );
    await fixture.until('the event', () =>
      fixture
        .events('held')
        .includes('FailedMount: MountVolume.SetUp failed for volume "v" : secret "later" not found'),
    );
    expect(state('held')?.waiting?.reason).toBe('ContainerCreating');
  });
});

describe('the last words of a container', () => {
  it('are its termination message, from its file or from the end of its log', async () => {
    fixture = await clusterFixture();
    await fixture.push(
      'app',
      'v1',
      program(
        `if (process.argv[2] === 'file') require('node:fs').writeFileSync('/dev/termination-log', 'no disk'); else console.log('no luck'); process.exitCode = 1`,
      ),
    );
    await fixture.run('file', { ...IMAGE, args: ['file'] }, { restartPolicy: 'Never' });
    await fixture.run(
      'log',
      { ...IMAGE, terminationMessagePolicy: 'FallbackToLogsOnError' },
      { restartPolicy: 'Never' },
    );
    await fixture.until(
      'both to end',
      () => state('file')?.terminated !== undefined && state('log')?.terminated !== undefined,
    );
    expect(state('file')?.terminated?.message).toBe('no disk');
    expect(state('log')?.terminated?.message).toBe('no luck\n');
  });
});
