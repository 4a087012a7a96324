import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRegistry, type Registry } from '../../src/drydock/registry/index.ts';
import { runGit } from '../../src/git/index.ts';
import { getArray, getString, parseYaml } from '../../src/kernel/index.ts';
import { createRegistryClient, readBuildRecords, type RegistryClient } from '../../src/oci/index.ts';
import { buildAndPush, createNotificationRepositories, type NotificationRepositories } from './index.ts';

const IMAGE = 'registry.corp.io/notification-service';
const { signal } = new AbortController();

let folder: string;
let registry: Registry;
let client: RegistryClient;
let repositories: NotificationRepositories;
let platformDigest: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'landfall-example-ci-'));
  registry = await startRegistry();
  client = createRegistryClient({ mirrors: { 'registry.corp.io': { url: registry.url, standIn: true } } });
  repositories = await createNotificationRepositories(path.join(folder, 'repositories'), {
    async buildPlatform(platform) {
      const build = await buildAndPush(
        {
          repository: platform.folder,
          revision: 'v1.0.0',
          image: 'registry.corp.io/comms-platform',
          tags: ['1.0.0'],
          cmd: ['order-events.js'],
          client,
        },
        signal,
      );
      platformDigest = build.digest;
      return build;
    },
  });
});

afterAll(async () => {
  client.close();
  await registry.close();
  await rm(folder, { recursive: true, force: true });
});

function build(revision: string, tags?: readonly string[]) {
  return buildAndPush(
    {
      repository: repositories.app.url,
      revision,
      image: IMAGE,
      client,
      ...(tags === undefined ? {} : { tags }),
    },
    signal,
  );
}

test('a release is pushed under its version and latest, with what it was built from inside', async () => {
  const lines: string[] = [];
  const [first, second] = repositories.app.releases;
  const built = await buildAndPush(
    {
      repository: repositories.app.url,
      revision: 'v2.3.1',
      image: IMAGE,
      client,
      log: (line) => lines.push(line),
    },
    signal,
  );
  expect(built).toMatchObject({ version: '2.3.1', commit: first?.commit });
  expect(built.references).toEqual([`${IMAGE}:2.3.1`, `${IMAGE}:latest`]);
  expect(lines[0]).toMatch(
    /ci-pipeline \| \[notification-service\] Built and pushed v2\.3\.1 \(commit [0-9a-f]{8}\) -> registry\.corp\.io\/notification-service:latest sha256:[0-9a-f]{64}$/,
  );
  const next = await build('v2.5.0');
  expect(next.commit).toBe(second?.commit);
  expect(next.digest).not.toBe(built.digest);
  expect((await client.head(`${IMAGE}:latest`, signal)).digest).toBe(next.digest);
  expect((await client.head(`${IMAGE}:2.3.1`, signal)).digest).toBe(built.digest);

  const resolved = await client.resolve(`${IMAGE}:latest`, signal);
  const [record] = await readBuildRecords(client, resolved, signal);
  expect(record?.record).toMatchObject({
    commit: second?.commit,
    ref: 'refs/tags/v2.5.0',
    version: '2.5.0',
    digest: next.digest,
    image: `${IMAGE}:latest`,
  });
  const manifest = await client.getManifest(
    `${IMAGE}@${Object.values(record?.record.manifests ?? {})[0] ?? ''}`,
    signal,
  );
  const layer = getString(getArray(manifest.json, 'layers')[0], 'digest') ?? '';
  const files = gunzipSync(await client.getBlob(IMAGE, layer, signal)).toString('latin1');
  expect(files).toContain(`"commit": "${second?.commit}"`);
  expect(files).toContain(`"buildDate": "${next.buildDate}"`);
  expect(files).not.toContain('refs/heads/main');
});

test('the same commit builds the same image, whenever it is built', async () => {
  const [one, two] = [await build('v2.5.0', ['a']), await build('v2.5.0', ['b'])];
  expect(two.digest).toBe(one.digest);
});

test('the neighbours are pinned by tag and digest', async () => {
  const overlay = await readFile(
    path.join(repositories.deployment.folder, 'k8s/platform/kustomization.yaml'),
    'utf8',
  );
  expect(parseYaml(overlay, 'kustomization.yaml')[0]).toMatchObject({
    images: [{ name: 'registry.corp.io/comms-platform', newTag: '1.0.0', digest: platformDigest }],
  });
});

test('a commit whose tests fail is neither built nor pushed', async () => {
  const clone = path.join(folder, 'broken');
  await runGit('clone', ['clone', '--quiet', '--', repositories.app.folder, clone], {
    env: { GIT_ALLOW_PROTOCOL: 'file' },
  });
  await writeFile(
    path.join(clone, 'email.js'),
    'export function createEmail() { return async () => false; }\n',
  );
  const env = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
  };
  await runGit('commit', ['commit', '--quiet', '--all', '--message', 'Break e-mail'], { cwd: clone, env });
  await expect(
    buildAndPush({ repository: clone, revision: 'HEAD', image: IMAGE, tags: ['broken'], client }, signal),
  ).rejects.toMatchObject({ code: 'example-tests', message: expect.stringContaining('an e-mail is handed') });
  await expect(client.head(`${IMAGE}:broken`, signal)).rejects.toMatchObject({ kind: 'not-found' });
});
