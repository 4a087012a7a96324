import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import type { ManualClock } from '../../kernel/index.ts';
import { NODES } from '../controllers/index.ts';
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
    const shown = fixture.api.get(NODES, undefined, 'node-2')?.['status'];
    expect(shown).toMatchObject({
      images: [{ names: [`registry.corp.io/app@${moved}`, 'registry.corp.io/app:latest'] }],
    });
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
