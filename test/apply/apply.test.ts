import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startCluster } from '../../src/drydock/index.ts';
import type { Cluster } from '../../src/drydock/index.ts';
import { commitAll, createRepository } from '../../src/git/test-support.ts';
import { getArray, getIn, getString, systemClock } from '../../src/kernel/index.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/index.ts';
import { loadKubeClient } from '../../src/kube/index.ts';
import type { KubeClient, KubeObject } from '../../src/kube/index.ts';
import { newPerson } from '../cli/terminal.ts';
import { hurriedClock } from './hurried-clock.ts';
import type { Person, Ran, RunOptions } from '../cli/terminal.ts';

let cluster: Cluster;
let person: Person;
let kube: KubeClient;
let kubeconfig: string;
let namespace: string;
let folder: string;
let counter = 0;

beforeAll(async () => {
  person = await newPerson();
  cluster = await startCluster({ nodes: 1, rbac: true, workDir: path.join(person.home, 'cluster') });
  kubeconfig = path.join(person.home, 'kubeconfig');
  await cluster.writeKubeconfig(kubeconfig);
  kube = await loadKubeClient({ kubeconfig, clock: systemClock, env: {} });
});
afterAll(async () => {
  kube.close();
  await cluster.close();
  await person.leave();
});
beforeEach(async () => {
  counter += 1;
  namespace = `apply-${counter}`;
  folder = path.join(person.folder, namespace);
  await mkdir(folder);
  await kube.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
});

const run = (args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  person.run(args, { ...options, env: { KUBECONFIG: kubeconfig, ...options.env } });

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
}

/** `landfall apply` of the folder into the namespace of the test. */
const apply = (...flags: string[]) => run(['apply', folder, '-n', namespace, ...flags]);

const get = (kind: string, name: string, apiVersion = 'v1') =>
  kube.get({ apiVersion, kind, namespace, name });

const config = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`;

const deployment = (name: string, image: string, more = '') => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: 0
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
        - name: main
          image: ${image}
          ports: [{ containerPort: 8080, name: http }]
${more}`;

const BAD_SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: checkout
spec:
  selector: { app: checkout }
  ports:
    - port: 99999
`;

const SECRET = `apiVersion: v1
kind: Secret
metadata:
  name: token
stringData:
  password: hunter2
