import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../kube/index.ts';
import { parseLandfallYaml } from '../../landfall-yaml/index.ts';
import { readArgo, readFlux, readLandfall, type Configuration, type FluxObjects } from './index.ts';

const PREFIX = 'argocd-image-updater.argoproj.io';

function application(
  annotations: Readonly<Record<string, string>>,
  more: { readonly name?: string; readonly labels?: Record<string, string>; readonly path?: string } = {},
): KubeObject {
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: more.name ?? 'shop',
      namespace: 'argocd',
      labels: more.labels ?? {},
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`${PREFIX}/${key}`, value]),
      ),
    },
    spec: {
      project: 'team',
      source: {
        repoURL: 'https://git.corp.io/deploy.git',
        path: more.path ?? 'overlays/dev',
        targetRevision: 'main',
      },
      destination: { namespace: 'shop' },
    },
  };
}

function annotated(annotations: Readonly<Record<string, string>>): Configuration {
  return readArgo(application({ 'write-back-method': 'git', ...annotations }), []);
}

function problem(found: Configuration): string {
  expect(found.updaters).toEqual([]);
  return found.refused.map(({ problem: { message, hint } }) => `${message} ${hint ?? ''}`).join('\n');
}

describe('annotations of Argo CD Image Updater', () => {
  it('are read with aliases, settings of one image and of all', () => {
    const { updaters, refused } = annotated({
      'image-list': 'web=registry.corp.io/shop/web:~1.2, nginx, org/tool=docker.io/org/tool:latest',
      'update-strategy': 'alphabetical',
      'allow-tags': 'regexp:^v[0-9]',
      'web.update-strategy': 'semver',
      'web.allow-tags': 'any',
      'web.ignore-tags': '*-rc*, latest',
      'web.platforms': 'linux/amd64, linux/arm64/v8',
      'web.pull-secret': 'pullsecret:argocd/registry',
      'web.kustomize.image-name': 'shop/web',
      'web.force-update': 'true',
      'org_tool.update-strategy': 'digest',
      'org_tool.pull-secret': 'secret:argocd/creds#login',
      'write-back-target': 'kustomization:../../base',
      'git-branch': 'release:image-updater-{{.SHA256}}',
    });
    expect(refused).toEqual([]);
    expect(updaters).toEqual([
      {
        key: 'Application/argocd/shop',
        origin: 'annotations',
        application: { namespace: 'argocd', name: 'shop' },
        git: {
          url: 'https://git.corp.io/deploy.git',
          project: 'team',
          revision: 'release',
          path: 'overlays/dev',
          push: 'image-updater-{{.SHA256}}',
        },
        images: [
          {
            name: 'web',
            where: 'annotations of Application argocd/shop',
            image: 'shop/web',
            repository: 'registry.corp.io/shop/web',
            policy: { kind: 'semver', range: '~1.2', strict: false },
            filter: { ignoreGlobs: ['*-rc*', 'latest'] },
            platforms: [
              { os: 'linux', architecture: 'amd64' },
              { os: 'linux', architecture: 'arm64', variant: 'v8' },
            ],
            pullSecret: { namespace: 'argocd', name: 'registry' },
            force: true,
            target: { kind: 'kustomization', folder: 'base' },
          },
          {
            name: 'nginx',
            where: 'annotations of Application argocd/shop',
            image: 'nginx',
            repository: 'docker.io/library/nginx',
            policy: { kind: 'alphabetical', order: 'ascending' },
            filter: { allow: '^v[0-9]' },
            platforms: [],
            force: false,
            target: { kind: 'kustomization', folder: 'base' },
          },
          {
            name: 'org/tool',
            where: 'annotations of Application argocd/shop',
            image: 'docker.io/org/tool',
            repository: 'docker.io/org/tool',
            policy: { kind: 'digest', tag: 'latest' },
            filter: { allow: '^v[0-9]' },
            platforms: [],
            pullSecret: { namespace: 'argocd', name: 'creds', field: 'login' },
            force: false,
            target: { kind: 'kustomization', folder: 'base' },
          },
        ],
        commit: { author: { name: 'Landfall', email: 'landfall@noreply.invalid' }, message: undefined },
        intervalMs: 120_000,
        perHour: 20,
        suspended: false,
      },
    ]);
  });

  it.each([
    ['latest', 'newest-build'],
    ['newest-build', 'newest-build'],
    ['name', 'alphabetical'],
    ['Digest', 'digest'],
    ['whatever', 'semver'],
  ])('know the strategy %s as %s', (strategy, kind) => {
    const { updaters } = annotated({ 'image-list': 'a=app:1', 'a.update-strategy': strategy });
    expect(updaters[0]?.images[0]?.policy.kind).toBe(kind);
  });

  it.each([
    ['kustomization', { kind: 'kustomization', folder: 'overlays/dev' }],
    ['kustomization:/other', { kind: 'kustomization', folder: 'other' }],
    ['helmvalues', { kind: 'helm-values', file: 'overlays/dev/values.yaml', name: 'img.n', tag: 'img.t' }],
    ['helmvalues:/v/prod.yaml', { kind: 'helm-values', file: 'v/prod.yaml', name: 'img.n', tag: 'img.t' }],
  ])('write back to %s', (target, wanted) => {
    const { updaters } = annotated({
      'image-list': 'a=app:1',
      'a.helm.image-name': 'img.n',
      'a.helm.image-tag': 'img.t',
      'write-back-target': target,
    });
    expect(updaters[0]?.images[0]?.target).toEqual(wanted);
  });

  it('keep the names of Helm parameters, which a file of overrides may have', () => {
    const { updaters } = annotated({ 'image-list': 'a=app:1, b=web', 'a.helm.image-tag': 'img.t' });
    expect(updaters[0]?.images.map(({ target, parameters }) => ({ target, parameters }))).toEqual([
      { target: { kind: 'auto' }, parameters: { tag: 'img.t' } },
      { target: { kind: 'auto' }, parameters: undefined },
    ]);
  });

  it('are refused where they would change the live Application, whether said or by default', () => {
    const said = { 'image-list': 'app:1', 'write-back-method': 'argocd' };
    expect(problem(readArgo(application(said), []))).toMatch(
      /argocd.*Landfall changes only Git.*write-back-method: git/s,
    );
    expect(problem(readArgo(application({ 'image-list': 'app:1' }), []))).toContain('which means argocd');
    expect(readArgo(application({}), [])).toEqual({ updaters: [], refused: [] });
  });

  it.each([
    [{ 'a.allow-tags': 'glob:*' }, 'is no function of tags'],
    [{ 'a.platforms': 'linux' }, 'is no platform'],
    [{ 'a.pull-secret': 'ext:/bin/creds' }, 'of a kind that is not read'],
    [{ 'a.update-strategy': 'digest', 'image-list': 'a=app' }, 'names none'],
    [{ 'image-list': 'a=REGISTRY/App' }, 'upper'],
    [{ 'write-back-target': 'kustomization:../../../x' }, 'leads out of the repository'],
    [{ 'write-back-target': 'file:x' }, 'is no write-back target'],
    [{ 'git-branch': 'a:b:c' }, 'more than two branches'],
    [{ 'a.force-update': 'perhaps' }, 'Write true or false'],
    [{ 'a.kustomize.image-name': 'x', 'a.helm.image-tag': 'y' }, 'for kustomize and for Helm'],
  ])('that cannot be acted on are refused with the reason: %j', (annotations, wanted) => {
    const given = Object.fromEntries(Object.entries(annotations)) as Record<string, string>;
    expect(problem(annotated({ 'image-list': 'a=app:1', ...given }))).toContain(wanted);
  });
});

