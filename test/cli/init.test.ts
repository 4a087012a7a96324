import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitAll, createRepository, git } from '../../src/git/test-support.ts';
import { parseYaml } from '../../src/kernel/index.ts';
import { workload } from './stage.ts';
import { newPerson } from './terminal.ts';
import type { Person } from './terminal.ts';

let person: Person;
let repository: string;
const STACK = /\n\s+at .*:\d+:\d+|This is a bug/;

beforeAll(async () => {
  person = await newPerson();
  repository = await createRepository(path.join(person.folder, 'deploy'));
  const base = Object.fromEntries(
    Object.entries(workload('shop', { mode: 'web' })).map(([name, text]) => [
      name.replace('shop/', 'k8s/base/'),
      text,
    ]),
  );
  await commitAll(repository, {
    ...base,
    'k8s/overlays/staging/kustomization.yaml': 'namespace: shop-staging\nresources: [../../base]\n',
    'k8s/overlays/prod/kustomization.yaml': 'namespace: shop\nresources: [../../base]\n',
    'k8s/overlays/torn/kustomization.yaml': 'resources: [\n',
  });
  await git(repository, 'remote', 'add', 'origin', 'https://user:hunter2@git.corp.io/deploy.git');
});

afterAll(() => person.leave());

describe('landfall init', () => {
  it('shows what it found, what does not render, and writes nothing unasked', async () => {
    const { code, out, err } = await person.run(['init'], { cwd: repository });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('✓ k8s/overlays/staging  staging, 2 objects, namespace shop-staging');
    expect(out).toMatch(/✗ k8s\/overlays\/torn {2}does not render: .*kustomization\.yaml:\d+:\d+/);
    expect(out).toContain('Nothing was written.');
    const dry = await person.run(['init', repository, '--dry-run']);
    expect(dry.out).toContain('--- landfall.yaml');
    await expect(stat(path.join(repository, 'landfall.yaml'))).rejects.toThrow('ENOENT');
  });

  it('answers as JSON and YAML with what it would write', async () => {
    const { code, json } = await person.ask(['init', repository]);
    const answer = json as {
      readonly overlays: readonly object[];
      readonly files: readonly { path: string }[];
    };
    expect(code).toBe(0);
    expect(json).toMatchObject({ root: repository, revision: 'main', written: false });
    expect(answer.files.map((file) => file.path)).toEqual([
      'landfall.yaml',
      'platform/clusters/staging/shop-staging.yaml',
      'platform/clusters/prod/shop-prod.yaml',
    ]);
    const yaml = await person.run(['init', repository, '-o', 'yaml']);
    expect(parseYaml(yaml.out, 'init')).toEqual([json]);
  });

  it('writes files that its own reader takes, and no credentials', async () => {
    const { code, out } = await person.run(['init', repository, '--yes']);
    expect(code).toBe(0);
    const application = await readFile(
      path.join(repository, 'platform/clusters/prod/shop-prod.yaml'),
      'utf8',
    );
    expect(parseYaml(application, 'application')).toMatchObject([
      {
        kind: 'Application',
        metadata: { name: 'shop-prod' },
        spec: { source: { path: 'k8s/overlays/prod' } },
      },
    ]);
    expect(application + out).not.toContain('hunter2');
    expect(
      parseYaml(await readFile(path.join(repository, 'landfall.yaml'), 'utf8'), 'landfall.yaml'),
    ).toMatchObject([{ environments: [{ name: 'staging' }, { name: 'prod' }] }]);
  });

  it('replaces nothing that is there', async () => {
    const file = path.join(repository, 'landfall.yaml');
    await writeFile(file, 'mine\n');
    const { code, err } = await person.run(['init', repository, '--yes']);
    expect([code, await readFile(file, 'utf8')]).toEqual([1, 'mine\n']);
    expect(err).toContain('landfall.yaml was to be written; it exists already. Nothing was written.');
    expect(err).not.toMatch(STACK);
  });

  it('says what it needs where there is nothing', async () => {
    const outside = await person.run(['init', person.home]);
    expect([outside.code, outside.err]).toEqual([3, expect.stringContaining('is in no Git repository')]);
    const empty = await createRepository(path.join(person.folder, 'empty'));
    const nothing = await person.run(['init', empty]);
    expect([nothing.code, nothing.err]).toEqual([3, expect.stringContaining('holds no kustomization')]);
    const absent = await person.run(['init', path.join(person.folder, 'absent')]);
    expect([absent.code, absent.err]).toEqual([3, expect.stringContaining('absent')]);
  });
});