`;

/** Everything of the namespace that a write would move. */
async function fingerprints(): Promise<JsonValue> {
  const kinds = [
    ['v1', 'ConfigMap'],
    ['v1', 'Secret'],
    ['v1', 'Service'],
    ['v1', 'ServiceAccount'],
    ['apps/v1', 'Deployment'],
  ] as const;
  const found: JsonValue[] = [];
  for (const [apiVersion, kind] of kinds) {
    const { items } = await kube.list({ apiVersion, kind }, { namespace });
    for (const { metadata } of items) {
      const { name, uid = '', generation = 0, resourceVersion = '' } = metadata;
      found.push([kind, name, uid, generation, resourceVersion]);
    }
  }
  return found;
}

describe('a set of which one object is refused', () => {
  it('is not applied at all, and every problem is told at once with the line in Git', async () => {
    await write({ 'all.yaml': [config('one', 'a'), deployment('web', 'app:1')].join('---\n') });
    expect((await apply()).code).toBe(0);
    await write({
      'all.yaml': [
        config('one', 'b'),
        deployment('web', 'app:2', '          envFrom: [{ secretRef: { name: nowhere } }]\n'),
        BAD_SERVICE,
        config('one', 'c'),
      ].join('---\n'),
    });
    const before = await fingerprints();
    const { code, out } = await apply('--env', 'staging');
    expect(code).toBe(1);
    expect(out).toContain('must be between 1 and 65535');
    expect(out).toMatch(/all\.yaml:31\n/);
    expect(out).toContain('Secret/nowhere, which neither this set nor the cluster has');
    expect(out).toContain('the set has it twice');
    expect(out).toContain('✗ nothing was changed');
    expect(out).toContain('staging has no channel in landfall.yaml: nobody was told');
    expect(await fingerprints()).toEqual(before);
  });

  it('is told who delivers its objects from Git, and would take the change for drift', async () => {
    await kube.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        name: 'settings',
        namespace,
        annotations: { 'argocd.argoproj.io/tracking-id': `shop:/ConfigMap:${namespace}/settings` },
      },
      data: { key: 'old' },
    });
    await write({ 'settings.yaml': config('settings', 'new') });
    const plan = await run(['plan', folder, '-n', namespace]);
    expect(plan.out.replaceAll(/\s+/g, ' ')).toContain(
      '! Application/shop delivers one of these objects from Git, and takes what is applied past it for drift: commit, and ask for a sync with landfall sync shop',
    );
    await write({ 'settings.yaml': config('unclaimed', 'new') });
    expect((await run(['plan', folder, '-n', namespace])).out).not.toContain('delivers');
  });

  it('is refused for a verb that only the way back would need', async () => {
    const rules: JsonObject[] = [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'create', 'patch'] },
    ];
    await kube.create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'deployer', namespace },
      rules,
    });
    await kube.create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'deployer', namespace },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'deployer' },
      subjects: [{ kind: 'ServiceAccount', namespace, name: 'deployer' }],
    });
    const limited = path.join(folder, 'limited.config');
    const user = `system:serviceaccount:${namespace}:deployer`;
    await writeFile(limited, cluster.kubeconfig().replace(/( +)token:/, `$1as: ${user}\n$1token:`));
    await write({ 'one.yaml': config('one', 'a') });
    const { code, out } = await run(['apply', folder, '-n', namespace], { env: { KUBECONFIG: limited } });
    expect(code).toBe(1);
    expect(out.replaceAll(/\s+/g, ' ')).toContain(`${user} may not delete configmaps in ${namespace}`);
    expect(await get('ConfigMap', 'one')).toBeUndefined();
  });

  it('is refused for a namespace that neither exists nor comes with it', async () => {
    await write({ 'one.yaml': config('one', 'a').replace('name: one', 'name: one\n  namespace: nowhere') });
    const { code, out } = await apply();
    expect(code).toBe(1);
    expect(out).toContain('namespaces "nowhere" not found');
  });

  it('is told which Service selects nothing of it, and which port leads nowhere', async () => {
    const service = (selector: string, port: string) =>
      `apiVersion: v1\nkind: Service\nmetadata:\n  name: web\nspec:\n  selector: { app: ${selector} }\n  ports:\n    - port: 80\n      targetPort: ${port}\n`;
    await write({ 'web.yaml': deployment('web', 'app:1'), 'svc.yaml': service('wob', '8080') });
    expect((await apply()).out).toContain('it selects no pods of this set: it wants app=wob');
    await write({ 'svc.yaml': service('web', '9090') });
    expect((await apply()).out).toContain('targetPort 9090 is no container port of Deployment/web');
    expect((await apply('--loose', '--dry-run')).code).toBe(0);
    await write({ 'svc.yaml': service('web', 'http') });
    expect((await apply('--dry-run')).code).toBe(0);
    expect(await get('Deployment', 'web', 'apps/v1')).toBeUndefined();
  });
});

describe('what the set brings itself', () => {
  const definition = (name: string) => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ${name}s.corp.io }
spec:
  group: corp.io
  scope: Namespaced
  names: { plural: ${name}s, singular: ${name}, kind: ${name[0]?.toUpperCase()}${name.slice(1)}, listKind: ${name}List }
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: { type: integer, minimum: 1 }
`;
  const custom = (kind: string, size: string) =>
    `apiVersion: corp.io/v1\nkind: ${kind}\nmetadata:\n  name: one\nspec:\n  size: ${size}\n`;

  it('is checked by its own schema and then by the server: a definition, and objects of it', async () => {
    await write({ 'all.yaml': `${definition('gadget')}---\n${custom('Gadget', '0')}` });
    const refused = await apply();
    expect(refused.code).toBe(1);
    expect(refused.out).toContain('spec.size: it must not be less than 1');
    await write({ 'all.yaml': `${definition('gadget')}---\n${custom('Gadget', '3')}` });
    const { code, out } = await run(['apply', folder, '-n', namespace], { clock: hurriedClock(20) });
    expect(out).toContain('2 of 2 written');
    // A custom resource without conditions is not known to be healthy.
    expect(code).toBe(2);
    expect(getIn(await get('Gadget', 'one', 'corp.io/v1'), 'spec', 'size')).toBe(3);
    // Both again, changed: the server has put its own finalizer on the definition by now.
    const wider = definition('gadget').replace('minimum: 1 }', 'minimum: 1, maximum: 9 }');
    await write({ 'all.yaml': `${wider}---\n${custom('Gadget', '4')}` });
    const again = await run(['apply', folder, '-n', namespace], { clock: hurriedClock(20) });
    expect(again.out).toContain('2 of 2 written');
    expect(getIn(await get('Gadget', 'one', 'corp.io/v1'), 'spec', 'size')).toBe(4);
  });

  it('is not written where only a rule of the new definition forbids one of its objects', async () => {
    const rule = "minimum: 1, x-kubernetes-validations: [{ rule: 'self < 100', message: too large }] }";
    const ruled = definition('sprocket').replace('minimum: 1 }', rule);
    const set = (size: string) => [ruled, custom('Sprocket', size), config('one', 'a')].join('---\n');
    await write({ 'all.yaml': set('300') });
    const { code, out } = await apply();
    expect(code).toBe(1);
    expect(out).toContain('too large');
    expect(out).toContain('apply     ✗ 1 of 3 written');
    expect(out).toContain('all.yaml:25');
    expect(await get('ConfigMap', 'one')).toBeUndefined();
    // The same when the definition is there, and changes with its object.
    await write({ 'all.yaml': set('3') });
    expect((await run(['apply', folder, '-n', namespace], { clock: hurriedClock(20) })).code).toBe(2);
    const before = await fingerprints();
    const stricter = set('200').replace('self < 100', 'self < 150').replace('key: a', 'key: b');
    await write({ 'all.yaml': stricter });
    const again = await run(['apply', folder, '-n', namespace], { clock: hurriedClock(20) });
    expect(again.code).toBe(1);
    expect(again.out).toContain('too large');
    expect(await fingerprints()).toEqual(before);
  });

  it('is asked about elsewhere while its namespace is still to come', async () => {
    const inner = `${namespace}-inner`;
    const space = `apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ${inner}\n`;
    const inside = (text: string) => text.replace(/name: (\w+)\n/, `name: $1\n  namespace: ${inner}\n`);
    await write({ 'all.yaml': [space, inside(config('one', 'a')), inside(BAD_SERVICE)].join('---\n') });
    const refused = await apply();
    expect(refused.out).toContain('must be between 1 and 65535');
    expect(await kube.get({ apiVersion: 'v1', kind: 'Namespace', name: inner })).toBeUndefined();
    await write({ 'all.yaml': [space, inside(config('one', 'a'))].join('---\n') });
    expect((await apply()).code).toBe(0);
  });
});