describe('an ImageUpdater', () => {
  const updater = (applicationRefs: KubeObject['spec'], more: object = {}): KubeObject => ({
    apiVersion: `${PREFIX}/v1alpha1`,
    kind: 'ImageUpdater',
    metadata: { name: 'all', namespace: 'argocd' },
    spec: { writeBackConfig: { method: 'git' }, applicationRefs, ...more },
  });

  it('is the closest of its rules for an application, with settings from the outside in', () => {
    const resource = updater(
      [
        { namePattern: '*', images: [{ alias: 'far', imageName: 'far:1' }] },
        {
          namePattern: 'sh*',
          labelSelectors: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] },
          commonUpdateSettings: { allowTags: 'regexp:^2', platforms: ['linux/arm64'] },
          writeBackConfig: {
            gitConfig: { branch: 'main:updates', writeBackTarget: 'helmvalues', pullRequest: { gitlab: {} } },
          },
          images: [
            {
              alias: 'app',
              imageName: 'registry.corp.io/app:>=2',
              commonUpdateSettings: { updateStrategy: 'semver', ignoreTags: ['2.1.*'] },
              manifestTargets: { helm: { spec: 'image' } },
            },
          ],
        },
      ],
      { commonUpdateSettings: { updateStrategy: 'name', forceUpdate: true } },
    );
    const { updaters } = readArgo(application({}, { labels: { team: 'a' } }), [resource]);
    expect(updaters).toMatchObject([
      {
        origin: 'ImageUpdater',
        git: { revision: 'main', push: 'updates', pullRequest: { forge: 'gitlab' } },
        images: [
          {
            name: 'app',
            policy: { kind: 'semver', range: '>=2' },
            filter: { allow: '^2', ignoreGlobs: ['2.1.*'] },
            platforms: [{ os: 'linux', architecture: 'arm64' }],
            force: true,
            target: { kind: 'helm-values', file: 'overlays/dev/values.yaml', spec: 'image' },
          },
        ],
      },
    ]);
    expect(readArgo(application({}), [resource]).updaters[0]?.images[0]?.name).toBe('far');
  });

  it('leaves to annotations what it leaves to them, and to others what is not in its namespace', () => {
    const resource = updater([{ namePattern: 'shop', useAnnotations: true }]);
    const found = readArgo(application({ 'image-list': 'x=app:1', 'write-back-method': 'git' }), [resource]);
    expect(found.updaters).toMatchObject([{ origin: 'ImageUpdater', images: [{ name: 'x' }] }]);
    const elsewhere = { ...resource, metadata: { name: 'all', namespace: 'other' } };
    expect(readArgo(application({}), [elsewhere])).toEqual({ updaters: [], refused: [] });
  });
});

