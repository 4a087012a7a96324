import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { PODS } from '../controllers/index.ts';
import { clusterFixture, onlyNode, program, WEB } from './cluster-fixture.ts';
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

/** Moves the clock by steps until `probe` answers: for what needs both timers and real processes. */
async function advanceUntil<T>(what: string, stepMs: number, probe: () => T | undefined | false): Promise<T> {
  for (let tried = 0; tried < 300; tried++) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    await clock.advance(stepMs);
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
  throw new Error(`advanced in vain for: ${what}`);
}

/** Lets seconds pass, with a moment of real time in each for processes to answer in. */
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await clock.advance(1000);
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
}

describe('a pod whose process exits', () => {
  it('is restarted at once, then after 10, 20, 40 s, and says so', async () => {
    await withManualClock();
    await fixture.push('app', 'v1', program('process.exitCode = 7'));
    await fixture.run('crash', IMAGE);
    for (const restarts of [1, 2, 3]) {
      const waiting = await fixture.until(
        `CrashLoopBackOff after ${restarts} restarts`,
        () => status('crash')?.restartCount === restarts && state('crash')?.waiting,
      );
      expect(waiting.reason).toBe('CrashLoopBackOff');
      const seconds = [10, 20, 40][restarts - 1] ?? 0;
      expect(waiting.message).toMatch(
        `back-off ${seconds}s restarting failed container=main pod=crash_default(`,
      );
      expect(status('crash')?.lastState.terminated).toMatchObject({ exitCode: 7, reason: 'Error' });
      await clock.advance((seconds - 1) * 1000);
      expect(status('crash')?.restartCount).toBe(restarts);
      await clock.advance(1000);
      await fixture.until('the next start', () => status('crash')?.restartCount === restarts + 1);
    }
    expect(fixture.pod('crash')?.status?.phase).toBe('Running');
    expect(fixture.events('crash').join('\n')).toContain(
      'BackOff: Back-off restarting failed container main in pod',
    );
  });

  it('is completed with restartPolicy Never, and failed where its code is not 0', async () => {
    fixture = await clusterFixture();
    await fixture.push(
      'app',
      'v1',
      program('console.log("done"); process.exitCode = Number(process.argv[2])'),
    );
    await fixture.run('good', { ...IMAGE, args: ['0'] }, { restartPolicy: 'Never' });
    await fixture.run('bad', { ...IMAGE, args: ['1'] }, { restartPolicy: 'Never' });
    await fixture.until(
      'both to end',
      () =>
        ['Succeeded', 'Failed'].includes(fixture.pod('bad')?.status?.phase ?? '') &&
        fixture.pod('good')?.status?.phase === 'Succeeded',
    );
    expect(fixture.pod('bad')?.status?.phase).toBe('Failed');
    expect(state('good')?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(state('bad')?.terminated).toMatchObject({ exitCode: 1, reason: 'Error' });
  });
});

describe('a pod that is deleted', () => {
  const STUBBORN = program(
    `process.on('SIGTERM', () => console.log('no')); setInterval(() => {}, 1000); console.log('up')`,
  );

  it('and ignores SIGTERM is killed when its grace is over, not before', async () => {
    await withManualClock();
    await fixture.push('app', 'v1', STUBBORN);
    await fixture.run('stubborn', IMAGE, { terminationGracePeriodSeconds: 20 });
    await fixture.until('it to run', () => state('stubborn')?.running);
    const log = fixture.follow('stubborn');
    await fixture.until('it to listen to signals', () => log().includes('up'));
    await fixture.api.delete(PODS, 'default', 'stubborn');
    await fixture.until('the signal', () => log().includes('no'));
    await clock.advance(19_000);
    expect(state('stubborn')?.running).toBeDefined();
    expect(fixture.pod('stubborn')?.metadata.deletionGracePeriodSeconds).toBe(20);
    const ended: unknown[] = [];
    fixture.api.watch(PODS, {}, ({ object }) =>
      ended.push(
        (object as ReturnType<typeof fixture.pod>)?.status?.containerStatuses?.[0]?.state.terminated
          ?.exitCode,
      ),
    );
    await clock.advance(1500);
    await fixture.until('it to be gone', () => fixture.pod('stubborn') === undefined);
    expect(ended).toContain(137);
    expect(fixture.events('stubborn')).toContain('Killing: Stopping container main');
  });

  it('runs its preStop hook before the signal', async () => {
    fixture = await clusterFixture();
    await fixture.push(
      'app',
      'v1',
      program(`
      require('node:http').createServer((q, r) => { console.log('hook ' + q.url); r.end(); }).listen(8080, () => console.log('up'));
      process.on('SIGTERM', () => { console.log('signal'); process.exit(0); });`),
    );
    await fixture.run('polite', {
      ...IMAGE,
      lifecycle: { preStop: { httpGet: { port: 8080, path: '/bye' } } },
    });
    await fixture.until('it to run', () => state('polite')?.running);
    const log = fixture.follow('polite');
    await fixture.until('it to listen', () => log().includes('up'));
    await fixture.api.delete(PODS, 'default', 'polite');
    await fixture.until('it to be gone', () => fixture.pod('polite') === undefined);
    await fixture.until('its last words', () => log().endsWith('signal\n'));
    expect(log()).toBe('up\nhook /bye\nsignal\n');
  });
});

describe('probes', () => {
  it('keep a pod unready that never answers well, and say why', async () => {
    await withManualClock();
    await fixture.push(
      'app',
      'v1',
      program(
        `require('node:http').createServer((q, r) => { r.statusCode = 503; r.end(); }).listen(8080, () => console.log('up'))`,
      ),
    );
    await fixture.run('sick', {
      ...IMAGE,
      readinessProbe: { httpGet: { port: 8080, path: '/health' }, periodSeconds: 5, timeoutSeconds: 100 },
    });
    await fixture.until('it to run', () => state('sick')?.running);
    const log = fixture.follow('sick');
    await fixture.until('it to listen', () => log().includes('up'));
    await advanceUntil('an Unhealthy event', 1000, () =>
      fixture.events('sick').some((event) => event.startsWith('Unhealthy')),
    );
    await pass(60);
    expect(fixture.events('sick')).toContain(
      'Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503',
    );
    const ready = fixture.pod('sick')?.status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'ContainersNotReady' });
    expect(status('sick')).toMatchObject({ ready: false, restartCount: 0, started: true });
  });

  it('restart a container that is no longer alive', async () => {
    await withManualClock();
    await fixture.push(
      'app',
      'v1',
      program(
        `let alive = true; require('node:http').createServer((q, r) => { if (q.url === '/break') alive = false; r.statusCode = alive ? 200 : 500; r.end(); }).listen(8080, () => console.log('up'))`,
      ),
    );
    await fixture.run('frail', {
      ...IMAGE,
      livenessProbe: {
        httpGet: { port: 8080, path: '/' },
        periodSeconds: 5,
        failureThreshold: 2,
        timeoutSeconds: 100,
      },
    });
    await fixture.until('it to run', () => state('frail')?.running);
    const log = fixture.follow('frail');
    await fixture.until('it to listen', () => log().includes('up'));
    const ip = fixture.pod('frail')?.status?.podIP ?? '';
    await pass(20);
    expect(status('frail')?.restartCount).toBe(0);
    await fetch(`http://${ip}:8080/break`);
    await advanceUntil('the restart', 1000, () => status('frail')?.restartCount === 1);
    expect(fixture.events('frail')).toContain(
      'Killing: Container main failed liveness probe, will be restarted',
    );
    expect(fixture.events('frail')).toContain(
      'Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 500',
    );
  });

  it('run commands in the environment of the container', async () => {
    fixture = await clusterFixture();
    await fixture.push('app', 'v1', {
      files: {
        'app/main.js': `require('node:http').createServer((q, r) => r.end()).listen(8080)`,
        'app/check.js': `fetch('http://localhost:8080/').then(() => process.exit(0), () => process.exit(1))`,
      },
    });
    await fixture.run('checked', {
      ...IMAGE,
      readinessProbe: { exec: { command: ['node', '/app/check.js'] }, periodSeconds: 1, timeoutSeconds: 5 },
    });
    await fixture.until('it to be ready', () => status('checked')?.ready);
  });
});

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
      KUBERNETES_SERVICE_HOST: '10.96.0.1',
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

