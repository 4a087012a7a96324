import { describe, expect, it } from 'vitest';
import { backOff, goDuration } from './back-off.ts';
import { expand } from './environment.ts';
import { imageStore } from './image-store.ts';
import type { StoredImage } from './image-store.ts';
import { podStatus } from './pod-status.ts';
import type { ContainerView, PodView } from './pod-status.ts';
import { probeCounter } from './probe-counter.ts';
import { parseReference } from './reference.ts';

describe('an image reference', () => {
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27.4', 'docker.io/library/nginx:1.27.4'],
    ['team/app', 'docker.io/team/app:latest'],
    ['localhost/app', 'localhost/app:latest'],
    ['127.0.0.1:5000/app:v1', '127.0.0.1:5000/app:v1'],
    ['registry.corp.io/a/b:v1', 'registry.corp.io/a/b:v1'],
    [`app:v1@sha256:${'a'.repeat(64)}`, `docker.io/library/app@sha256:${'a'.repeat(64)}`],
  ])('%s is %s', (text, whole) => {
    expect(parseReference(text).text).toBe(whole);
  });

  it.each(['', 'UPPER', 'a b', 'app:', 'app@sha256:12', '/app', 'app//x'])('%j is refused', (text) => {
    expect(() => parseReference(text)).toThrow('invalid reference format');
  });
});

describe('the images of a node', () => {
  const image = (configDigest: string): StoredImage => ({
    configDigest,
    config: { entrypoint: [], cmd: [], env: [], workingDir: '/', stopSignal: undefined },
    root: '/x',
    sizeBytes: 1,
    digests: [],
    simulated: false,
  });

  it('report the first name of all that share a config, as containerd does, and it may change', () => {
    const store = imageStore();
    store.add(image('sha256:c'), 'r/team/app:sha-bbbb', 'r/team/app@sha256:77');
    expect(store.reported('sha256:c', 'r/team/app:sha-bbbb')).toEqual({
      image: 'r/team/app:sha-bbbb',
      imageID: 'r/team/app@sha256:77',
    });
    store.add(image('sha256:c'), 'r/team/app:sha-aaaa', 'r/team/app@sha256:5c');
    store.add(image('sha256:c'), 'r/aaa-prod/app:v1', 'r/aaa-prod/app@sha256:77');
    expect(store.reported('sha256:c', 'r/team/app:sha-bbbb')).toEqual({
      image: 'r/aaa-prod/app:v1',
      imageID: 'r/aaa-prod/app@sha256:77',
    });
  });

  it('keep the digests of a tag that moved, and show a pin as it was written', () => {
    const store = imageStore();
    store.add(image('sha256:old'), 'r/app:latest', 'r/app@sha256:1');
    store.add(image('sha256:new'), 'r/app:latest', 'r/app@sha256:2');
    expect(store.find('r/app:latest')?.configDigest).toBe('sha256:new');
    expect(store.find('r/app@sha256:1')?.configDigest).toBe('sha256:old');
    expect(store.reported('sha256:old', 'r/app@sha256:1')).toEqual({
      image: 'r/app@sha256:1',
      imageID: 'r/app@sha256:1',
    });
  });
});

describe('back-off', () => {
  it('lets the first restart through, then waits 10 s, doubles up to 300 s, and forgets after ten quiet minutes', () => {
    const waits = backOff();
    let now = 0;
    const delays: number[] = [];
    for (let crash = 0; crash < 8; crash++) {
      delays.push(waits.left('c', now, now));
      now += waits.left('c', now, now);
      waits.next('c', now, now);
    }
    expect(delays.map((ms) => ms / 1000)).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    now += 601_000;
    expect(waits.left('c', now, now)).toBe(0);
    waits.next('c', now, now);
    expect(waits.left('c', now, now)).toBe(10_000);
  });

  it('is told as Go prints durations', () => {
    expect([10_000, 40_000, 80_000, 300_000].map(goDuration)).toEqual(['10s', '40s', '1m20s', '5m0s']);
  });
});

