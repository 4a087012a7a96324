import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localCertificate } from '../drydock/api/index.ts';
import { manualClock } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { loadKubeClient } from './load.ts';

const OWN = localCertificate('127.0.0.1');
const STRANGER = localCertificate('localhost');
const VERSION = JSON.stringify({ major: '1', minor: '32', gitVersion: 'v1.32.0' });

let folder: string;
let server: Server | undefined;
let tokens: (string | undefined)[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'landfall-known-'));
  tokens = [];
});

afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function stop(): Promise<void> {
  const running = server;
  server = undefined;
  running?.closeAllConnections();
  await new Promise<void>((resolve) => (running === undefined ? resolve() : running.close(() => resolve())));
}

/** An API server that shows this certificate, at the port of the one before. */
async function serve({ certificate: cert, privateKey: key }: typeof OWN, port = 0): Promise<number> {
  const started = createServer({ cert, key }, (request, response) => {
    tokens.push(request.headers.authorization);
    response.end(VERSION);
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(port, '127.0.0.1', resolve));
  return (started.address() as AddressInfo).port;
}

/** Asks as often as wanted at once, as a process that has just started does. */
async function ask(port: number, { times = 1, clock }: { times?: number; clock?: Clock } = {}) {
  const kubeconfig = path.join(folder, 'config');
  const authority = Buffer.from(OWN.certificate).toString('base64');
  const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': authority };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user: { token: 'secret-token' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  const client = await loadKubeClient({
    kubeconfig,
    knownFolder: path.join(folder, 'known'),
    ...(clock === undefined ? {} : { clock }),
  });
  try {
    return await Promise.all(Array.from({ length: times }, () => client.version()));
  } finally {
    client.close();
  }
}

function keptFile(): string {
  const [name, ...more] = readdirSync(path.join(folder, 'known'));
  expect(more).toEqual([]);
  return path.join(folder, 'known', name ?? '');
}

const fingerprint = ({ certificate }: typeof OWN) => new X509Certificate(certificate).fingerprint256;
const refused = { kind: 'unavailable', code: 'kube-tls' };

describe('the certificate of an API server', () => {
  it('is remembered once it was verified, and serves the next start', async () => {
    const port = await serve(OWN);
    await ask(port);
    expect(readFileSync(keptFile(), 'latin1')).toBe(fingerprint(OWN));
    // What is remembered is all that decides: this one no authority of the kubeconfig has signed.
    writeFileSync(keptFile(), fingerprint(STRANGER));
    await stop();
    await serve(STRANGER, port);
    expect((await ask(port, { times: 6 })).length).toBe(6);
    expect(tokens.length).toBe(7);
  });

  it('is verified anew when another one is shown, before anything is said to the server', async () => {
    const port = await serve(OWN);
    await ask(port);
    await stop();
    await serve(STRANGER, port);
    await expect(ask(port, { times: 3 })).rejects.toMatchObject(refused);
    expect(tokens).toEqual(['Bearer secret-token']);
    expect(readFileSync(keptFile(), 'latin1')).toBe(fingerprint(OWN));
    // One that was renewed is as good as the first.
    writeFileSync(keptFile(), fingerprint(STRANGER));
    await stop();
    await serve(OWN, port);
    expect((await ask(port, { times: 3 })).length).toBe(3);
    expect(readFileSync(keptFile(), 'latin1')).toBe(fingerprint(OWN));
  });

  it('is not taken from a file that others could have written, or that says something else', async () => {
    const port = await serve(OWN);
    await ask(port);
    await stop();
    await serve(STRANGER, port);
    writeFileSync(keptFile(), fingerprint(STRANGER));
    chmodSync(keptFile(), 0o622);
    await expect(ask(port)).rejects.toMatchObject(refused);
    chmodSync(keptFile(), 0o600);
    chmodSync(path.join(folder, 'known'), 0o777);
    await expect(ask(port)).rejects.toMatchObject(refused);
    chmodSync(path.join(folder, 'known'), 0o700);
    expect((await ask(port)).length).toBe(1);
    writeFileSync(keptFile(), 'anything');
    await expect(ask(port)).rejects.toMatchObject(refused);
  });

  it('is not taken outside of its own dates', async () => {
    const port = await serve(OWN);
    await ask(port);
    await stop();
    await serve(STRANGER, port);
    writeFileSync(keptFile(), fingerprint(STRANGER));
    const { validTo, validFrom } = new X509Certificate(STRANGER.certificate);
    for (const at of [Date.parse(validTo) + 1000, Date.parse(validFrom) - 1000])
      await expect(ask(port, { clock: manualClock(at) })).rejects.toMatchObject(refused);
    expect((await ask(port, { clock: manualClock(Date.parse(validTo) - 1000) })).length).toBe(1);
  });

  it('is asked for again where it cannot be kept, and nobody is bothered with it', async () => {
    const port = await serve(OWN);
    writeFileSync(path.join(folder, 'known'), 'a file in its place');
    await ask(port);
    await ask(port);
    expect(tokens.length).toBe(2);
  });
});
