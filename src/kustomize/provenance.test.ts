import { describe, expect, test } from 'vitest';
import { answer, diffRenders, memoryTree, parseQuestion, render } from './index.ts';

const files = {
  'base/kustomization.yaml': 'resources:\n- deployment.yaml\n- service.yaml\n',
  'base/deployment.yaml': [
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata:',
    '  name: payment-api',
    'spec:',
    '  selector:',
    '    matchLabels: {app: payment-api}',
    '  replicas: 2',
    '  template:',
    '    metadata:',
    '      labels: {app: payment-api}',
    '    spec:',
    '      containers:',
    '      - name: app',
    '        image: registry.example.com/payment-api:1.0',
    '        envFrom:',
    '        - configMapRef: {name: settings}',
    '',
  ].join('\n'),
  'base/service.yaml':
    'apiVersion: v1\nkind: Service\nmetadata:\n  name: payment-api\nspec:\n  selector: {app: payment-api}\n',
  'staging/kustomization.yaml': [
    'namespace: staging',
    'namePrefix: stg-',
    'resources:',
    '- ../base',
    'patches:',
    '- path: patch-replicas.yaml',
    '- patch: |-',
    '    - op: add',
    '      path: /metadata/annotations',
    '      value: {owner: payments}',
    '  target: {kind: Deployment}',
    'images:',
    '- name: registry.example.com/payment-api',
    '  newTag: "2.0"',
    'configMapGenerator:',
    '- name: settings',
    '  literals:',
    '  - mode=fast',
    'labels:',
    '- pairs: {env: staging}',
    '',
  ].join('\n'),
  'staging/patch-replicas.yaml':
    'apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: payment-api\nspec:\n  replicas: 3\n',
};

async function why(question: string, given: Record<string, string> = files) {
  const { objects } = await render(memoryTree(given), 'staging');
  return answer(objects, parseQuestion(question))[0]?.origins.map(({ value, file, line, by }) => [
    value,
    `${file}:${line}`,
    by,
  ]);
}

describe('the chain of a field', () => {
  test('a patch overrides the base', async () => {
    expect(await why('deploy/stg-payment-api:spec.replicas')).toEqual([
      [3, 'staging/patch-replicas.yaml:6', 'patch'],
      [2, 'base/deployment.yaml:8', undefined],
    ]);
  });

  test('an images entry overrides the base', async () => {
    expect(await why('deploy/stg-payment-api:spec.template.spec.containers[name=app].image')).toEqual([
      ['registry.example.com/payment-api:2.0', 'staging/kustomization.yaml:14', 'images'],
      ['registry.example.com/payment-api:1.0', 'base/deployment.yaml:15', undefined],
    ]);
  });

  test('a prefix, a namespace and a label point to the kustomization', async () => {
    expect(await why('svc/stg-payment-api:metadata.name')).toEqual([
      ['stg-payment-api', 'staging/kustomization.yaml:2', 'namePrefix'],
      ['payment-api', 'base/service.yaml:4', undefined],
    ]);
    expect(await why('svc/stg-payment-api:metadata.namespace')).toEqual([
      ['staging', 'staging/kustomization.yaml:1', 'namespace'],
    ]);
    expect(await why('svc/stg-payment-api:metadata.labels.env')).toEqual([
      ['staging', 'staging/kustomization.yaml:20', 'labels'],
    ]);
  });

  test('an inline JSON patch has the lines of the kustomization', async () => {
    expect(await why('deploy/stg-payment-api:metadata.annotations.owner')).toEqual([
      ['payments', 'staging/kustomization.yaml:10', 'patch'],
    ]);
  });

  test('generated data point to their literal, and a reference to what renamed it', async () => {
    const { objects } = await render(memoryTree(files), 'staging');
    const map = objects.find((object) => object.kind === 'ConfigMap');
    expect(map?.why(['data', 'mode'])[0]).toMatchObject({
      file: 'staging/kustomization.yaml',
      line: 18,
      by: 'configMapGenerator',
    });
    const path = 'spec.template.spec.containers[0].envFrom[0].configMapRef.name';
    const chain = await why(`deploy/stg-payment-api:${path}`);
    expect(chain?.[0]?.[0]).toBe(map?.name);
    expect(chain?.[0]?.[2]).toBe('nameReference');
    expect(chain?.at(-1)).toEqual(['settings', 'base/deployment.yaml:17', undefined]);
  });

  test('a replacement points to the line its value comes from', async () => {
    const replaced = {
      ...files,
      'staging/kustomization.yaml': `${files['staging/kustomization.yaml']}replacements:\n- source: {kind: Service, name: payment-api}\n  targets:\n  - select: {kind: Deployment}\n    fieldPaths: [metadata.annotations.from]\n    options: {create: true}\n`,
    };
    expect((await why('deploy/stg-payment-api:metadata.annotations.from', replaced))?.[0]).toEqual([
      'stg-payment-api',
      'staging/kustomization.yaml:2',
      'replacements',
    ]);
  });
});

test('a wrong name is answered with the nearest right ones', async () => {
  await expect(why('deploy/stg-payment-apy:spec.replicas')).rejects.toMatchObject({
    code: 'no-such-object',
    hint: 'Did you mean stg-payment-api?',
  });
  await expect(why('deploy/stg-payment-api:spec.replica')).rejects.toMatchObject({
    code: 'no-such-field',
    hint: 'Did you mean spec.replicas?',
  });
  expect(() => parseQuestion('spec.replicas')).toThrow(/does not name a field/);
});

test('a diff names the changed field and the line that changed it, also through a new hash', async () => {
  const before = await render(memoryTree(files), 'staging');
  const after = await render(
    memoryTree({
      ...files,
      'staging/patch-replicas.yaml': files['staging/patch-replicas.yaml'].replace('3', '5'),
      'staging/kustomization.yaml': files['staging/kustomization.yaml'].replace('mode=fast', 'mode=slow'),
    }),
    'staging',
  );
  const changes = diffRenders(before, after);
  expect(changes.map(({ change, kind }) => [change, kind])).toEqual([
    ['changed', 'ConfigMap'],
    ['changed', 'Deployment'],
  ]);
  const fields = changes.flatMap((change) => change.fields);
  expect(fields.map(({ path, before: old, after: now }) => [path.join('.'), old, now])).toContainEqual([
    'spec.replicas',
    3,
    5,
  ]);
  expect(fields.find((field) => field.path.join('.') === 'spec.replicas')?.cause).toMatchObject({
    file: 'staging/patch-replicas.yaml',
    line: 6,
  });
  expect(diffRenders(before, before)).toEqual([]);
});