describe('a kind that nobody knows', () => {
  it('is healthy or not by the rule of landfall.yaml, and fails the set by it', async () => {
    const repository = await createRepository(path.join(person.folder, `rules-${counter}`));
    await kube.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gizmos.corp.io' },
      spec: {
        group: 'corp.io',
        scope: 'Namespaced',
        names: { plural: 'gizmos', singular: 'gizmo', kind: 'Gizmo', listKind: 'GizmoList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        ],
      },
    });
    await commitAll(repository, {
      'landfall.yaml': `apiVersion: landfall.dev/v1
health:
  - { apiVersion: corp.io/v1, kind: Gizmo, current: "data.phase == 'Ready'", failed: "data.phase == 'Broken'" }
`,
      'k8s/gizmo.yaml':
        'apiVersion: corp.io/v1\nkind: Gizmo\nmetadata:\n  name: one\ndata:\n  phase: Ready\n',
    });
    const k8s = path.join(repository, 'k8s');
    const flags = ['-n', namespace, '--timeout', '20s'];
    const good = await run(['apply', k8s, ...flags]);
    expect(good.code, good.out + good.err).toBe(0);
    await commitAll(repository, {
      'k8s/gizmo.yaml':
        'apiVersion: corp.io/v1\nkind: Gizmo\nmetadata:\n  name: one\ndata:\n  phase: Broken\n',
    });
    const bad = await run(['apply', k8s, ...flags]);
    expect(bad.code, bad.out).toBe(1);
    expect(getIn(await get('Gizmo', 'one', 'corp.io/v1'), 'data', 'phase')).toBe('Ready');
  });
});

