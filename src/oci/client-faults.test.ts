import { describe, expect, it } from 'vitest';
import { image, registry, client, clientOf, server, failure } from '../../test/registries.ts';
import { startRegistry } from '../drydock/registry/index.ts';
import { manualClock, type ManualClock } from '../kernel/index.ts';
import { digestOf } from './digest.ts';
import { OCI_INDEX } from './media-types.ts';
import { pushImage } from './push-image.ts';

const { signal } = new AbortController();

/** Moves the clock on until `pending` has settled, letting the network have its turns. */
async function passTime(clock: ManualClock, pending: Promise<unknown>): Promise<void> {
  const settled = pending.then(
    () => true,
    () => true,
  );
  for (let turn = 0; turn < 2000; turn += 1) {
    const turned = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 2));
    if (await Promise.race([settled, turned])) return;
    await clock.advance(500);
  }
  throw new Error('It never settled.');
}

describe('content that is not what was asked for', () => {
  it('is refused: bytes changed on the way, for a tag and for a digest', async () => {
    const of = await registry();
    const on = clientOf(of);
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'corrupt' }, operation: 'manifest' });
    expect(await failure(on.resolve('registry.corp.io/app:1', signal))).toMatchObject({
      kind: 'unavailable',
      code: 'registry-digest-mismatch',
    });
    // One platform, so that no second request is left over when the first one fails.
    const platforms = [{ os: 'linux', architecture: 'amd64' }];
    of.fail({ effect: { type: 'corrupt' }, operation: 'blob' });
    expect(await failure(on.resolve(`registry.corp.io/app@${index}`, signal, { platforms }))).toMatchObject({
      code: 'registry-digest-mismatch',
    });
    of.fail({ effect: { type: 'truncate' }, operation: 'blob' });
    expect(await failure(on.resolve('registry.corp.io/app:1', signal, { platforms }))).toMatchObject({
      code: 'registry-unavailable',
    });
    expect((await on.resolve('registry.corp.io/app:1', signal)).digest).toBe(index);
  });

  it('is refused without a digest header too, and a missing header alone is no error', async () => {
    const body = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
    const url = await server((_, response) => {
      response.writeHead(200, { 'content-type': OCI_INDEX }).end(body);
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    expect((await on.getManifest('registry.corp.io/app:1', signal)).digest).toBe(digestOf(body));
    expect((await on.head('registry.corp.io/app:1', signal)).digest).toBe(digestOf(body));
    const other = `sha256:${'1'.repeat(64)}`;
    expect(await failure(on.getManifest(`registry.corp.io/app@${other}`, signal))).toMatchObject({
      code: 'registry-digest-mismatch',
    });
  });

  it('is refused when it is endless, too large, or no manifest', async () => {
    let answer: (write: (text: string) => void) => void = () => {};
    const url = await server((_, response) => {
      response.writeHead(200, { 'content-type': OCI_INDEX });
      answer((text) => response.write(text));
      response.end();
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    answer = (write) => write('x'.repeat(5 * 1024 * 1024));
    expect((await failure(on.resolve('registry.corp.io/app', signal))).message).toContain('larger than');
    answer = (write) => write('<html>login</html>');
    expect(await failure(on.resolve('registry.corp.io/app', signal))).toMatchObject({
      kind: 'invalid-input',
    });
    answer = (write) => write('{"schemaVersion":1,"fsLayers":[]}');
    expect((await failure(on.resolve('registry.corp.io/app', signal))).message).toContain(
      'schemaVersion is 1',
    );
    answer = (write) => write('{"schemaVersion":2,"manifests":[{"digest":"sha256:x"}]}');
    expect(await failure(on.resolve('registry.corp.io/app', signal))).toMatchObject({
      code: 'manifest-invalid',
    });
  });

  it('is noticed at a push: the digest of the answer is compared with the bytes', async () => {
    const url = await server((request, response) => {
      request.resume();
      response.writeHead(201, { 'docker-content-digest': `sha256:${'2'.repeat(64)}` }).end();
    });
    const on = client({ mirrors: { 'registry.corp.io': { url, standIn: true } } });
    const bytes = Buffer.from('{}');
    const put = on.putManifest('registry.corp.io/app:1', { mediaType: OCI_INDEX, bytes }, signal);
    expect(await failure(put)).toMatchObject({ code: 'registry-digest-mismatch' });
  });
});

describe('a registry that does not answer', () => {
  it.each([
    [401, 'denied', 'registry-unauthorized'],
    [403, 'denied', 'registry-unauthorized'],
    [404, 'not-found', 'registry-not-found'],
    [429, 'unavailable', 'registry-rate-limited'],
    [500, 'unavailable', 'registry-unavailable'],
    [503, 'unavailable', 'registry-unavailable'],
  ])('as it should but with %i is %s, with a hint', async (status, kind, code) => {
    const of = await registry({ faults: [{ effect: { type: 'status', status }, times: Infinity }] });
    const error = await failure(clientOf(of).resolve('registry.corp.io/app:1', signal));
    expect(error).toMatchObject({ kind, code, object: 'registry.corp.io/app:1' });
    expect(error.message).toContain(String(status));
    expect(error.message).toContain(of.url);
    expect(error.hint).toBeTruthy();
  });

  it('and listens nowhere is unavailable', async () => {
    const of = await startRegistry();
    await of.close();
    const error = await failure(clientOf(of).resolve('registry.corp.io/app:1', signal));
    expect(error).toMatchObject({ kind: 'unavailable', code: 'registry-unavailable' });
    expect(error.hint).toContain('listens');
  });

  it('is given up after the time without progress, on the clock', async () => {
    const clock = manualClock();
    const of = await registry({ faults: [{ effect: { type: 'hang' }, times: Infinity }] });
    const pending = failure(
      clientOf(of, { clock, fetchTimeoutMs: 5000 }).resolve('registry.corp.io/app', signal),
    );
    await passTime(clock, pending);
    expect(await pending).toMatchObject({ kind: 'unavailable', code: 'registry-unavailable' });
    expect((await pending).message).toContain('5 s');
  });

  it('can be waited for by many on one signal, without a leak of listeners', async () => {
    const of = await registry();
    const on = clientOf(of);
    const warnings: string[] = [];
    const listener = (warning: Error): void => void warnings.push(warning.name);
    process.on('warning', listener);
    try {
      const controller = new AbortController();
      const all = Array.from({ length: 30 }, () =>
        failure(on.head('registry.corp.io/app', controller.signal)),
      );
      await Promise.all(all);
      of.fail({ effect: { type: 'hang' }, times: Infinity });
      const hanging = Array.from({ length: 30 }, () =>
        failure(on.head('registry.corp.io/app', controller.signal)),
      );
      await new Promise((resolve) => setTimeout(resolve, 20));
      controller.abort();
      const kinds = new Set((await Promise.all(hanging)).map(({ kind }) => kind));
      expect([...kinds]).toEqual(['cancelled']);
      expect(warnings).toEqual([]);
    } finally {
      process.off('warning', listener);
    }
  });

  it('can be left: an aborted signal ends the wait as cancelled', async () => {
    const of = await registry({ faults: [{ effect: { type: 'hang' }, times: Infinity }] });
    const controller = new AbortController();
    const pending = failure(clientOf(of).resolve('registry.corp.io/app', controller.signal));
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort();
    expect(await pending).toMatchObject({ kind: 'cancelled' });
    expect(await failure(clientOf(of).resolve('registry.corp.io/app', controller.signal))).toMatchObject({
      kind: 'cancelled',
    });
  });

  it('and cuts the connection is asked again, within bounds', async () => {
    const of = await registry();
    const clock = manualClock();
    const on = clientOf(of, { retries: 2, clock });
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'reset' }, times: 2 });
    const head = on.head('registry.corp.io/app:1', signal);
    await passTime(clock, head);
    expect((await head).digest).toBe(index);
    of.fail({ effect: { type: 'reset' }, times: Infinity });
    const before = of.requests().length;
    const lost = failure(on.head('registry.corp.io/app:1', signal));
    await passTime(clock, lost);
    expect(await lost).toMatchObject({ kind: 'unavailable' });
    expect(of.requests().length - before).toBeLessThanOrEqual(6);
  });

  it('and asks to wait is given the time it asks for, and not more than is allowed', async () => {
    const clock = manualClock();
    const of = await registry();
    const on = clientOf(of, { clock, retries: 1, maxWaitMs: 10_000 });
    const { index } = await pushImage(on, await image(), 'registry.corp.io/app:1', signal);
    of.fail({ effect: { type: 'status', status: 429, retryAfterSeconds: 7 } });
    const head = on.head('registry.corp.io/app:1', signal);
    const before = clock.now();
    await passTime(clock, head);
    expect((await head).digest).toBe(index);
    expect(clock.now() - before).toBeGreaterThanOrEqual(7000);

    of.fail({ effect: { type: 'status', status: 429, retryAfterSeconds: 3600 } });
    const error = await failure(on.head('registry.corp.io/app:1', signal));
    expect(error.code).toBe('registry-rate-limited');
    expect(error.hint).toContain('3600 s');
  });
});
