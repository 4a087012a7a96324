import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runGit } from '../../src/git/index.ts';
import { createNotificationRepositories, type NotificationRepositories } from './index.ts';

let folder: string;
let repositories: NotificationRepositories;
const started: Program[] = [];

interface Program {
  readonly url: string;
  readonly output: () => string;
  readonly exit: Promise<number | null>;
  stop(): Promise<number | null>;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-example-'));
  repositories = await createNotificationRepositories(path.join(folder, 'repositories'));
});

afterAll(async () => {
  await Promise.all(started.map((program) => program.stop()));
  await rm(folder, { recursive: true, force: true });
});

/** The files of a release, as its tag has them. */
async function checkOut(repository: string, tag: string): Promise<string> {
  const target = path.join(folder, `${path.basename(repository)}-${tag}-${started.length}`);
  await runGit('Cloning', ['clone', '--quiet', '--branch', tag, '--', repository, target], {
    env: { GIT_ALLOW_PROTOCOL: 'file' },
  });
  return target;
}

async function start(cwd: string, file: string, env: Readonly<Record<string, string>>): Promise<Program> {
  const child: ChildProcess = spawn(process.execPath, [file], {
    cwd,
    env: { PATH: process.env['PATH'], PORT: '0', DRAIN_MS: '300', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exit = new Promise<number | null>((resolve) => {
    child.on('exit', resolve);
  });
  const port = await new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      const found = /listens on port (\d+)/.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    void exit.then(() => reject(new Error(`${file} ended: ${output}`)));
  });
  const program: Program = {
    url: `http://127.0.0.1:${port}`,
    output: () => output,
    exit,
    stop() {
      if (child.exitCode === null) child.kill('SIGTERM');
      return exit;
    },
  };
  started.push(program);
  return program;
}

/** Samples of Prometheus text by name and labels, as they are written. */
async function metricsOf(program: Program): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${program.url}/metrics`)).text();
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}

const sent = (metrics: ReadonlyMap<string, number>, channel: string, status: string) =>
  metrics.get(`notifications_sent_total{channel="${channel}",status="${status}"}`) ?? Number.NaN;

const total = (metrics: ReadonlyMap<string, number>, channel: string) =>
  sent(metrics, channel, 'success') + sent(metrics, channel, 'failed');

/** Every SMS asks for the flag first; the few that are being sent have asked and are not counted as sent. */
function expectChecked(metrics: ReadonlyMap<string, number>, result: string): void {
  const checked = metrics.get(`feature_flag_check_total{flag="sms_provider_v2",result="${result}"}`) ?? 0;
  expect(checked).toBeGreaterThanOrEqual(total(metrics, 'sms'));
  expect(checked - total(metrics, 'sms')).toBeLessThan(20);
}

interface Run {
  readonly service: Program;
  readonly metrics: ReadonlyMap<string, number>;
}

/** One replica of a release with its neighbours, until it has sent some hundred notifications. */
async function run(tag: string): Promise<Run> {
  const app = await checkOut(repositories.app.folder, tag);
  const platform = await checkOut(repositories.platform.folder, 'v1.0.0');
  const [email, sms, flags] = await Promise.all([
    start(platform, 'email-gateway.js', {}),
    start(platform, 'sms-gateway.js', {}),
    start(platform, 'feature-flags.js', {}),
  ]);
  const service = await start(app, 'server.js', {
    EMAIL_GATEWAY_URL: email.url,
    SMS_GATEWAY_URL: sms.url,
    FLAG_SERVICE_URL: flags.url,
  });
  const events = await start(platform, 'order-events.js', {
    NOTIFICATIONS_URL: `${service.url}/notifications`,
    RATE: '400',
  });
  for (
    let metrics = await metricsOf(service);
    total(metrics, 'sms') < 150;
    metrics = await metricsOf(service)
  ) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await events.stop();
  return { service, metrics: await metricsOf(service) };
}

describe('notification-service', () => {
  test('2.3.1 does not know the flag, and loses a third of the SMS behind healthy e-mail', async () => {
    const { service, metrics } = await run('v2.3.1');
    expect(sent(metrics, 'sms', 'failed') / total(metrics, 'sms')).toBeGreaterThan(0.31);
    expect(sent(metrics, 'sms', 'failed') / total(metrics, 'sms')).toBeLessThan(0.39);
    expect(sent(metrics, 'email', 'failed') / total(metrics, 'email')).toBeGreaterThan(0.04);
    expect(sent(metrics, 'email', 'failed') / total(metrics, 'email')).toBeLessThan(0.075);
    const failed = sent(metrics, 'sms', 'failed') + sent(metrics, 'email', 'failed');
    expect(failed / (total(metrics, 'sms') + total(metrics, 'email'))).toBeLessThan(0.2);
    expectChecked(metrics, 'not_found');
    const warnings = service
      .output()
      .split('\n')
      .filter((line) => line.includes('WARN'));
    expect(warnings[0]).toContain(
      "WARN Feature flag 'sms_provider_v2' not found — falling back to legacy SMS gateway",
    );
    expect(warnings.length).toBeLessThan(4);
    expect(metrics.get('app_build_info{version="2.3.1",commit="unknown",build_date="unknown"}')).toBe(1);
  });

  test('2.5.0 knows it: the v2 provider loses almost none, e-mail is as before', async () => {
    const { service, metrics } = await run('v2.5.0');
    expect(sent(metrics, 'sms', 'failed') / total(metrics, 'sms')).toBeLessThan(0.02);
    expect(sent(metrics, 'email', 'failed') / total(metrics, 'email')).toBeGreaterThan(0.04);
    expectChecked(metrics, 'enabled');
    expect(service.output()).not.toContain('WARN');
  });

  test('told to stop, it fails readiness first, still answers, and ends with 0', async () => {
    const app = await checkOut(repositories.app.folder, 'v2.5.0');
    const service = await start(app, 'server.js', {});
    expect((await fetch(`${service.url}/health`)).status).toBe(200);
    const stopped = service.stop();
    let health = 200;
    while (health === 200) health = (await fetch(`${service.url}/health`)).status;
    expect(health).toBe(503);
    const late = await fetch(`${service.url}/notifications`, { method: 'POST', body: '{}' });
    expect(late.status).toBe(400);
    expect(await stopped).toBe(0);
  });
});

test('a port that is taken ends it with one line that says so', async () => {
  const app = await checkOut(repositories.app.folder, 'v2.3.1');
  const first = await start(app, 'server.js', {});
  await expect(start(app, 'server.js', { PORT: new URL(first.url).port })).rejects.toThrow(
    /cannot listen on port \d+: listen EADDRINUSE[^\n]*\n$/,
  );
});

describe('its repositories', () => {
  test('hold two released versions, and a deployment that asks for latest', async () => {
    const { app, deployment } = repositories;
    expect(app.releases.map((release) => release.tag)).toEqual(['v2.3.1', 'v2.5.0']);
    const log = await runGit('log', ['log', '--format=%H %s'], { cwd: app.folder });
    expect(log.trim().split('\n')).toEqual([
      `${app.releases[1]?.commit} Send SMS through the v2 provider`,
      `${app.releases[0]?.commit} Send e-mail and SMS through their gateways`,
    ]);
    const change = await runGit('diff', ['diff', '--stat', 'v2.3.1', 'v2.5.0'], { cwd: app.folder });
    expect(change).toContain('sms.js');
    expect(change).not.toContain('server.js');
    const overlay = await runGit('show', ['show', 'main:k8s/overlays/prod/kustomization.yaml'], {
      cwd: deployment.folder,
    });
    expect(overlay.split('\n')[7]).toBe('    newTag: latest');
    const files = await runGit('ls', ['grep', '-l', '@[A-Z_]*@', 'main'], { cwd: deployment.folder }).catch(
      () => 'none',
    );
    expect(files).toBe('none');
    expect(await runGit('status', ['status', '--porcelain'], { cwd: deployment.folder })).toBe('');
  });

  test('are not made over something else', async () => {
    await expect(createNotificationRepositories(folder)).rejects.toMatchObject({ kind: 'conflict' });
  });
});
