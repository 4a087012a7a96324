import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { systemClock } from '../../src/kernel/index.ts';
import type { JsonValue } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient } from '../../src/kube/index.ts';
import { newPerson } from '../../test/cli/terminal.ts';
import type { Person } from '../../test/cli/terminal.ts';
import { createJobRepository, platformManifests } from './repository.ts';
import type { JobRepository } from './repository.ts';

const run = promisify(execFile);

let cluster: Cluster;
let kube: KubeClient;
let person: Person;
let repository: JobRepository;
let env: Record<string, string>;
let chat: Server;
/** What each channel heard, by its path. */
const heard: { readonly channel: string; readonly text: string }[] = [];

beforeAll(async () => {
  person = await newPerson();
  cluster = await startCluster({ nodes: 1, workDir: path.join(person.home, 'cluster') });
  const kubeconfig = path.join(person.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
  chat = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      heard.push({ channel: request.url ?? '', text: (JSON.parse(body) as { text: string }).text });
      response.end('ok');
    });
  });
  await new Promise<void>((resolve) => chat.listen(0, '127.0.0.1', resolve));
  const { port } = chat.address() as AddressInfo;
  env = {
    HOME: person.home,
    KUBECONFIG: kubeconfig,
    PATH: process.env['PATH'] ?? '',
    DEPLOYS_STAGING: `http://127.0.0.1:${port}/staging`,
    DEPLOYS_PRODUCTION: `http://127.0.0.1:${port}/production`,
  };
  repository = await createJobRepository(path.join(person.folder, 'checkout'), new AbortController().signal);
  const { folder } = repository;
  await run('kubectl', ['apply', '-f', platformManifests], { env, cwd: folder });
  // Release 1 runs in both environments.
  for (const environment of ['staging', 'production']) {
    await run('sh', ['deploy-job.sh', environment], { env, cwd: folder });
  }
  await repository.releaseTwo();
});

afterAll(async () => {
  kube.close();
  await new Promise((resolve) => chat.close(resolve));
  await cluster.close();
  await person.leave();
});

async function image(environment: string): Promise<string> {
  const path = '{.spec.template.spec.containers[0].image}';
  const args = ['get', 'deployment', 'checkout', '-n', `checkout-${environment}`, '-o', `jsonpath=${path}`];
  return (await run('kubectl', args, { env })).stdout;
}

/** uid, generation and resourceVersion of everything that the job applies. */
async function everything(environment: string): Promise<JsonValue> {
  const found: JsonValue[] = [];
  for (const [apiVersion, kind] of [
    ['v1', 'ConfigMap'],
    ['v1', 'Service'],
    ['apps/v1', 'Deployment'],
  ] as const) {
    const { items } = await kube.list({ apiVersion, kind }, { namespace: `checkout-${environment}` });
    for (const { metadata } of items) {
      const { name, uid = '', generation = 0, resourceVersion = '' } = metadata;
      found.push([kind, name, uid, generation, resourceVersion]);
    }
  }
  return found;
}

const landfall = (environment: string) =>
  person.run(['apply', `deploy/${environment}`, '--env', environment], { cwd: repository.folder, env });

