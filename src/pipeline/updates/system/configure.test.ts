import { expect, it } from 'vitest';
import { parseLandfallYaml } from '../../landfall-yaml/index.ts';
import { configure } from './configure.ts';

const PREFIX = 'argocd-image-updater.argoproj.io';
const url = 'https://git.corp.io/deploy.git';

const application = {
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'Application',
  metadata: {
    name: 'shop',
    namespace: 'argocd',
    annotations: {
      [`${PREFIX}/image-list`]: 'registry.corp.io/shop:1.x',
      [`${PREFIX}/write-back-method`]: 'git',
    },
  },
  spec: {
    project: 'default',
    source: { repoURL: url, path: 'overlays/dev', targetRevision: 'main' },
    destination: { namespace: 'shop' },
  },
};
const flux = {
  repositories: [],
  policies: [],
  automations: [],
  gitRepositories: [],
  kustomizations: [],
  namespaces: [],
};

it('lets landfall.yaml say who commits and how often, also for what annotations configure', () => {
  const objects = { applications: [application], imageUpdaters: [], flux };
  const [plain] = configure(objects, [{ url }]).updaters;
  expect(plain).toMatchObject({ commit: { author: { name: 'Landfall' } } });
  const file = parseLandfallYaml(
    'apiVersion: landfall.dev/v1\nupdates: { author: { name: Bot, email: bot@corp.io }, interval: 30s }\n',
  );
  const [styled] = configure(objects, [{ url, file }]).updaters;
  expect(styled).toEqual({
    ...plain,
    commit: { author: { name: 'Bot', email: 'bot@corp.io' }, message: undefined },
    intervalMs: 30_000,
  });
});
