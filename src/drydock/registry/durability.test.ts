import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';

import { manualClock } from '../../kernel/index.ts';
import { startRegistry, type Registry } from './index.ts';

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'landfall-registry-data-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function start(dataDir: string): Promise<Registry> {
  const started = await startRegistry({ dataDir, clock: manualClock() });
  onTestFinished(() => started.close());
  return started;
}

function sha(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function pushBlob(url: string, name: string, content: string | Buffer): Promise<string> {
  const digest = sha(content);
  const path = `/v2/${name}/blobs/uploads/?digest=${digest}`;
  const { status } = await fetch(`${url}${path}`, { method: 'POST', body: content });
  if (status !== 201) throw new Error(`the blob was answered ${status}`);
  return digest;
}

/** An image whose config is `config`; answers with the digest of its manifest. */
async function pushImage(url: string, name: string, tag: string, config: string): Promise<string> {
  const digest = await pushBlob(url, name, config);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: config.length },
    layers: [],
  });
  const { status } = await fetch(`${url}/v2/${name}/manifests/${tag}`, {
    method: 'PUT',
    body: manifest,
    headers: { 'content-type': MANIFEST },
  });
  if (status !== 201) throw new Error(`the manifest was answered ${status}`);
  return sha(manifest);
}

async function digestOf(url: string, path: string): Promise<string | undefined> {
  const response = await fetch(`${url}${path}`);
  return response.status === 200 ? sha(Buffer.from(await response.arrayBuffer())) : undefined;
}

describe('a registry with a data folder', () => {
  it('has after a restart what it had before, deletions and times included', async () => {
    const at = await folder();
    const first = await start(at);
    const v1 = await pushImage(first.url, 'app', 'v1', '{"v":1}');
    const v2 = await pushImage(first.url, 'app', 'v2', '{"v":2}');
    const gone = await pushImage(first.url, 'app', 'gone', '{"v":3}');
    await fetch(`${first.url}/v2/app/manifests/${gone}`, { method: 'DELETE' });
    await fetch(`${first.url}/v2/app/manifests/v2`, { method: 'DELETE' });
    const blob = await pushBlob(first.url, 'app', Buffer.alloc(3_000_000, 'x'));
    // Deleted and pushed again: the replay must not take the file away in between.
    await fetch(`${first.url}/v2/app/blobs/${blob}`, { method: 'DELETE' });
    await pushBlob(first.url, 'app', Buffer.alloc(3_000_000, 'x'));
    const modified = (await fetch(`${first.url}/v2/app/manifests/v1`)).headers.get('last-modified');
    await first.close();
    for (let round = 0; round < 2; round += 1) {
      const again = await start(at);
      const { url } = again;
      expect(await digestOf(url, '/v2/app/manifests/v1')).toBe(v1);
      expect(await digestOf(url, `/v2/app/manifests/${v2}`)).toBe(v2);
      expect(await digestOf(url, '/v2/app/manifests/v2')).toBeUndefined();
      expect(await digestOf(url, `/v2/app/manifests/${gone}`)).toBeUndefined();
      expect(await digestOf(url, `/v2/app/blobs/${blob}`)).toBe(blob);
      expect((await fetch(`${url}/v2/app/manifests/v1`)).headers.get('last-modified')).toBe(modified);
      await again.close();
    }
  });

  it('keeps no content that nothing holds', async () => {
    const at = await folder();
    const first = await start(at);
    const digest = await pushBlob(first.url, 'app', 'hello');
    expect(await readdir(join(at, 'blobs'))).toEqual([digest.slice('sha256:'.length)]);
    await fetch(`${first.url}/v2/app/blobs/${digest}`, { method: 'DELETE' });
    expect(await readdir(join(at, 'blobs'))).toEqual([]);
    await first.close();
    await writeFile(join(at, 'blobs', 'f'.repeat(64)), 'left over by a process that was killed');
    await writeFile(join(at, 'uploads', 'half'), 'left over too');
    await start(at);
    expect([await readdir(join(at, 'blobs')), await readdir(join(at, 'uploads'))]).toEqual([[], []]);
  });

  it('drops a torn last line, which nobody was told of, and refuses damage anywhere else', async () => {
    const at = await folder();
    const first = await start(at);
    const digest = await pushImage(first.url, 'app', 'v1', '{}');
    await first.close();
    const journal = join(at, 'changes.jsonl');
    await appendFile(journal, '{"op":"blob","repos');
    const second = await start(at);
    expect(await digestOf(second.url, '/v2/app/manifests/v1')).toBe(digest);
    await pushImage(second.url, 'app', 'v2', '{"v":2}');
    await second.close();
    const lines = (await readFile(journal, 'utf8')).split('\n');
    await writeFile(journal, ['{"damaged', ...lines].join('\n'));
    await expect(start(at)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'registry-data-damaged',
      object: `${journal}:1`,
    });
  });

  it('refuses to start without a content that it promised to keep', async () => {
    const at = await folder();
    const first = await start(at);
    const digest = await pushBlob(first.url, 'app', 'hello');
    await first.close();
    await rm(join(at, 'blobs', digest.slice('sha256:'.length)));
    await expect(start(at)).rejects.toMatchObject({ code: 'registry-data-damaged' });
  });

  it('answers after a restart as it did before, whatever was done', async () => {
    const names = fc.constantFrom('one', 'two/deep');
    const texts = fc.constantFrom('{"a":1}', '{"b":2}', '{"c":3}');
    const tags = fc.constantFrom('v1', 'v2');
    const step = fc.oneof(
      fc.record({ type: fc.constant('push' as const), name: names, text: texts, tag: tags }),
      fc.record({ type: fc.constant('untag' as const), name: names, tag: tags }),
      fc.record({ type: fc.constant('delete' as const), name: names, tag: tags }),
      fc.record({ type: fc.constant('forget' as const), name: names, text: texts }),
      fc.record({ type: fc.constant('restart' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
        const at = await mkdtemp(join(tmpdir(), 'landfall-registry-law-'));
        const clock = manualClock();
        let registry = await startRegistry({ dataDir: at, clock });
        try {
          for (const one of steps) {
            if (one.type === 'restart') {
              await registry.close();
              registry = await startRegistry({ dataDir: at, clock });
              continue;
            }
            await clock.advance(1000);
            await carryOut(registry.url, one);
          }
          const before = await everything(registry.url);
          await registry.close();
          registry = await startRegistry({ dataDir: at, clock });
          expect(await everything(registry.url)).toEqual(before);
        } finally {
          await registry.close();
          await rm(at, { recursive: true, force: true });
        }
      }),
      { numRuns: 25 },
    );
  });

  it('loses no acknowledged push when its process is killed at any moment', async () => {
    const at = await folder();
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 3; round += 1) {
      const { child, url } = await startProcess(at);
      const writers = Array.from({ length: 4 }, async (_, writer) => {
        for (let n = 0; ; n += 1) {
          const tag = `r${round}-w${writer}-${n}`;
          try {
            acknowledged.set(tag, await pushImage(url, 'app', tag, JSON.stringify({ tag })));
          } catch {
            return;
          }
        }
      });
      const before = acknowledged.size;
      while (acknowledged.size < before + 20) await new Promise((resolve) => setTimeout(resolve, 1));
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
      await Promise.all(writers);
    }
    const { url } = await start(at);
    expect(acknowledged.size).toBeGreaterThanOrEqual(60);
    const lost: string[] = [];
    for (const [tag, digest] of acknowledged) {
      if ((await digestOf(url, `/v2/app/manifests/${tag}`)) !== digest) lost.push(tag);
      const config = sha(JSON.stringify({ tag }));
      if ((await digestOf(url, `/v2/app/blobs/${config}`)) !== config) lost.push(`${tag} config`);
    }
    expect(lost).toEqual([]);
  });
});