describe('the deploy job whose Service the server refuses', () => {
  it('with kubectl apply fails, says so to nobody, and the new version runs', async () => {
    const job = run('sh', ['deploy-job.sh', 'staging'], { env, cwd: repository.folder });
    await expect(job).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('exceeded quota') as string,
    });
    expect(await image('staging')).toBe('registry.corp.io/checkout:2.0.0');
    expect(heard).toEqual([]);
  });

  it('with landfall apply fails, and nothing changed', { timeout: 120_000 }, async () => {
    // The new pods of the job before have to come to rest, or their status would move things by itself.
    await run('kubectl', ['rollout', 'status', 'deployment/checkout', '-n', 'checkout-production'], { env });
    const before = await everything('production');
    const { code, out } = await landfall('production');
    expect(code).toBe(1);
    expect(out).toContain('exceeded quota');
    expect(out).toContain('deploy/base/metrics.yaml:4');
    expect(out).toContain('✗ nothing was changed. production was told: slack 127.0.0.1');
    expect(await everything('production')).toEqual(before);
    expect(await image('production')).toBe('registry.corp.io/checkout:1.0.0');
  });

  it('is as loud for staging as it is for production', async () => {
    const { out } = await landfall('staging');
    expect(out).toContain('staging was told: slack 127.0.0.1');
    expect(heard.map(({ channel }) => channel)).toEqual(['/production', '/staging']);
    const words = heard.map(({ text }) =>
      text.replaceAll(/production|staging|[0-9a-f]{8,}|delivery \S+/g, ''),
    );
    expect(heard[1]?.text).toContain('exceeded quota');
    expect(words[0]?.split('\n')[1]).toBe(words[1]?.split('\n')[1]);
  });

  it('is told of even when the manifests do not render', async () => {
    const base = path.join(repository.folder, 'deploy/base/settings.yaml');
    const text = await readFile(base, 'utf8');
    await writeFile(base, `${text}  greeting: twice: colon\n`);
    const { code, err } = await landfall('staging');
    await writeFile(base, text);
    expect(code).toBe(3);
    expect(err).toContain('deploy/base/settings.yaml:7');
    expect(heard.at(-1)).toMatchObject({ channel: '/staging' });
    expect(heard.at(-1)?.text).toContain('settings.yaml');
  });

  it('is told of even when there is no cluster, and nothing to keep it in', async () => {
    const { folder } = repository;
    const args = ['apply', 'deploy/staging', '--env', 'staging'];
    const before = heard.length;
    const nowhere = { ...env, KUBECONFIG: path.join(folder, 'none') };
    expect((await person.run(args, { cwd: folder, env: nowhere })).code).toBe(3);
    expect(heard.slice(before)).toMatchObject([{ channel: '/staging' }]);
    expect(heard.at(-1)?.text).toContain('No cluster is configured');
    const unwritable = { ...env, XDG_STATE_HOME: path.join(folder, 'landfall.yaml') };
    const { code, err } = await person.run(args, { cwd: folder, env: unwritable });
    expect([code, err]).toEqual([1, expect.stringContaining('cannot be opened for writing')]);
    expect(err).toContain('staging was told: slack 127.0.0.1');
    expect(heard.slice(before)).toHaveLength(2);
  });

  it('is told of when the plan that was reviewed holds no more', async () => {
    const { folder } = repository;
    const quota = ['patch', 'resourcequota', 'services', '-n', 'checkout-staging', '-p'];
    await run('kubectl', [...quota, '{"spec":{"hard":{"services":"2"}}}'], { env });
    const saved = path.join(folder, 'reviewed.plan');
    const plan = await person.run(['plan', 'deploy/staging', '--env', 'staging', '--out', saved], {
      cwd: folder,
      env,
    });
    expect(plan.code, plan.out).toBe(0);
    const edit = ['set', 'env', 'deployment/checkout', '-n', 'checkout-staging', 'SEEN=twice'];
    await run('kubectl', edit, { env });
    const { code, err } = await person.run(['apply', '--plan', saved], { cwd: folder, env });
    await rm(saved);
    expect([code, err]).toEqual([1, expect.stringContaining('The cluster moved since the plan was made')]);
    expect(heard.at(-1)?.channel).toBe('/staging');
    expect(heard.at(-1)?.text).toContain('The cluster moved');
  });

  it('is applied whole once the quota has room', async () => {
    const quota = ['patch', 'resourcequota', 'services', '-n', 'checkout-production', '-p'];
    await run('kubectl', [...quota, '{"spec":{"hard":{"services":"2"}}}'], { env });
    const { code, out } = await landfall('production');
    expect(code, out).toBe(0);
    expect(await image('production')).toBe('registry.corp.io/checkout:2.0.0');
  });

  it('that was left half done is told of again once it is ended', async () => {
    const { folder } = repository;
    const settings = path.join(folder, 'deploy/base/settings.yaml');
    await writeFile(settings, (await readFile(settings, 'utf8')).replace(/: \S+\n$/, ': changed\n'));
    const deployment = path.join(folder, 'deploy/base/deployment.yaml');
    await writeFile(deployment, (await readFile(deployment, 'utf8')).replace('2.0.0', '3.0.0'));
    const [namespace, verbs] = ['checkout-production', ['patch'] as const];
    const effect = { type: 'status', status: 403 } as const;
    const first = cluster.faults.add({
      on: 'api',
      verbs,
      resource: 'deployments',
      namespace,
      dryRun: false,
      effect,
    });
    // From the first refusal on nothing can be taken back either.
    void first.reached(1).then(() => cluster.faults.add({ on: 'api', verbs, namespace, effect }));
    const { code, out } = await landfall('production');
    expect([code, out]).toEqual([1, expect.stringContaining('not all of it could be taken back')]);
    cluster.faults.healAll();
    const before = heard.length;
    const ended = await person.run(['recover'], { cwd: folder, env });
    expect([ended.code, ended.out]).toEqual([
      0,
      expect.stringContaining('production was told: slack 127.0.0.1'),
    ]);
    expect(heard.slice(before)).toMatchObject([
      { channel: '/production', text: expect.stringContaining('production: restored') as string },
    ]);
  });
});