describe('a set that fails after the first write', () => {
  it('goes back to what was there when it does not become healthy, and is held', async () => {
    await write({ 'all.yaml': [config('one', 'a'), deployment('web', 'app:1')].join('---\n') });
    expect((await apply()).code).toBe(0);
    const failing = deployment('web', 'app:2').replace(
      'replicas: 0',
      'replicas: 1\n  progressDeadlineSeconds: 1',
    );
    await write({ 'all.yaml': [config('one', 'b'), config('two', 'x'), failing].join('---\n') });
    const fault = cluster.faults.add({ on: 'pods', namespace, effect: { type: 'crash', exitCode: 3 } });
    const { code, out } = await apply('--timeout', '5s');
    fault.heal();
    expect(code).toBe(1);
    expect(out).toContain('what was there before is there again');
    expect((await get('ConfigMap', 'one'))?.['data']).toEqual({ key: 'a' });
    expect(await get('ConfigMap', 'two')).toBeUndefined();
    const web = await get('Deployment', 'web', 'apps/v1');
    expect(getIn(web, 'spec', 'replicas')).toBe(0);
    expect(getIn(web, 'spec', 'template', 'spec', 'containers', 0, 'image')).toBe('app:1');
    const again = await apply('--timeout', '5s');
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain('is held');
    expect((await apply('--timeout', '20s', '--again')).code).toBe(0);
  });

  it('has moved what only stands in another order, and moves it back', async () => {
    const first = (...names: string[]) =>
      `      initContainers:\n${names.map((name) => `        - { name: ${name}, image: "app:1" }\n`).join('')}`;
    const order = async () =>
      getArray(await get('Deployment', 'web', 'apps/v1'), 'spec', 'template', 'spec', 'initContainers').map(
        (item) => getString(item, 'name'),
      );
    await write({ 'all.yaml': deployment('web', 'app:1', first('wait', 'migrate')) });
    expect((await apply()).code).toBe(0);
    expect((await run(['diff', folder, '-n', namespace])).code).toBe(0);
    await write({ 'all.yaml': deployment('web', 'app:1', first('migrate', 'wait')) });
    expect((await run(['diff', folder, '-n', namespace])).code).toBe(1);
    expect((await apply()).code).toBe(0);
    expect(await order()).toEqual(['migrate', 'wait']);
    expect((await run(['diff', folder, '-n', namespace])).code).toBe(0);

    const failing = deployment('other', 'app:2').replace(
      'replicas: 0',
      'replicas: 1\n  progressDeadlineSeconds: 1',
    );
    await write({
      'all.yaml': [deployment('web', 'app:1', first('wait', 'migrate')), failing].join('---\n'),
    });
    const fault = cluster.faults.add({ on: 'pods', namespace, effect: { type: 'crash', exitCode: 3 } });
    const { code, out } = await apply('--timeout', '5s');
    fault.heal();
    expect({ code, out }).toMatchObject({
      code: 1,
      out: expect.stringContaining('is there again') as string,
    });
    expect(await order()).toEqual(['migrate', 'wait']);
  });

  it('is left as it is with --on-failure=keep', async () => {
    const failing = deployment('web', 'app:2').replace(
      'replicas: 0',
      'replicas: 1\n  progressDeadlineSeconds: 1',
    );
    await write({ 'all.yaml': [config('one', 'b'), failing].join('---\n') });
    const fault = cluster.faults.add({ on: 'pods', namespace, effect: { type: 'crash', exitCode: 3 } });
    const { code, out } = await apply('--timeout', '5s', '--on-failure', 'keep');
    fault.heal();
    expect(code).toBe(1);
    expect(out).toContain('failed, and left as it is');
    expect((await get('ConfigMap', 'one'))?.['data']).toEqual({ key: 'b' });
  });

  it('goes back when somebody interrupts it', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'web.yaml': deployment('web', 'app:1') });
    const hang = cluster.faults.add({
      on: 'api',
      verbs: ['patch'],
      resource: 'deployments',
      namespace,
      dryRun: false,
      effect: { type: 'hang' },
    });
    const stop = new AbortController();
    const ran = run(['apply', folder, '-n', namespace], { signal: stop.signal });
    while (hang.hits === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await get('ConfigMap', 'one')).toBeDefined();
    stop.abort();
    const { code, out, err } = await ran;
    hang.heal();
    expect(code).toBe(130);
    expect(err).toContain('Ctrl-C again leaves that to landfall recover');
    expect(out).toContain('what was there before is there again');
    expect(await get('ConfigMap', 'one')).toBeUndefined();
    // Whoever interrupts does not say that the revision is bad.
    expect((await apply()).code).toBe(0);
  });

  it('goes back when a permission is taken away in the middle, as far as it may, and the rest later', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'web.yaml': deployment('web', 'app:1') });
    const denied = cluster.faults.add({
      on: 'api',
      verbs: ['patch', 'delete'],
      namespace,
      dryRun: false,
      effect: { type: 'status', status: 403 },
    });
    const early = await apply();
    expect(early.code).toBe(1);
    denied.heal();
    expect(await get('ConfigMap', 'one')).toBeUndefined();

    const later = cluster.faults.add({
      on: 'api',
      verbs: ['patch'],
      resource: 'deployments',
      namespace,
      dryRun: false,
      effect: { type: 'status', status: 403 },
    });
    const alsoDelete = cluster.faults.add({
      on: 'api',
      verbs: ['delete'],
      namespace,
      effect: { type: 'status', status: 403 },
    });
    const stuck = await apply('--again');
    expect(stuck.code).toBe(1);
    expect(stuck.out).toContain('not all of it could be taken back');
    expect(await get('ConfigMap', 'one')).toBeDefined();
    later.heal();
    alsoDelete.heal();
    const recovered = await run(['recover']);
    expect(recovered.code, recovered.out).toBe(0);
    expect(await get('ConfigMap', 'one')).toBeUndefined();
  });

  it('rides out an API server that is away for a moment', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'web.yaml': deployment('web', 'app:1') });
    const away = cluster.faults.add({
      on: 'api',
      verbs: ['patch', 'delete'],
      namespace,
      dryRun: false,
      times: 5,
      effect: { type: 'reset' },
    });
    expect((await apply()).code).toBe(0);
    expect(away.over).toBe(true);
  });
});