type Step =
  | { readonly type: 'push'; readonly name: string; readonly text: string; readonly tag: string }
  | { readonly type: 'untag' | 'delete'; readonly name: string; readonly tag: string }
  | { readonly type: 'forget'; readonly name: string; readonly text: string };

async function carryOut(url: string, step: Step): Promise<void> {
  const remove = (path: string) => fetch(`${url}/v2/${step.name}/${path}`, { method: 'DELETE' });
  switch (step.type) {
    case 'push':
      await pushImage(url, step.name, step.tag, step.text);
      return;
    case 'untag':
      await remove(`manifests/${step.tag}`);
      return;
    case 'delete': {
      const digest = await digestOf(url, `/v2/${step.name}/manifests/${step.tag}`);
      if (digest !== undefined) await remove(`manifests/${digest}`);
      return;
    }
    case 'forget':
      await remove(`blobs/${sha(step.text)}`);
      return;
    default:
      step satisfies never;
  }
}

/** Every list, and the bytes of everything that a list or a step may name. */
async function everything(url: string): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const look = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    found[path] =
      `${response.status} ${response.headers.get('last-modified') ?? ''} ${await response.text()}`;
  };
  await look('/v2/_catalog');
  for (const name of ['one', 'two/deep']) {
    await look(`/v2/${name}/tags/list`);
    for (const tag of ['v1', 'v2']) await look(`/v2/${name}/manifests/${tag}`);
    for (const text of ['{"a":1}', '{"b":2}', '{"c":3}']) await look(`/v2/${name}/blobs/${sha(text)}`);
  }
  return found;
}

async function startProcess(dataDir: string): Promise<{ child: ChildProcess; url: string }> {
  const code = `
    import { startRegistry } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const { url } = await startRegistry({ dataDir: ${JSON.stringify(dataDir)} });
    console.log(url);
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout });
  const [url] = (await once(lines, 'line')) as [string];
  return { child, url };
}
