import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { startRegistry } from '../src/drydock/index.ts';
import type { Registry, RegistryOptions } from '../src/drydock/index.ts';
import { LandfallError } from '../src/kernel/index.ts';
import { buildImage, createRegistryClient } from '../src/oci/index.ts';
import type { BuiltImage, RegistryClient, RegistryClientOptions } from '../src/oci/index.ts';

/** A registry that ends with the test. */
export async function registry(options: RegistryOptions = {}): Promise<Registry> {
  const started = await startRegistry(options);
  onTestFinished(() => started.close());
  return started;
}

/** A client that asks once, and ends with the test. */
export function client(options: RegistryClientOptions = {}): RegistryClient {
  const made = createRegistryClient({ retries: 0, ...options });
  onTestFinished(() => made.close());
  return made;
}

/** A client for which `registry.corp.io` is `of`. */
export function clientOf(of: Registry, options: RegistryClientOptions = {}): RegistryClient {
  return client({ mirrors: { 'registry.corp.io': { url: of.url, standIn: true } }, ...options });
}

/** The address of an HTTP server that ends with the test. */
export async function server(listener: RequestListener): Promise<string> {
  const made = createServer(listener);
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    made.closeAllConnections();
    made.close();
  });
  return `http://127.0.0.1:${(made.address() as AddressInfo).port}`;
}

/** The error that a piece of work ends with. */
export async function failure(work: Promise<unknown>): Promise<LandfallError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof LandfallError) return error;
    throw error;
  }
  throw new Error('It did not fail.');
}

/** An image of two platforms. */
export async function image(text = 'hello', revision = 'c0ffee'): Promise<BuiltImage> {
  const folder = await mkdtemp(path.join(tmpdir(), 'landfall-image-'));
  try {
    await writeFile(path.join(folder, 'server.js'), text);
    return await buildImage(
      {
        folder,
        entrypoint: ['node', 'server.js'],
        labels: { revision, version: '2.5.0' },
        created: '2026-01-31T12:00:00Z',
        platforms: [
          { os: 'linux', architecture: 'amd64' },
          { os: 'linux', architecture: 'arm64', variant: 'v8' },
        ],
      },
      new AbortController().signal,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}