describe('what was applied', () => {
  it('has a note, though no Application names it', async () => {
    await write({ 'one.yaml': config('one', 'a') });
    expect((await apply()).code).toBe(0);
    const { code, out } = await run(['note', namespace]);
    expect([code, out]).toEqual([0, expect.stringContaining('applied   ' + namespace)]);
    expect(out).toContain('apply by kubernetes-admin');
    expect((await run(['note', 'nothing-of-that-name'])).code).toBe(3);
  });
});

describe('two at once', () => {
  it('lets the second one neither in between nor wait in the dark', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'web.yaml': deployment('web', 'app:1') });
    const hang = cluster.faults.add({
      on: 'api',
      verbs: ['patch'],
      resource: 'deployments',
      namespace,
      dryRun: false,
      times: 1,
      effect: { type: 'hang' },
    });
    const first = apply();
    while (hang.hits === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await apply();
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/is taken: .*since 20\d\d-/);
    const patient = apply('--wait');
    hang.heal();
    expect((await first).code).toBe(0);
    expect((await patient).code).toBe(0);
  });
});

describe('a plan', () => {
  it('names each field with its old and new value and the line that asks for it, and no Secret', async () => {
    const secret = (value: string) =>
      `apiVersion: v1\nkind: Secret\nmetadata:\n  name: token\nstringData:\n  password: ${value}\n`;
    await write({ 'all.yaml': [config('one', 'a'), secret('hunter2'), config('same', 'x')].join('---\n') });
    expect((await apply()).code).toBe(0);
    await write({ 'all.yaml': [config('one', 'b'), secret('swordfish'), config('same', 'x')].join('---\n') });
    const ran = await run(['plan', folder, '-n', namespace, '-o', 'json']);
    const plan = JSON.parse(ran.out) as { readonly objects: readonly JsonObject[] };
    expect(plan.objects).toMatchObject([
      {
        action: 'change',
        name: 'one',
        fields: [{ field: 'data.key', before: 'a', after: 'b', where: 'all.yaml:6' }],
      },
      { action: 'change', name: 'token', fields: [{ field: 'data.password' }] },
      { action: 'unchanged', name: 'same' },
    ]);
    const text = await run(['plan', folder, '-n', namespace]);
    expect(text.out).toContain('data.key: a → b   all.yaml:6');
    for (const out of [ran.out, text.out]) {
      expect(out).not.toMatch(/hunter2|swordfish|aHVudGVyMg|c3dvcmRmaXNo/);
    }
  });

  it('is carried out exactly as it was reviewed, or not at all', async () => {
    await write({ 'one.yaml': config('one', 'a') });
    expect((await apply()).code).toBe(0);
    await write({ 'one.yaml': config('one', 'b') });
    const file = path.join(folder, 'plan.out');
    expect((await run(['plan', folder, '-n', namespace, '--out', file])).code).toBe(0);
    const edit = { metadata: { labels: { edited: 'yes' } } };
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'one' };
    await kube.patch(ref, 'merge', edit, { fieldManager: 'kubectl-label' });
    const moved = await run(['apply', '--plan', file]);
    expect(moved.code).toBe(1);
    expect(moved.err).toContain('The cluster moved since the plan was made: ConfigMap/');
    expect((await run(['plan', folder, '-n', namespace, '--out', file])).code).toBe(0);
    await write({ 'one.yaml': config('one', 'c') });
    expect((await run(['apply', '--plan', file])).err).toContain('The files say something else');
    await write({ 'one.yaml': config('one', 'b') });
    expect((await run(['apply', '--plan', file])).code).toBe(0);
    expect((await get('ConfigMap', 'one'))?.['data']).toEqual({ key: 'b' });
    await write({ 'one.yaml': `${config('one', 'c')}---\n${SECRET}` });
    const saved = await run(['plan', folder, '-n', namespace, '--save', '-o', 'json']);
    const { id } = JSON.parse(saved.out) as { readonly id: string };
    const carried = await run(['apply', '--plan', id]);
    expect(carried.code, carried.err).toBe(0);
    expect(await get('Secret', 'token')).toBeDefined();
  });

  it('is not carried out in another cluster than the one it was made for, though all of it is new there', async () => {
    await write({ 'one.yaml': config('one', 'a') });
    const file = path.join(folder, 'plan.out');
    expect((await run(['plan', folder, '-n', namespace, '--out', file])).code).toBe(0);
    const made = await readFile(file, 'utf8');
    await writeFile(file, made.replace(/"clusterUid": ".*"/, '"clusterUid": "another"'));
    const { code, err } = await run(['apply', '--plan', file]);
    expect([code, err]).toEqual([1, expect.stringContaining('and another one answers there now')]);
    expect(await get('ConfigMap', 'one')).toBeUndefined();
    // The address makes no other cluster of it.
    await writeFile(file, made);
    const other = path.join(person.home, 'other-kubeconfig');
    await writeFile(other, (await readFile(kubeconfig, 'utf8')).replace('127.0.0.1', 'localhost'));
    expect((await run(['apply', '--plan', file], { env: { KUBECONFIG: other } })).code).toBe(0);
  });

  it('does not take back the number of replicas that an autoscaler has chosen', async () => {
    const scaler = `apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 5
`;
    await write({ 'web.yaml': deployment('web', 'app:1') });
    expect((await apply()).code).toBe(0);
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: 'web' };
    await kube.patch(
      ref,
      'merge',
      { spec: { replicas: 3 } },
      { fieldManager: 'kube-controller-manager', subresource: 'scale' },
    );
    await write({
      'web.yaml': deployment('web', 'app:2').replace('replicas: 0', 'replicas: 1'),
      'hpa.yaml': scaler,
    });
    const { out } = await run(['plan', folder, '-n', namespace]);
    expect(out).toContain('spec.replicas stays 3: HorizontalPodAutoscaler/web decides it');
    expect(out).not.toContain('spec.replicas: 3 →');
  });

  it('asks before it makes anew what cannot be changed', async () => {
    const one = `${config('one', 'a')}immutable: true\n`;
    await write({ 'one.yaml': one });
    expect((await apply()).code).toBe(0);
    const { metadata } = (await get('ConfigMap', 'one')) as KubeObject;
    await write({ 'one.yaml': one.replace('key: a', 'key: b') });
    const refused = await apply();
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.out).toContain('--recreate');
    expect((await apply('--recreate')).code).toBe(0);
    const made = (await get('ConfigMap', 'one')) as KubeObject;
    expect(made['data']).toEqual({ key: 'b' });
    expect(made.metadata.uid).not.toBe(metadata.uid);
  });
});