describe('the objects of Flux', () => {
  const object = (kind: string, name: string, spec: KubeObject['spec'], more: object = {}): KubeObject => ({
    apiVersion: 'image.toolkit.fluxcd.io/v1',
    kind,
    metadata: { name, namespace: 'flux-system', ...more },
    spec,
  });
  const objects: FluxObjects = {
    gitRepositories: [
      object('GitRepository', 'deploy', { url: 'https://git.corp.io/d.git', ref: { branch: 'main' } }),
    ],
    namespaces: [],
    kustomizations: [
      object('Kustomization', 'apps', { sourceRef: { kind: 'GitRepository', name: 'deploy' } }),
    ],
    repositories: [
      object('ImageRepository', 'app', {
        image: 'registry.corp.io/app',
        interval: '5m',
        secretRef: { name: 'registry' },
        exclusionList: ['^dev-'],
      }),
      object('ImageRepository', 'plain', { image: 'nginx', interval: '5m' }),
      object('ImageRepository', 'closed', { image: 'nginx' }, { namespace: 'elsewhere' }),
    ],
    policies: [
      object(
        'ImagePolicy',
        'app',
        {
          imageRepositoryRef: { name: 'app' },
          filterTags: { pattern: '^main-(?P<ts>.*)', extract: '$ts' },
          policy: { numerical: { order: 'asc' } },
          digestReflectionPolicy: 'Always',
        },
        { labels: { team: 'a' } },
      ),
      object('ImagePolicy', 'plain', {
        imageRepositoryRef: { name: 'plain' },
        policy: { alphabetical: { order: 'desc' } },
      }),
      object('ImagePolicy', 'closed', {
        imageRepositoryRef: { name: 'closed', namespace: 'elsewhere' },
        policy: { semver: { range: '1.x' } },
      }),
      object('ImagePolicy', 'off', { imageRepositoryRef: { name: 'plain' }, suspend: true }),
    ],
    automations: [
      object('ImageUpdateAutomation', 'all', {
        interval: '7m',
        sourceRef: { kind: 'GitRepository', name: 'deploy' },
        git: {
          commit: {
            author: { name: 'fluxbot', email: 'flux@corp.io' },
            messageTemplate: '{{ .AutomationObject.Name }}',
            messageTemplateValues: { cluster: 'dev' },
          },
          push: { branch: 'updates' },
        },
        update: { path: './clusters/dev', strategy: 'Setters' },
      }),
      object('ImageUpdateAutomation', 'team', {
        sourceRef: { kind: 'GitRepository', name: 'deploy' },
        policySelector: { matchLabels: { team: 'a' } },
        git: { commit: { author: { email: 'flux@corp.io' } } },
        suspend: true,
      }),
      object('ImageUpdateAutomation', 'lost', {
        sourceRef: { kind: 'GitRepository', name: 'nothing' },
        git: { commit: { author: { email: 'flux@corp.io' } } },
      }),
    ],
  };

  it('are one updater for each automation, with the policies of its namespace', () => {
    const { updaters, refused } = readFlux(objects);
    expect(updaters).toMatchObject([
      {
        key: 'ImageUpdateAutomation/flux-system/all',
        covers: [
          { namespace: 'flux-system', name: 'all' },
          { namespace: 'flux-system', name: 'apps' },
        ],
        git: { url: 'https://git.corp.io/d.git', revision: 'main', path: 'clusters/dev', push: 'updates' },
        commit: {
          author: { name: 'fluxbot', email: 'flux@corp.io' },
          message: { language: 'go', text: '{{ .AutomationObject.Name }}', values: { cluster: 'dev' } },
        },
        intervalMs: 420_000,
        suspended: false,
        images: [
          {
            name: 'flux-system/app',
            repository: 'registry.corp.io/app',
            policy: { kind: 'numerical', order: 'ascending' },
            filter: { allow: '^main-(?P<ts>.*)', extract: '$ts', ignorePatterns: ['^dev-'] },
            pullSecret: { namespace: 'flux-system', name: 'registry' },
            target: { kind: 'setters', folder: 'clusters/dev', policy: 'flux-system:app' },
            digests: 'Always',
          },
          {
            name: 'flux-system/plain',
            repository: 'docker.io/library/nginx',
            policy: { kind: 'alphabetical', order: 'descending' },
            filter: { ignorePatterns: ['^.*\\.sig$'] },
            digests: 'Never',
          },
        ],
      },
      {
        key: 'ImageUpdateAutomation/flux-system/team',
        images: [{ name: 'flux-system/app' }],
        suspended: true,
        commit: { message: { text: 'Update from image update automation' } },
      },
    ]);
    expect(refused.map(({ name, problem: { message } }) => `${name}: ${message}`)).toEqual([
      'closed: ImagePolicy flux-system/closed: the ImageRepository elsewhere/closed is not open to flux-system.',
      'all images: ImageUpdateAutomation flux-system/lost: there is no GitRepository flux-system/nothing.',
    ]);
  });
});

