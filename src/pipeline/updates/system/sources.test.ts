import path from 'node:path';
import { expect, it } from 'vitest';
import { createGitMirrors, treeWith } from '../../../git/index.ts';
import {
  commitAll,
  createRepository,
  publish,
  serveGit,
  temporaryFolder,
} from '../../../git/test-support.ts';
import { systemClock } from '../../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../../kube/index.ts';
import { openLedger } from '../../../ledger/index.ts';
import { readArgo } from '../configuration/index.ts';
import { clusterSources } from './sources.ts';

const config = (name: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: ${name} }\n`;

it('renders the other sources of an application with the credentials of the cluster', async () => {
  await using folder = await temporaryFolder();
  const root = path.join(folder.path, 'served');
  const deploy = await createRepository(path.join(folder.path, 'deploy'));
  const commit = await commitAll(deploy, { 'app/one.yaml': config('one') });
  const shared = await createRepository(path.join(folder.path, 'shared'));
  await commitAll(shared, { 'base/two.yaml': config('two') });
  await createRepository(root, '--bare');
  await publish(shared, root, 'shared.git');
  await using server = await serveGit(root, 'secret');
  const url = `${server.url}/shared.git`;
  const application: KubeObject = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: 'shop',
      namespace: 'argocd',
      annotations: {
        'argocd-image-updater.argoproj.io/image-list': 'registry.corp.io/shop',
        'argocd-image-updater.argoproj.io/write-back-method': 'git',
      },
    },
    spec: {
      project: 'team-a',
      sources: [
        { repoURL: deploy, path: 'app', targetRevision: 'main' },
        { repoURL: url, path: 'base', targetRevision: 'main' },
      ],
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
    },
  };
  const [updater] = readArgo(application, []).updaters;
  if (updater === undefined) throw new Error('an updater is configured');
  const git = createGitMirrors({ folder: path.join(folder.path, 'mirrors'), clock: systemClock });
  const ledger = openLedger({ folder: path.join(folder.path, 'ledger'), clock: systemClock });
  const asked: string[] = [];
  const sources = clusterSources({
    // Neither a chart nor a Kustomization is rendered: the cluster is asked for Argo CD's settings only, and has none.
    kube: { server: 'https://cluster', get: () => Promise.resolve(undefined) } as unknown as KubeClient,
    git,
    mirror(wanted, project) {
      asked.push(`${wanted} for ${project}`);
      const authorization = `Basic ${Buffer.from('ci:secret').toString('base64')}`;
      return Promise.resolve(git.open(wanted, { identity: 'team-a', authorization }));
    },
    clients: { of: () => Promise.reject(new Error('no registry is asked')), close: () => {} },
    objects: () => ({
      applications: [application],
      imageUpdaters: [],
      flux: {
        policies: [],
        repositories: [],
        automations: [],
        gitRepositories: [],
        kustomizations: [],
        namespaces: [],
      },
    }),
    ledger,
    clock: systemClock,
    template: (text) => text,
  });
  const tree = treeWith(git.open(deploy).tree(commit), {});
  const { objects } = await sources.render(updater, tree, commit, new AbortController().signal);
  expect(objects.map(({ object }) => object.metadata.name)).toEqual(['one', 'two']);
  expect(asked).toEqual([`${url} for team-a`]);
  await ledger.close();
  git.close();
});
