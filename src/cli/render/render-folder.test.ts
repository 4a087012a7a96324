import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runGit } from '../../git/index.ts';
import { systemClock } from '../../kernel/index.ts';
import { runCli } from '../run.ts';

const EXAMPLE = path.resolve(import.meta.dirname, '../../../examples/notification-service/deployment/k8s');
const IDENTITY = {
  GIT_AUTHOR_NAME: 'T',
  GIT_AUTHOR_EMAIL: 't@corp.io',
  GIT_COMMITTER_NAME: 'T',
  GIT_COMMITTER_EMAIL: 't@corp.io',
};

let root: string;

interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function landfall(...args: string[]): Promise<Answer> {
  let out = '';
  let err = '';
  const code = await runCli(args, {
    out: (text) => (out += text),
    err: (text) => (err += text),
    outTerminal: {},
    errTerminal: {},
    env: { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: path.join(root, '.cache') },
    cwd: root,
    clock: systemClock,
    signal: new AbortController().signal,
    stdin: () => Promise.resolve(''),
  });
  return { code, out, err };
}

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'landfall-render-'));
  await cp(EXAMPLE, path.join(root, 'k8s'), { recursive: true });
  await mkdir(path.join(root, 'k8s/overlays/staging'));
  await writeFile(
    path.join(root, 'k8s/overlays/staging/kustomization.yaml'),
    'namespace: comms-staging\nresources: [../../base]\nreplicas:\n  - name: notification-service\n    count: 1\n',
  );
  await runGit('Making a repository', ['init', '--quiet', '--initial-branch=main'], { cwd: root });
  await runGit('Adding', ['add', 'k8s'], { cwd: root });
  await runGit('Committing', ['commit', '--quiet', '--message', 'One'], { cwd: root, env: IDENTITY });
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('landfall render', () => {
  it('names who set a field, newest first', async () => {
    const { code, out } = await landfall(
      'render',
      'k8s/overlays/staging',
      '--why',
      'deploy/notification-service:spec.replicas',
    );
    expect([code, out]).toEqual([
      0,
      '  1   k8s/overlays/staging/kustomization.yaml:5   by replicas\n      over 3   k8s/base/deployment.yaml:8\n',
    ]);
  });

  it('answers a wrong name with the right ones, and exits 3', async () => {
    const { code, err } = await landfall(
      'render',
      'k8s/overlays/staging',
      '--why',
      'deploy/notification-servise:spec.replicas',
    );
    expect(code).toBe(3);
    expect(err).toContain('deployment/notification-service');
  });

  it('answers a wrong field with the nearest one', async () => {
    const { code, err } = await landfall(
      'render',
      'k8s/overlays/staging',
      '--why',
      'deploy/notification-service:spec.replcas',
    );
    expect(code).toBe(3);
    expect(err).toContain('There is spec.replicas');
  });

  it('renders a revision without a checkout, whatever the files are now', async () => {
    const file = path.join(root, 'k8s/base/deployment.yaml');
    const before = await readFile(file, 'utf8');
    const { out: committed } = await landfall('render', 'k8s/overlays/prod');
    await writeFile(file, 'no: [yaml');
    expect((await landfall('render', 'k8s/overlays/prod', '--revision', 'HEAD')).out).toBe(committed);
    expect((await landfall('render', 'k8s/overlays/prod')).code).not.toBe(0);
    await writeFile(file, before);
  });

  it('says what a change changes, the line that causes it, and where else it reaches', async () => {
    const file = path.join(root, 'k8s/base/deployment.yaml');
    const before = await readFile(file, 'utf8');
    expect(await landfall('render', 'k8s/overlays/prod', '--diff', 'HEAD')).toMatchObject({
      code: 0,
      out: 'nothing differs\n',
    });
    await writeFile(file, before.replace('progressDeadlineSeconds: 120', 'progressDeadlineSeconds: 60'));
    const { code, out } = await landfall('render', 'k8s/overlays/staging', '--diff', 'HEAD', '--others');
    await writeFile(file, before);
    expect(code).toBe(1);
    expect(out).toContain('spec.progressDeadlineSeconds: 120 → 60   k8s/base/deployment.yaml:');
    expect(out).toMatch(
      /✗ Deployment\/comms\/notification-service changes in spec.progressDeadlineSeconds in k8s\/overlays\/prod/,
    );
  });

  it('says which environments render as before', async () => {
    const file = path.join(root, 'k8s/overlays/staging/kustomization.yaml');
    const before = await readFile(file, 'utf8');
    await writeFile(file, `${before}\nnamePrefix: new-\n`);
    const { out } = await landfall('render', 'k8s/overlays/staging', '--diff', 'HEAD', '--others');
    await writeFile(file, before);
    expect(out).toMatch(/^= .*k8s\/overlays\/prod.* as before$/m);
  });

  it('counts commits back as git does, and says when there are not as many', async () => {
    const commit = ['commit', '--allow-empty', '--quiet', '-m', 'Nothing'];
    await runGit('Committing', commit, { cwd: root, env: IDENTITY });
    for (const revision of ['HEAD~1', 'HEAD^', 'main~'])
      expect(await landfall('render', 'k8s/overlays/prod', '--diff', revision)).toMatchObject({
        code: 0,
        out: 'nothing differs\n',
      });
    const { code, err } = await landfall('render', 'k8s/overlays/prod', '--diff', 'HEAD~99');
    expect(code).not.toBe(0);
    expect(err).toContain('HEAD has no 99 commits before it');
  });

  it('compares two environments', async () => {
    const { code, out } = await landfall(
      'render',
      'k8s/overlays/prod',
      '--against',
      'k8s/overlays/staging',
      '-o',
      'json',
    );
    expect(code).toBe(1);
    expect((JSON.parse(out) as { readonly compared: readonly unknown[] }).compared).toHaveLength(1);
  });

  it('writes to a file, or to a folder one file per object, named as the original names them', async () => {
    const { out } = await landfall('render', 'k8s/overlays/prod');
    await landfall('render', 'k8s/overlays/prod', '-o', 'all.yaml');
    expect(await readFile(path.join(root, 'all.yaml'), 'utf8')).toBe(out);
    await mkdir(path.join(root, 'each'));
    await landfall('render', 'k8s/overlays/prod', '-o', 'each');
    expect((await readdir(path.join(root, 'each'))).toSorted()).toEqual([
      'apps_v1_deployment_notification-service.yaml',
      'v1_configmap_notification-settings.yaml',
      'v1_service_notification-service.yaml',
    ]);
  });

  it('refuses remote resources and charts unless they are allowed, and says how', async () => {
    await mkdir(path.join(root, 'remote'), { recursive: true });
    await writeFile(
      path.join(root, 'remote/kustomization.yaml'),
      `resources: ["file://${root}//k8s/overlays/prod?ref=main"]\n`,
    );
    const refused = await landfall('render', 'remote');
    expect(refused.code).not.toBe(0);
    expect(refused.err).toContain('not allowed');
    const allowed = await landfall('render', 'remote', '--allow-remote');
    expect([allowed.code, allowed.out]).toEqual([0, (await landfall('render', 'k8s/overlays/prod')).out]);
  });
});
