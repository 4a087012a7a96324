import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commitAll, createRepository, git } from '../../git/test-support.ts';
import { systemClock } from '../../kernel/index.ts';
import { loadKubeClient } from '../../kube/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { KubeClient } from '../../kube/index.ts';
import { createRegistryClient } from '../../oci/index.ts';
import type { RegistryClient } from '../../oci/index.ts';
import { startCluster, startRegistry } from '../../drydock/index.ts';
import type { Cluster, Registry } from '../../drydock/index.ts';
import { newPerson } from '../../../test/cli/terminal.ts';
import type { Person } from '../../../test/cli/terminal.ts';

const IMAGE = 'registry.corp.io/shop/app';
const { signal } = new AbortController();

let person: Person;
let cluster: Cluster;
let kube: KubeClient;
let registry: Registry;
let client: RegistryClient;
let repository: string;
let source: string;
const commits: string[] = [];

const run = (...args: string[]) =>
  person.run(['updates', ...args], {
    env: {
      KUBECONFIG: path.join(person.home, 'config'),
      LANDFALL_REGISTRY_MIRRORS: `registry.corp.io=${registry.url}`,
    },
  });

async function push(tag: string): Promise<string> {
  const config = Buffer.from(
    JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Labels: { tag } } }),
  );
  const blob = await client.pushBlob(IMAGE, config, signal);
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: 'application/vnd.oci.image.config.v1+json',
        digest: blob.digest,
        size: config.length,
      },
      layers: [],
    }),
  );
  return (await client.putManifest(`${IMAGE}:${tag}`, { mediaType, bytes }, signal)).digest;
}

