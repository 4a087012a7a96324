import { describe, expect, test } from 'vitest';
import { memoryTree, reachOf, render } from './index.ts';

const deployment = [
  'apiVersion: apps/v1',
  'kind: Deployment',
  'metadata:',
  '  name: web',
  'spec:',
  '  template:',
  '    metadata:',
  '      labels: {app: web}',
  '    spec:',
  '      containers:',
  '      - name: app',
  '        image: registry.example.com/web:1.0',
  '',
].join('\n');

async function findings(kustomization: string, more: Record<string, string> = {}) {
  const tree = memoryTree({
    'k/kustomization.yaml': `resources: [deployment.yaml, ${Object.keys(more).join(', ')}]\n${kustomization}`,
    'k/deployment.yaml': deployment,
    ...Object.fromEntries(Object.entries(more).map(([name, text]) => [`k/${name}`, text])),
  });
  return (await render(tree, 'k')).findings;
}

describe('what is valid, and most likely not meant', () => {
  test('nothing, for a kustomization that is as it should be', async () => {
    expect(await findings('images: [{name: registry.example.com/web, newTag: "2"}]\n')).toEqual([]);
  });

  test('an images entry for an image nobody uses', async () => {
    const [finding] = await findings('images:\n- name: registry.example.com/wep\n  newTag: "2"\n');
    expect(finding).toMatchObject({ kind: 'no-match', file: 'k/kustomization.yaml', line: 4 });
    expect(finding?.message).toContain('there is registry.example.com/web');
  });

  test('a patch whose target matches nothing', async () => {
    const patch =
      'patches:\n- target: {kind: Deployment, name: wep}\n  patch: |-\n    - {op: add, path: /metadata/labels, value: {a: b}}\n';
    expect(await findings(patch)).toMatchObject([{ kind: 'no-match', line: 3 }]);
  });

  test('a patch that adds a container because its name is mistyped', async () => {
    const patch =
      'patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: ap\n            env: [{name: A, value: b}]\n';
    const [finding] = await findings(patch);
    expect(finding).toMatchObject({
      kind: 'container-added',
      file: 'k/kustomization.yaml',
      line: 11,
      object: 'Deployment/web',
    });
    expect(finding?.message).toContain('there is app');
  });

  test('a Service whose selector is on no pod', async () => {
    const service =
      'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector:\n    app: wep\n';
    expect(await findings('', { 'service.yaml': service })).toMatchObject([
      { kind: 'selector-without-pods', file: 'k/service.yaml', line: 7, object: 'Service/web' },
    ]);
  });

  test('a patch that an images entry of the same kustomization overrides', async () => {
    const both =
      'patches:\n- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec:\n      template:\n        spec:\n          containers:\n          - name: app\n            image: registry.example.com/web:2.0\nimages:\n- name: registry.example.com/web\n  newTag: "3.0"\n';
    expect(await findings(both)).toMatchObject([
      { kind: 'overridden', file: 'k/kustomization.yaml', line: 12 },
    ]);
  });
});

test('a base change that reaches production is found, with its line', async () => {
  const files = (image: string) => ({
    'base/kustomization.yaml': 'resources: [deployment.yaml]\n',
    'base/deployment.yaml': deployment.replace('web:1.0', image),
    'staging/kustomization.yaml': 'resources: [../base]\nnamePrefix: stg-\n',
    'prod/kustomization.yaml': 'resources: [../base]\n',
  });
  const { reached, findings: found } = await reachOf({
    before: memoryTree(files('web:1.0')),
    after: memoryTree(files('web:1.1')),
    dirs: ['staging', 'prod'],
    expected: ['staging'],
  });
  expect(reached.map(({ dir }) => dir)).toEqual(['staging', 'prod']);
  expect(found).toMatchObject([
    { kind: 'reaches-further', file: 'base/deployment.yaml', line: 12, object: 'Deployment/web' },
  ]);
});