describe('init containers', () => {
  it('run one after the other before the rest, and sidecars stay', async () => {
    fixture = await clusterFixture();
    await fixture.push(
      'app',
      'v1',
      program('console.log(process.argv[2]); if (process.argv[3]) setInterval(() => {}, 1000)'),
    );
    await fixture.run(
      'staged',
      { ...IMAGE, args: ['main', 'stay'] },
      {
        initContainers: [
          { name: 'first', ...IMAGE, args: ['first'] },
          { name: 'side', ...IMAGE, args: ['side', 'stay'], restartPolicy: 'Always' },
          { name: 'second', ...IMAGE, args: ['second'] },
        ],
      },
    );
    await fixture.until('it to run', () => fixture.pod('staged')?.status?.phase === 'Running');
    const inits = fixture.pod('staged')?.status?.initContainerStatuses ?? [];
    expect(inits.map(({ name, state }) => [name, Object.keys(state)[0]])).toEqual([
      ['first', 'terminated'],
      ['side', 'running'],
      ['second', 'terminated'],
    ]);
    const started = fixture.events('staged').filter((event) => event.startsWith('Started'));
    expect(started).toHaveLength(4);
  });
});

describe('images', () => {
  it('of a moved tag are not pulled again with IfNotPresent by a node that has them', async () => {
    fixture = await clusterFixture();
    const { api } = fixture;
    const old = await fixture.push('app', 'latest', WEB);
    const container = { image: 'registry.corp.io/app:latest', imagePullPolicy: 'IfNotPresent' };
    await onlyNode(api, 'node-1');
    await fixture.run('first', container);
    await fixture.until('the first to run', () => state('first')?.running);
    const moved = await fixture.push('app', 'latest', program('setInterval(() => {}, 1000)'));
    await fixture.run('cached', container);
    await fixture.until('the second to run', () => state('cached')?.running);
    await onlyNode(api, 'node-2');
    await fixture.run('fresh', container);
    await fixture.until('the third to run', () => state('fresh')?.running);
    await onlyNode(api, 'node-1');
    await fixture.run('always', { ...container, imagePullPolicy: 'Always' });
    await fixture.until(
      'all to run',
      () => state('cached')?.running && state('fresh')?.running && state('always')?.running,
    );
    const reported = (name: string) => status(name)?.imageID;
    expect(reported('first')).toBe(`registry.corp.io/app@${old}`);
    expect(reported('cached')).toBe(`registry.corp.io/app@${old}`);
    expect(reported('fresh')).toBe(`registry.corp.io/app@${moved}`);
    expect(reported('always')).toBe(`registry.corp.io/app@${moved}`);
    expect(fixture.events('cached')).toContain(
      'Pulled: Container image "registry.corp.io/app:latest" already present on machine',
    );
    expect(fixture.events('fresh').join()).toMatch(
      /Pulled: Successfully pulled image "registry.corp.io\/app:latest" in \d/,
    );
  });

  it('that Landfall did not build are never executed', async () => {
    fixture = await clusterFixture({ isExecutable: () => false });
    await fixture.push('app', 'v1', program('process.exit(0)'));
    await fixture.run('foreign', IMAGE);
    const waiting = await fixture.until(
      'the refusal',
      () => state('foreign')?.waiting?.reason === 'CreateContainerError' && state('foreign')?.waiting,
    );
    expect(waiting.message).toContain('was not built by Landfall');
    expect(fixture.events('foreign').join()).toContain('Failed: Error: image');
  });

  it('that the registry does not have back off, and are pulled once they are there', async () => {
    await withManualClock();
    await fixture.run('late', IMAGE);
    const error = await fixture.until(
      'the error',
      () => state('late')?.waiting?.reason === 'ErrImagePull' && state('late')?.waiting,
    );
    expect(error.message).toBe(
      'rpc error: code = NotFound desc = failed to pull and unpack image "registry.corp.io/app:v1": failed to resolve reference "registry.corp.io/app:v1": registry.corp.io/app:v1: not found',
    );
    await clock.advance(1000);
    await fixture.until('the back-off', () => state('late')?.waiting?.reason === 'ImagePullBackOff');
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    await clock.advance(5000);
    expect(state('late')?.waiting?.reason).toBe('ImagePullBackOff');
    await clock.advance(5000);
    await fixture.until('it to run', () => state('late')?.running);
  });

  it('are not asked for with the policy Never', async () => {
    fixture = await clusterFixture();
    await fixture.run('never', { ...IMAGE, imagePullPolicy: 'Never' });
    const waiting = await fixture.until(
      'the error',
      () => state('never')?.waiting?.reason === 'ErrImageNeverPull' && state('never')?.waiting,
    );
    expect(waiting.message).toBe(
      'Container image "registry.corp.io/app:v1" is not present with pull policy of Never',
    );
  });

  it('of a registry that nobody configured are simulated, and say that they are', async () => {
    fixture = await clusterFixture();
    await fixture.run('outside', { image: 'nginx:1.27.4' });
    await fixture.until('it to be ready', () => status('outside')?.ready);
    const pod = fixture.pod('outside');
    expect(pod?.metadata.annotations).toEqual({ 'drydock.landfall.dev/simulated': 'true' });
    expect(status('outside')?.imageID).toMatch(/^docker\.io\/library\/nginx@sha256:[a-f0-9]{64}$/);
    expect(pod?.status?.conditions?.[0]).toMatchObject({
      type: 'drydock.landfall.dev/simulated',
      status: 'True',
    });
    expect(fixture.events('outside').join()).toContain('Simulated the pull of image "nginx:1.27.4"');
  });

  it('of a registry that nobody configured fail to pull where images are strict', async () => {
    fixture = await clusterFixture({ strictImages: true });
    await fixture.run('outside', { image: 'nginx:1.27.4' });
    const waiting = await fixture.until(
      'the error',
      () => state('outside')?.waiting?.reason === 'ErrImagePull' && state('outside')?.waiting,
    );
    expect(waiting.message).toContain('the registry docker.io is not configured on this node');
  });

  it('with an entrypoint that is not there are a start error, and are tried again', async () => {
    await withManualClock();
    await fixture.push('app', 'v1', { files: { 'app/x': '' }, entrypoint: ['/bin/nothing'] });
    await fixture.run('empty', IMAGE);
    await fixture.until('the error', () => status('empty')?.lastState.terminated?.reason === 'StartError');
    expect(status('empty')?.lastState.terminated).toMatchObject({ exitCode: 128 });
    await fixture.until('back-off', () => state('empty')?.waiting?.reason === 'CrashLoopBackOff');
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