describe('an Application', () => {
  it('is applied at the commit that it tracks, with its namespace, its marks and without its hooks', async () => {
    const repository = await createRepository(path.join(person.folder, `repo-${counter}`));
    const hook = config('hook', 'x').replace(
      'name: hook',
      'name: hook\n  annotations: { argocd.argoproj.io/hook: PreSync }',
    );
    const commit = await commitAll(repository, {
      'k8s/one.yaml': config('one', 'a'),
      'k8s/two.yaml': config('two', 'a'),
      'k8s/hook.yaml': hook,
    });
    const inner = `${namespace}-app`;
    await kube.create({
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Application',
      metadata: { name: inner, namespace },
      spec: {
        project: 'default',
        source: { repoURL: repository, path: 'k8s', targetRevision: 'main' },
        destination: { server: 'https://kubernetes.default.svc', namespace: inner },
        syncPolicy: { syncOptions: ['CreateNamespace=true'] },
      },
    });
    const { code, out } = await run(['apply', inner]);
    expect(code, out).toBe(0);
    expect(out).toContain(commit.slice(0, 8));
    expect(out).toContain('ConfigMap/hook is a hook; landfall sync runs it');
    const at = (name: string) => kube.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace: inner, name });
    expect((await at('one'))?.metadata.annotations?.['argocd.argoproj.io/tracking-id']).toContain(
      `${inner}:`,
    );
    expect(await at('hook')).toBeUndefined();
    await commitAll(repository, { 'k8s/two.yaml': '# gone\n' });
    expect((await run(['apply', inner, '--prune'])).code).toBe(0);
    expect(await at('two')).toBeUndefined();
    expect(await run(['apply', `${inner}x`])).toMatchObject({
      code: 3,
      err: expect.stringContaining(inner) as string,
    });
  });
});

