import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { LandfallError, getString, parseYaml } from '../../kernel/index.ts';
import { treeOfFiles } from '../../git/index.ts';
import type { ApiResource, KubeObject } from '../../kube/index.ts';
import { applicationSource } from '../sync/index.ts';
import { renderHelm } from './helm.ts';
import { startLookups } from './lookups.ts';
import type { LookupCluster } from './lookups.ts';

const PASSWORD: KubeObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'kept', namespace: 'shop' },
  data: { password: 'aHVudGVyMg==' },
};

const resource = (
  group: string,
  version: string,
  kind: string,
  name: string,
  namespaced = true,
): ApiResource => ({
  group,
  version,
  resource: name,
  kind,
  namespaced,
  verbs: ['get', 'list'],
  subresources: [],
});

const KINDS = [
  resource('', 'v1', 'Secret', 'secrets'),
  resource('', 'v1', 'ConfigMap', 'configmaps'),
  resource('', 'v1', 'Namespace', 'namespaces', false),
  resource('apps', 'v1', 'Deployment', 'deployments'),
];

/** A cluster of one Secret in which ConfigMaps may not be read. */
const cluster: LookupCluster = {
  version: () => Promise.resolve({ major: '1', minor: '32', gitVersion: 'v1.32.4' }),
  apiVersions: () =>
    Promise.resolve(['apps/v1', 'apps/v1/Deployment', 'v1', 'v1/ConfigMap', 'v1/Namespace', 'v1/Secret']),
  resource: ({ kind }) => {
    const found = KINDS.find((one) => one.kind === kind);
    return found === undefined ? Promise.reject(new Error(kind)) : Promise.resolve(found);
  },
  get({ kind, name, namespace }) {
    if (kind === 'ConfigMap') {
      return Promise.reject(
        new LandfallError('configmaps "settings" is forbidden', { kind: 'denied', code: 'kube-forbidden' }),
      );
    }
    return Promise.resolve(
      kind === 'Secret' && name === 'kept' && namespace === 'shop' ? PASSWORD : undefined,
    );
  },
  list: ({ kind }) => Promise.resolve({ items: kind === 'Secret' ? [PASSWORD] : [], resourceVersion: '7' }),
};

describe('what charts look up', () => {
  it('is read from the cluster by who knows the way, and nothing is written', async () => {
    await using lookups = await startLookups(cluster, undefined);
    const [config] = parseYaml(lookups.kubeconfig, 'kubeconfig');
    const server = getString(config, 'clusters', 0, 'cluster', 'server') ?? '';
    const ask = async (path: string, method = 'GET', base = server) => {
      const response = await fetch(`${base}${path}`, { method });
      return { code: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect((await ask('/api/v1/namespaces/shop/secrets/kept')).body).toEqual(PASSWORD);
    expect((await ask('/api/v1/namespaces/shop/secrets')).body).toMatchObject({
      kind: 'SecretList',
      items: [PASSWORD],
    });
    expect((await ask('/apis/apps/v1')).body).toMatchObject({
      resources: [{ name: 'deployments', kind: 'Deployment', namespaced: true }],
    });
    for (const path of [
      '/api/v1/namespaces/shop/secrets/gone',
      '/api/v1/namespaces/none',
      '/apis/none/v1',
      '/metrics',
    ])
      expect((await ask(path)).code, path).toBe(404);
    expect(lookups.refused()).toBeUndefined();
    expect((await ask('/api/v1/namespaces/shop/configmaps/settings')).code).toBe(403);
    expect(lookups.refused()?.message).toContain('configmaps "settings" is forbidden');
    const kept = '/api/v1/namespaces/shop/secrets/kept';
    expect((await ask(kept, 'DELETE')).code).toBe(403);
    expect((await ask(kept, 'GET', new URL(server).origin)).code).toBe(403);
  });
});

function hasHelm(): boolean {
  try {
    execFileSync('helm', ['version', '--short'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.runIf(hasHelm())('a chart that looks something up', { timeout: 60_000 }, () => {
  const render = async (template: string, from?: LookupCluster) => {
    const tree = treeOfFiles(
      new Map([
        ['Chart.yaml', Buffer.from('apiVersion: v2\nname: shop\nversion: 1.0.0\n')],
        ['templates/all.yaml', Buffer.from(template)],
      ]),
    );
    const objects = await renderHelm({
      place: { kind: 'tree', tree, folder: '' },
      source: applicationSource({ repoURL: 'r', path: '' }),
      application: { name: 'shop', namespace: 'shop', project: 'default', revision: '1' },
      environment: {},
      refs: new Map(),
      program: from === undefined ? {} : { cluster: from },
      signal: undefined,
    });
    return objects.map(({ object }) => object);
  };
  const keeps = `apiVersion: v1
kind: Secret
metadata: { name: kept }
data:
  {{- $kept := lookup "v1" "Secret" "shop" "kept" }}
  password: {{ if $kept }}{{ $kept.data.password }}{{ else }}{{ "new" | b64enc }}{{ end }}
  several: {{ (lookup "v1" "Secret" "shop" "").items | default list | len | toString | b64enc }}
  none: {{ lookup "apps/v1" "Deployment" "shop" "web" | len | toString | b64enc }}
`;
  const base64 = (text: string) => Buffer.from(text).toString('base64');

  it('gets what the cluster has, and nothing where there is none to ask', async () => {
    expect((await render(keeps, cluster))[0]?.['data']).toEqual({
      password: base64('hunter2'),
      several: base64('1'),
      none: base64('0'),
    });
    expect((await render(keeps))[0]?.['data']).toEqual({
      password: base64('new'),
      several: base64('0'),
      none: base64('0'),
    });
  });

  it('is not rendered where that may not be read, and says what it was', async () => {
    const denied = keeps.replace(
      '(lookup "v1" "Secret" "shop" "").items',
      '(lookup "v1" "ConfigMap" "shop" "settings").data',
    );
    await expect(render(denied, cluster)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'chart-lookup',
      message: expect.stringContaining('configmaps "settings" is forbidden') as string,
    });
  });
});
