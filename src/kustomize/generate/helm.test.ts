import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { memoryTree, render } from '../index.ts';

/** Stands in for helm, which is not everywhere: prints the arguments and values it was given as a ConfigMap. */
const program = `#!/bin/sh
if [ "$1" = version ]; then echo v3.14.0+g1; exit 0; fi
if [ "$2" = broken ]; then echo "chart is broken" >&2; exit 1; fi
while [ $# -gt 0 ]; do [ "$1" = -f ] && values=$2; [ "$1" = --namespace ] && ns=$2; shift; done
printf 'apiVersion: v1\\nkind: ConfigMap\\nmetadata:\\n  name: from-chart\\n  namespace: %s\\ndata:\\n  values: |\\n' "$ns"
sed 's/^/    /' "$values"
`;
let folder = '';
let command = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'landfall-helm-test-'));
  command = join(folder, 'helm');
  writeFileSync(command, program);
  chmodSync(command, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chart = {
  'charts/web/Chart.yaml': 'name: web\nversion: 1.0.0\n',
  'charts/web/values.yaml': 'a: 1\nb: {c: 2}\n',
};

test('a chart of the tree is rendered with its values and those of the kustomization', async () => {
  const tree = memoryTree({
    ...chart,
    'kustomization.yaml':
      'namePrefix: p-\nhelmCharts:\n- name: web\n  releaseName: r\n  namespace: shop\n  valuesInline: {b: {c: 3}}\n',
  });
  const { objects } = await render(tree, '', { helm: { command } });
  expect(objects.map((object) => [object.name, object.namespace])).toEqual([['p-from-chart', 'shop']]);
  expect(objects[0]?.value['data']).toEqual({ values: 'a: 1\nb:\n  c: 3\n' });
  expect(objects[0]?.why(['data', 'values'])[0]).toMatchObject({
    file: 'kustomization.yaml',
    line: 3,
    by: 'helm',
  });
});

test('the deprecated spelling is the same', async () => {
  const tree = memoryTree({
    ...chart,
    'kustomization.yaml':
      'helmChartInflationGenerator:\n- chartName: web\n  releaseName: r\n  valuesLocal: {b: {c: 3}}\n',
  });
  const { objects } = await render(tree, '', { helm: { command } });
  expect(objects[0]?.value['data']).toEqual({ values: 'a: 1\nb:\n  c: 3\n' });
});

test('a chart that fails says why, and one that is nowhere says where it was looked for', async () => {
  const broken = memoryTree({
    ...chart,
    'kustomization.yaml': 'helmCharts:\n- name: web\n  releaseName: broken\n',
  });
  await expect(render(broken, '', { helm: { command } })).rejects.toThrow(/chart is broken/);
  const absent = memoryTree({ 'kustomization.yaml': 'helmCharts:\n- name: nothing\n' });
  await expect(render(absent, '', { helm: { command } })).rejects.toThrow(/charts\/nothing/);
});

test('without the program the reason is said', async () => {
  const tree = memoryTree({ ...chart, 'kustomization.yaml': 'helmCharts:\n- name: web\n' });
  await expect(render(tree, '', { helm: { command: join(folder, 'no-such-helm') } })).rejects.toMatchObject({
    kind: 'not-found',
    code: 'program-missing',
  });
});