describe('updates of landfall.yaml', () => {
  const file = (updates: string, more = '') => `apiVersion: landfall.dev/v1
applications:
  shop:
    source: { repository: https://git.corp.io/shop.git }
    updates:
${updates}
${more}`;
  const place = {
    namespace: 'argocd',
    name: 'shop',
    git: { url: 'https://git.corp.io/d.git', project: 'default', revision: 'main', path: 'overlays/dev' },
  };

  it('say which commit of which branch, and how it is committed', () => {
    const text = file(
      `      - image: registry.corp.io/shop/app
        as: APP
        policy: { commits: main }
        allow: "^sha-(?<commit>[0-9a-f]{40})$"
        ignore: ["*-rc*"]
        platforms: [linux/amd64]
        target: { values: prod/values.yaml, tag: image.tag, digest: image.digest }`,
      `updates:
  author: { name: bot, email: bot@corp.io }
  message: "{application}: {images}"
  interval: 90s
  perHour: 4
  pullRequest: { branch: "bot/{application}", forge: github, token: GITHUB_TOKEN }
`,
    );
    expect(readLandfall(parseLandfallYaml(text), place)).toEqual({
      refused: [],
      updaters: [
        {
          key: 'Application/argocd/shop',
          origin: 'landfall.yaml',
          application: { namespace: 'argocd', name: 'shop' },
          git: { ...place.git, push: 'bot/shop', pullRequest: { forge: 'github', token: 'GITHUB_TOKEN' } },
          images: [
            {
              name: 'APP',
              where: 'landfall.yaml, updates of shop, registry.corp.io/shop/app',
              image: 'APP',
              repository: 'registry.corp.io/shop/app',
              policy: { kind: 'commits', branch: 'main' },
              filter: {
                allow: '^sha-(?<commit>[0-9a-f]{40})$',
                extract: '${commit}',
                ignoreGlobs: ['*-rc*'],
              },
              platforms: [{ os: 'linux', architecture: 'amd64' }],
              force: false,
              target: {
                kind: 'helm-values',
                file: 'prod/values.yaml',
                tag: 'image.tag',
                digest: 'image.digest',
              },
              source: 'https://git.corp.io/shop.git',
            },
          ],
          commit: {
            author: { name: 'bot', email: 'bot@corp.io' },
            message: { language: 'landfall', text: '{application}: {images}' },
          },
          intervalMs: 90_000,
          perHour: 4,
          suspended: false,
        },
      ],
    });
    expect(readLandfall(parseLandfallYaml(text), { ...place, name: 'toString' }).updaters).toEqual([]);
  });

  it.each([
    ['policy: { semver: ">>1" }', /landfall\.yaml:6:\d+: .*is no range of versions/],
    ['policy: { commits: main, semver: "1" }', /a policy is one of/],
    ['policy: { numerical: up }', /a policy is one of|ascending/],
    ['policy: { newestBuild: true }, allow: "(?=x)"', /is not supported/],
    ['policy: { digest: "no tag" }', /a tag is wanted|a policy is one of/],
    [
      'policy: { newestBuild: true }, target: { kustomization: ../x }',
      /inside of the repository|a target is/,
    ],
    [
      'policy: { newestBuild: true }, platform: linux/amd64',
      /unknown key 'platform'; did you mean 'platforms'/,
    ],
  ])('are refused at their line where they are wrong: %s', (rule, wanted) => {
    const text = file(`      - { image: registry.corp.io/a, ${rule} }`);
    expect(() => parseLandfallYaml(text)).toThrow(wanted);
  });
});
