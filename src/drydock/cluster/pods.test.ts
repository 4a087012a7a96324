import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { PODS } from '../controllers/index.ts';
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
