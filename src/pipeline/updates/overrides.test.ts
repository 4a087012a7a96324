import { afterEach, describe, expect, it } from 'vitest';
import { applicationSpec, renderApplication } from '../../boundaries/index.ts';
import { startRegistry } from '../../drydock/registry/index.ts';
import { getArray, getString, parseYaml } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { readArgo } from './configuration/index.ts';
import type { CycleSources } from './cycle.ts';
import { commit, IMAGE, openBench, REGISTRY, run, signal, type Bench } from './updates.fixture.ts';

const cleanups: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Render = CycleSources['render'];

const WEB = `${REGISTRY}/shop/web`;
const FILE = 'overlays/dev/.argocd-source-shop.yaml';

/** An Application as somebody has it who comes from Argo CD Image Updater with `write-back-method: git`. */
function application(
  repoURL: string,
  images: Readonly<Record<string, string>>,
  namespace = 'argocd',
): KubeObject {
  const prefix = 'argocd-image-updater.argoproj.io';
  return {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'Application',
    metadata: {
      name: 'shop',
      namespace,
      annotations: {
        [`${prefix}/write-back-method`]: 'git',
        ...Object.fromEntries(Object.entries(images).map(([key, value]) => [`${prefix}/${key}`, value])),
      },
    },
    spec: {
      project: 'default',
      source: { repoURL, path: 'overlays/dev', targetRevision: 'main' },
      destination: { server: 'https://kubernetes.default.svc', namespace: 'shop' },
    },
  };
}

async function bench(): Promise<Bench> {
  const server = await startRegistry();
  cleanups.push(() => server.close());
  const on = openBench(server.url);
  cleanups.push(() => on.close());
  return on;
}

/** Runs a cycle of what the annotations say, rendering as Argo CD does for the Application. */
async function cycle(on: Bench, home?: string) {
  const object = application(on.deployments, { 'image-list': `app=${IMAGE}, web=${WEB}` }, home);
  const { updaters, refused } = readArgo(object, []);
  expect(refused).toEqual([]);
  const { sources, destination, project } = applicationSpec(object);
  const render: Render = (updater, tree, revision) => {
    const { name, namespace: home } = updater.application;
    const whose = { name, home, namespace: destination.namespace, project, revision };
    const [source] = sources;
    return renderApplication(tree, updater.git.path, {
      application: whose,
      ...(source === undefined ? {} : { source }),
    });
  };
  return on.cycle({ render }).run(updaters, {}, signal);
}

describe('an application whose images Argo CD overrides in Git', () => {
  it('outside of the namespace of Argo CD has a file named after its own', async () => {
    const on = await bench();
    const overrides = `kustomize:\n  images:\n  - ${IMAGE}:1.0.5\n`;
    const file = 'overlays/dev/.argocd-source-team-a_shop.yaml';
    commit(on.people, { [FILE]: overrides, [file]: overrides }, 'Come from the image updater');
    run(on.people, 'push', '--quiet', 'origin', 'main');
    await on.push('1.0.5');
    const app = await on.push('1.1.0');
    expect(await cycle(on, 'team-a')).toMatchObject([{ outcome: 'committed' }]);
    expect(run(on.deployments, 'diff', '--name-only', 'main~1', 'main')).toBe(file);
    expect(run(on.deployments, 'show', `main:${file}`)).toContain(`${IMAGE}:1.1.0@${app}`);
  });

  it('is updated by one commit, in the line of the override and where the other image comes from', async () => {
    const on = await bench();
    const overrides = [
      '# By the image updater.',
      'kustomize:',
      '  images:',
      `  - '${IMAGE}:1.0.5' # kept by it`,
      '',
    ].join('\r\n');
    commit(
      on.people,
      {
        [FILE]: overrides,
        'overlays/dev/.argocd-source-other.yaml': overrides,
        'overlays/dev/web.yaml': `apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: "${WEB}:2.0.0"}]}\n`,
        'overlays/dev/kustomization.yaml': on
          .overlay()
          .replace('async.yaml]', 'async.yaml, web.yaml]')
          .concat('\n'),
      },
      'Come from the image updater',
    );
    run(on.people, 'push', '--quiet', 'origin', 'main');
    await on.push('1.0.0');
    await on.push('1.0.5');
    const app = await on.push('1.1.0');
    await on.push('2.0.0', {}, WEB);
    const web = await on.push('2.1.0', {}, WEB);

    const reports = await cycle(on);
    expect(reports).toMatchObject([{ outcome: 'committed', branch: 'main' }]);
    expect(on.log()).toHaveLength(3);
    expect(run(on.deployments, 'diff', '--name-only', 'main~1', 'main').split('\n')).toEqual([
      FILE,
      'overlays/dev/web.yaml',
    ]);
    expect(run(on.deployments, 'show', `main:${FILE}`)).toBe(
      overrides.replace(`${IMAGE}:1.0.5`, `${IMAGE}=${IMAGE}:1.1.0@${app}`).trim(),
    );
    expect(run(on.deployments, 'show', 'main:overlays/dev/web.yaml')).toContain(`"${WEB}:2.1.0@${web}"`);

    expect(await cycle(on)).toMatchObject([{ outcome: 'current' }]);
    expect(on.log()).toHaveLength(3);
  });

  it('is updated in the Helm parameter that its annotations name', async () => {
    const on = await bench();
    const overrides = `helm:
  parameters:
  - name: run.which
    value: 1.0.5
    forcestring: true
`;
    commit(on.people, { [FILE]: overrides }, 'Come from the image updater');
    run(on.people, 'push', '--quiet', 'origin', 'main');
    const digest = await on.push('1.1.0');
    const object = application(on.deployments, {
      'image-list': `app=${IMAGE}`,
      'app.helm.image-tag': 'run.which',
    });
    // Stands for the helm program, which is not there where these tests run.
    const render: Render = async (_, tree) => {
      const text = Buffer.from((await tree.readFile(FILE)) ?? []).toString();
      const [parameter] = getArray(parseYaml(text, FILE)[0], 'helm', 'parameters');
      const containers = [{ name: 'app', image: `${IMAGE}:${getString(parameter, 'value') ?? ''}` }];
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'app' }, spec: { containers } };
      return {
        sourceType: 'Helm',
        objects: [{ object: pod, why: () => [] }],
        findings: [],
        warnings: [],
      };
    };
    const reports = await on.cycle({ render }).run(readArgo(object, []).updaters, {}, signal);
    expect(reports).toMatchObject([{ outcome: 'committed', warnings: [] }]);
    expect(run(on.deployments, 'show', `main:${FILE}`)).toBe(
      overrides.replace('1.0.5', `1.1.0@${digest}`).trim(),
    );
  });
});