describe('probe thresholds', () => {
  const run = (kind: 'startup' | 'readiness' | 'liveness', outcomes: string, thresholds = {}) => {
    const counter = probeCounter(kind, thresholds);
    return Array.from(outcomes)
      .map((outcome) => `${counter.count(outcome === '+') ? '!' : ''}${counter.passing ? '+' : '-'}`)
      .join(' ');
  };

  it('turn readiness after so many outcomes in a row', () => {
    expect(run('readiness', '-++--+---')).toBe('- !+ + + + + + + !-');
    expect(run('readiness', '++-++', { successThreshold: 2, failureThreshold: 1 })).toBe('- !+ !- - !+');
  });

  it('start a liveness probe as passing and end it at the third failure', () => {
    expect(run('liveness', '--+---')).toBe('+ + + + + !-');
  });

  it('decide a startup probe once, either way', () => {
    expect(run('startup', '-+')).toBe('- !+');
    expect(run('startup', '---')).toBe('- - !-');
  });
});

describe('variables', () => {
  it('expand where they are known, and stay where they are not', () => {
    expect(expand('$(A)-$(B)-$$(A)-$A', { A: '1' })).toBe('1-$(B)-$(A)-$A');
  });
});

describe('the status of a pod', () => {
  const container = (change: Partial<ContainerView> = {}): ContainerView => ({
    name: 'web',
    role: 'app',
    state: { running: { startedAt: 't' } },
    lastState: {},
    restartCount: 0,
    ready: true,
    started: true,
    image: 'i',
    imageID: 'id',
    containerID: 'c',
    ...change,
  });
  const view = (
    containers: ContainerView[],
    restartPolicy = 'Always',
    change: Partial<PodView> = {},
  ): PodView => ({
    pod: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: { containers: [], restartPolicy },
    },
    containers,
    podIP: '127.16.1.1',
    hostIP: '127.16.0.11',
    startTime: 't',
    terminal: false,
    simulated: [],
    ...change,
  });
  const told = (shown: PodView) => {
    const status = podStatus(shown, 't');
    const conditions = (status.conditions ?? []).map(
      ({ type, status: state, reason }) => `${type}=${state}${reason === undefined ? '' : ` ${reason}`}`,
    );
    return [status.phase, ...conditions];
  };
  const ended = (exitCode: number) => ({ terminated: { exitCode } });

  it('has its conditions in the recorded order', () => {
    expect(told(view([container()]))).toEqual([
      'Running',
      'PodReadyToStartContainers=True',
      'Initialized=True',
      'Ready=True',
      'ContainersReady=True',
      'PodScheduled=True',
    ]);
  });

  it('is pending while a container was never started, with the names of those not ready', () => {
    const waiting = container({
      state: { waiting: { reason: 'ContainerCreating' } },
      ready: false,
      started: false,
    });
    const status = podStatus(view([waiting]), 't');
    expect(status.phase).toBe('Pending');
    expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
      status: 'False',
      reason: 'ContainersNotReady',
      message: 'containers with unready status: [web]',
    });
  });

  it('is running while a container waits for its restart', () => {
    const crashed = container({
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: ended(1),
      ready: false,
    });
    expect(told(view([crashed]))[0]).toBe('Running');
  });

  it.each([
    ['Never', [0, 0], 'Succeeded'],
    ['Never', [0, 1], 'Failed'],
    ['OnFailure', [0, 0], 'Succeeded'],
    ['OnFailure', [0, 1], 'Running'],
    ['Always', [0, 0], 'Running'],
  ])('with restartPolicy %s and exit codes %j is %s', (policy, codes, phase) => {
    const containers = codes.map((code) => container({ state: ended(code), ready: false }));
    expect(told(view(containers, policy))[0]).toBe(phase);
  });

  it('is completed where it succeeded', () => {
    expect(told(view([container({ state: ended(0), ready: false })], 'Never'))).toEqual([
      'Succeeded',
      'PodReadyToStartContainers=False',
      'Initialized=True PodCompleted',
      'Ready=False PodCompleted',
      'ContainersReady=False PodCompleted',
      'PodScheduled=True',
    ]);
  });

  it('says that nothing stands behind it where it is simulated', () => {
    expect(told(view([container()], 'Always', { simulated: ['web'] }))[1]).toBe(
      'drydock.landfall.dev/simulated=True RegistryNotConfigured',
    );
  });
});
