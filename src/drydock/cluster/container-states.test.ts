import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { PODS } from '../controllers/index.ts';
import { clusterFixture, program } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';

let fixture: ClusterFixture;
let clock: ManualClock;
afterEach(() => fixture.close());

async function start(): Promise<void> {
  clock = manualClock();
  fixture = await clusterFixture({ clock });
}

const IMAGE = { image: 'registry.corp.io/app:v1' };
const FOREVER = program('setInterval(() => {}, 1000)');
const status = (name: string) => fixture.pod(name)?.status?.containerStatuses?.[0];
const waiting = (name: string, reason: string) =>
  fixture.until(reason, () => status(name)?.state.waiting?.reason === reason && status(name)?.state.waiting);

describe('a container that cannot come up', () => {
  it('has an image that nobody may pull', async () => {
    await start();
    await fixture.run('never', { ...IMAGE, imagePullPolicy: 'Never' });
    expect((await waiting('never', 'ErrImageNeverPull')).message).toBe(
      'Container image "registry.corp.io/app:v1" is not present with pull policy of Never',
    );
    expect(fixture.events('never')).toEqual(
      expect.arrayContaining([
        'ErrImageNeverPull: Container image "registry.corp.io/app:v1" is not present with pull policy of Never',
        'Failed: Error: ErrImageNeverPull',
      ]),
    );
  });

  it('has an image whose name is none', async () => {
    await start();
    await fixture.run('invalid', { image: 'app/UPPER:v1' });
    const { message } = await waiting('invalid', 'InvalidImageName');
    expect(message).toBe(
      'Failed to apply default image tag "app/UPPER:v1": couldn\'t parse image name "app/UPPER:v1": invalid reference format: repository name (app/UPPER) must be lowercase',
    );
    expect(fixture.events('invalid')).toEqual(
      expect.arrayContaining([`InspectFailed: ${message ?? ''}`, 'Failed: Error: InvalidImageName']),
    );
  });

  it('has no command', async () => {
    await start();
    await fixture.push('app', 'v1', { ...FOREVER, entrypoint: [] });
    await fixture.run('empty', IMAGE);
    const { message } = await waiting('empty', 'CreateContainerError');
    expect(message).toContain('no command specified');
    expect(fixture.events('empty').join('\n')).toContain(`Failed: Error: ${message ?? ''}`);
    expect(status('empty')?.restartCount).toBe(0);
  });

  it('has a command that is not there, and backs off', async () => {
    await start();
    await fixture.push('app', 'v1', FOREVER);
    await fixture.run('wrong', { ...IMAGE, command: ['/bin/missing'] });
    const seen = new Set<string>();
    fixture.api.watch(PODS, {}, ({ object }) => {
      const state = (object as ReturnType<typeof fixture.pod>)?.status?.containerStatuses?.[0]?.state;
      if (state?.waiting?.reason !== undefined) seen.add(state.waiting.reason);
    });
    await waiting('wrong', 'CrashLoopBackOff');
    expect(seen).toContain('RunContainerError');
    expect(status('wrong')?.lastState.terminated).toMatchObject({
      exitCode: 128,
      reason: 'StartError',
      startedAt: '1970-01-01T00:00:00Z',
      message: expect.stringContaining('exec: "/bin/missing": no such file or directory') as string,
    });
    expect(fixture.events('wrong').join('\n')).toContain('Failed: Error: failed to create containerd task');
  });

  it('has a command that is not there, and is not tried again', async () => {
    await start();
    await fixture.push('app', 'v1', FOREVER);
    await fixture.run('once', { ...IMAGE, command: ['/bin/missing'] }, { restartPolicy: 'Never' });
    await fixture.until('it to fail', () => fixture.pod('once')?.status?.phase === 'Failed');
    expect(status('once')?.state.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
  });

  it('has a postStart hook that fails', async () => {
    await start();
    await fixture.push('app', 'v1', FOREVER);
    const seen = new Map<string, string>();
    fixture.api.watch(PODS, {}, ({ object }) => {
      const state = (object as ReturnType<typeof fixture.pod>)?.status?.containerStatuses?.[0]?.state;
      if (state?.waiting?.reason !== undefined) seen.set(state.waiting.reason, state.waiting.message ?? '');
    });
    await fixture.run('hooked', { ...IMAGE, lifecycle: { postStart: { exec: { command: ['false'] } } } });
    await waiting('hooked', 'CrashLoopBackOff');
    expect(seen.get('PostStartHookError')).toMatch(
      /^Exec lifecycle hook \(\[false\]\) for Container "main" in Pod "hooked_default\(.*\)" failed - error: command 'false' exited with 1: , message: ""$/,
    );
    expect(fixture.events('hooked')).toEqual(
      expect.arrayContaining(['FailedPostStartHook: PostStartHook failed', 'Killing: FailedPostStartHook']),
    );
  });
});

describe('a pod with a deadline', () => {
  it('has failed once it is over, and one that comes later counts from its start', async () => {
    await start();
    await fixture.run('late', { image: 'nginx:1' }, { activeDeadlineSeconds: 100 });
    await fixture.run('later', { image: 'nginx:1' });
    await clock.advance(60_000);
    await fixture.api.patch(
      PODS,
      'default',
      'later',
      'merge',
      { spec: { activeDeadlineSeconds: 70 } },
      {
        fieldManager: 'test',
      },
    );
    await clock.advance(20_000);
    await fixture.until('the later one', () => fixture.pod('later')?.status?.phase === 'Failed');
    expect(fixture.pod('late')?.status?.phase).toBe('Running');
    await clock.advance(30_000);
    const failed = await fixture.until('it to fail', () => {
      const now = fixture.pod('late')?.status;
      return now?.phase === 'Failed' && now;
    });
    const message = 'Pod was active on the node longer than the specified deadline';
    expect(failed).toMatchObject({ reason: 'DeadlineExceeded', message });
    expect(fixture.events('late')).toContain(`DeadlineExceeded: ${message}`);
  });
});