beforeAll(async () => {
  person = await newPerson();
  registry = await startRegistry();
  client = createRegistryClient({ mirrors: { 'registry.corp.io': { url: registry.url, standIn: true } } });
  cluster = await startCluster({ nodes: 1, definitions: ['argocd'] });
  await cluster.writeKubeconfig(path.join(person.home, 'config'));
  kube = await loadKubeClient({ kubeconfig: path.join(person.home, 'config'), clock: systemClock, env: {} });
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  source = await createRepository(path.join(person.folder, 'source'));
  for (const name of ['a', 'b', 'c']) commits.push(await commitAll(source, { [name]: name }, name));
  repository = await createRepository(path.join(person.folder, 'deploy'));
  await commitAll(repository, {
    'landfall.yaml': `apiVersion: landfall.dev/v1
applications:
  tomoda:
    source: { repository: ${source} }
    updates:
      - image: ${IMAGE}
        policy: { commits: main }
        allow: "^sha-(?<commit>[0-9a-f]{40})$"
updates: { author: { name: Bot, email: bot@corp.io }, message: "deploy {application}: {images}" }
`,
    'dev/kustomization.yaml': `resources: [all.yaml]\nimages:\n  - name: ${IMAGE}\n    newTag: sha-${commits[0] ?? ''}\n`,
    'dev/all.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: { name: api }
spec:
  selector: { matchLabels: { app: api } }
  template:
    metadata: { labels: { app: api } }
    spec: { containers: [{ name: app, image: ${IMAGE} }] }
`,
  });
  for (const [name, annotations] of [
    ['tomoda', {}],
    ['legacy', { 'argocd-image-updater.argoproj.io/image-list': `app=${IMAGE}:1.x` }],
  ] as const) {
    await kube.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name, namespace: 'argocd', annotations },
      spec: {
        project: 'default',
        source: { repoURL: repository, path: 'dev', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: 'tomoda' },
      },
    });
  }
  await push(`sha-${commits[0] ?? ''}`);
  await push('latest');
}, 120_000);

afterAll(async () => {
  kube.close();
  client.close();
  await cluster.close();
  await registry.close();
  await person.leave();
});

describe('landfall updates', () => {
  it('lists what is kept up to date, and what is configured and not acted on, with the reason', async () => {
    const { code, out } = await run();
    expect(code).toBe(1);
    expect(out).toContain('✓ up to date   argocd/tomoda   landfall.yaml');
    expect(out).toContain(`${IMAGE}   :sha-${commits[0]?.slice(0, 7) ?? ''}`);
    expect(out).toMatch(/✗ not acted on {3}argocd\/legacy/);
    expect(out).toMatch(/Landfall\s+changes only Git/);
    expect(out).toContain('write-back-method: git');
  }, 60_000);

  it('says of one application what its policy chooses now, and why others were passed over', async () => {
    await push(`sha-${commits[1] ?? ''}`);
    const { code, out } = await run('check', 'tomoda');
    expect(code).toBe(0);
    expect(out).toContain('… behind   argocd/tomoda');
    expect(out).toContain(`→ sha-${commits[1] ?? ''}`);
    expect(out).toContain('the newest commit of main that has an image');
    expect(out).toMatch(/latest {3}does not match/);
    expect(out).toContain(`sha-${commits[0] ?? ''}   1 commit before sha-${commits[1] ?? ''}`);
    expect((await git(repository, 'log', '--format=%s')).trim()).toBe('Change something');
  }, 60_000);

  it('shows the lines of a dry run, then commits them, then has nothing to do', async () => {
    const dry = await run('run', 'tomoda', '--dry-run');
    expect(dry.out).toMatch(/dev\/kustomization\.yaml:\d+ .*sha-\w+ → /);
    const { code, out } = await run('run', 'tomoda', '-o', 'json');
    expect(code).toBe(0);
    const answer = JSON.parse(out) as {
      readonly applications: readonly { readonly outcome: string; readonly commit: string }[];
    };
    expect(answer.applications).toMatchObject([
      { application: 'tomoda', outcome: 'committed', configuredBy: 'landfall.yaml', branch: 'main' },
    ]);
    const [subject, author, body] = (await git(repository, 'log', '-1', '--format=%s%n%an <%ae>%n%b')).split(
      '\n',
    );
    expect(subject).toMatch(new RegExp(`^deploy tomoda: ${IMAGE} to sha-${commits[1] ?? ''} `));
    expect(author).toBe('Bot <bot@corp.io>');
    expect(body).toMatch(/^Landfall-Update: Application\/argocd\/tomoda [0-9a-f]{16}$/);
    const again = await run('run', 'tomoda');
    expect(again.out).toContain('✓ up to date');
    expect(again.out).toContain(`last: ${answer.applications[0]?.commit.slice(0, 12) ?? '?'}`);
  }, 60_000);

  it('is what landfall prove asks for at intent: behind is moving, held is a decision', async () => {
    await push(`sha-${commits[2] ?? ''}`);
    const prove = async () => {
      const ran = await person.run(['prove', 'tomoda', '--wait', '0', '-o', 'json'], {
        env: {
          KUBECONFIG: path.join(person.home, 'config'),
          LANDFALL_REGISTRY_MIRRORS: `registry.corp.io=${registry.url}`,
        },
      });
      const { boundaries } = JSON.parse(ran.out) as {
        readonly boundaries: readonly { readonly boundary: string; readonly reason: string }[];
      };
      return boundaries.find(({ boundary }) => boundary === 'intent');
    };
    const behind = await prove();
    expect(behind).toMatchObject({ state: 'moving', reason: 'behind-policy' });
    expect(JSON.stringify(behind)).toContain(`${IMAGE}:sha-${commits[2] ?? ''}`);
    const ledger = openLedger({
      folder: path.join(person.home, '.local', 'state', 'landfall'),
      clock: systemClock,
    });
    await ledger.holds.put({
      cluster: kube.server,
      namespace: 'argocd',
      application: 'tomoda',
      kind: 'updates',
      revision: '',
      reason: 'rolled back',
      actor: { name: 'ada', attestedBy: 'cluster' },
    });
    await ledger.close();
    const held = await prove();
    expect(held).toMatchObject({ state: 'proven', reason: 'updates-held' });
    expect(JSON.stringify(held)).toContain('held by ada');
    expect((await run('run', 'tomoda')).code).toBe(2);
  }, 60_000);

  it('says who holds an application, why, since when, and how that is lifted', async () => {
    const listed = await run('tomoda');
    expect(listed.code).toBe(2);
    expect(listed.out.replaceAll(/\s+/g, ' ')).toMatch(
      /Held: updates since \S+Z by ada: rolled back\. landfall holds lift \S+/,
    );
    // Until it is lifted, and also where nothing is behind.
    const id = /holds lift (\S+)/.exec(listed.out.replaceAll(/\s+/g, ' '))?.[1] ?? '';
    const { applications } = JSON.parse((await run('-o', 'json')).out) as {
      readonly applications: readonly { readonly holds: readonly unknown[] }[];
    };
    expect(applications[0]?.holds).toMatchObject([{ id, by: 'ada', reason: 'rolled back' }]);
    const ledger = openLedger({
      folder: path.join(person.home, '.local', 'state', 'landfall'),
      clock: systemClock,
    });
    await ledger.holds.lift(id);
    await ledger.close();
    expect((await run()).out).not.toContain('Held');
  }, 60_000);

  it('answers a wrong word with the right one', async () => {
    expect((await run('chekc', 'tomoda')).err).toContain('Did you mean check?');
    expect((await run('check', 'tomodo')).err).toContain('Did you mean tomoda?');
    expect((await run('check', '--dry-run')).err).toContain('Use it with run');
  }, 60_000);
});