describe('a diff', () => {
  it('answers as kubectl diff: 0 the same, 1 it differs, more than 1 it could not be found out', async () => {
    await write({ 'one.yaml': config('one', 'a') });
    expect(await run(['diff', folder, '-n', namespace])).toMatchObject({ code: 1 });
    expect((await apply()).code).toBe(0);
    expect(await run(['diff', folder, '-n', namespace])).toEqual({ code: 0, out: '', err: '' });
    await write({ 'one.yaml': config('one', 'b') });
    const differs = await run(['diff', folder, '-n', namespace]);
    expect(differs.code).toBe(1);
    expect(differs.out).toContain('@@ data.key @@  one.yaml:6\n-  a\n+  b');
    expect((await run(['diff', path.join(folder, 'nowhere/')])).code).toBeGreaterThan(1);
    expect(
      (await run(['diff', folder], { env: { KUBECONFIG: path.join(folder, 'none') } })).code,
    ).toBeGreaterThan(1);
  });
});

describe('a prune', () => {
  it('takes what the last delivery applied and the set no longer has, and nothing else', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'two.yaml': config('two', 'a') });
    expect((await apply()).code).toBe(0);
    await kube.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace } });
    await write({ 'two.yaml': '' });
    const shown = await apply();
    expect(shown.code).toBe(0);
    expect(await get('ConfigMap', 'two')).toBeDefined();
    const { code, out } = await apply('--prune');
    expect(code).toBe(0);
    expect(out).toContain('1 pruned');
    expect(await get('ConfigMap', 'two')).toBeUndefined();
    expect(await get('ConfigMap', 'foreign')).toBeDefined();
  });

  it('leaves a volume claim without consent, and never prunes on an empty render', async () => {
    const claim = `apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: { requests: { storage: 1Gi } }\n`;
    await write({ 'one.yaml': config('one', 'a'), 'claim.yaml': claim });
    await apply('--timeout', '1s', '--on-failure', 'keep');
    await write({ 'claim.yaml': '' });
    const { out } = await apply('--prune');
    expect(out).toContain('1 skipped');
    expect(await get('PersistentVolumeClaim', 'data')).toBeDefined();
    await write({ 'one.yaml': '' });
    const empty = await apply('--prune');
    expect(empty.code).toBe(3);
    expect(empty.err).toContain('renders to no object; nothing is applied and nothing is pruned');
    expect(await get('ConfigMap', 'one')).toBeDefined();
  });

  it('names the finalizer that holds an object', async () => {
    await write({ 'one.yaml': config('one', 'a'), 'two.yaml': config('two', 'a') });
    expect((await apply()).code).toBe(0);
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'two' };
    await kube.patch(ref, 'merge', { metadata: { finalizers: ['corp.io/held'] } }, {});
    await write({ 'two.yaml': '' });
    const { code, out } = await run(['apply', folder, '-n', namespace, '--prune'], {
      clock: hurriedClock(20),
    });
    expect(code).toBe(2);
    expect(out).toContain('held by the finalizer corp.io/held');
    await kube.patch(ref, 'merge', { metadata: { finalizers: null } }, {});
  });
});
