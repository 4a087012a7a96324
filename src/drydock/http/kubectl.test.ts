import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './served.fixture.ts';

const present = spawnSync('kubectl', ['version', '--client']).status === 0;
// Where tests decide over a release, a missing kubectl is a failure and no reason to look away.
const run = present || process.env.CI !== undefined;

const MANIFEST = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1", ports: [{containerPort: 80}], env: [{name: A, value: "1"}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}]}
`;
const CHANGED = MANIFEST.replace('nginx:1', 'nginx:2');

describe.skipIf(!run)('stock kubectl (skipped where it is not installed)', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ tls: true });
    await server.kubectl(['create', 'namespace', 'shop']);
  });
  afterAll(() => server.close());

  const kubectl = (command: string, input?: string) => server.kubectl(command.split(' '), input);

  it('trusts the certificate and knows the version', async () => {
    expect((await kubectl('version')).output).toContain('Server Version: v1.32.');
  });

  it('applies on the client, again without a change, and again with one', async () => {
    expect((await kubectl('apply -f -', MANIFEST)).output).toBe(
      'deployment.apps/web created\nservice/web created\n',
    );
    expect((await kubectl('apply -f -', MANIFEST)).output).toBe(
      'deployment.apps/web unchanged\nservice/web unchanged\n',
    );
    expect((await kubectl('apply -f -', CHANGED)).output).toBe(
      'deployment.apps/web configured\nservice/web unchanged\n',
    );
  });

  it('is told who owns the field when it applies on the server', async () => {
    const refused = await kubectl('apply --server-side --field-manager=other -f -', MANIFEST);
    expect(refused.output).toContain(
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.template.spec.containers[name="web"].image',
    );
    const forced = await kubectl(
      'apply --server-side --force-conflicts --field-manager=other -f -',
      MANIFEST,
    );
    expect(forced.output).toBe('deployment.apps/web serverside-applied\nservice/web serverside-applied\n');
  });

  it('sees a difference without making one', async () => {
    const before = (await kubectl('get deploy web -n shop -o jsonpath={.metadata.resourceVersion}')).output;
    const diff = await kubectl('diff --server-side --force-conflicts -f -', CHANGED);
    expect(diff.code).toBe(1);
    expect(diff.output).toMatch(/-\s+image: nginx:1\n\+\s+image: nginx:2/);
    expect((await kubectl('get deploy web -n shop -o jsonpath={.metadata.resourceVersion}')).output).toBe(
      before,
    );
  });

  it('prints tables with the columns of the original', async () => {
    expect((await kubectl('get deploy -n shop -o wide')).output).toMatch(
      /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+CONTAINERS\s+IMAGES\s+SELECTOR\nweb\s+0\/3\s+0\s+0\s+\d+s\s+web\s+nginx:1\s+app=web\n$/,
    );
    expect((await kubectl('get svc -n shop')).output).toMatch(
      /^NAME\s+TYPE\s+CLUSTER-IP\s+EXTERNAL-IP\s+PORT\(S\)\s+AGE\nweb\s+ClusterIP\s+10\.96\.\d+\.\d+\s+<none>\s+80\/TCP/,
    );
  });

  it('reads in pages, sorts, selects, and follows paths', async () => {
    expect((await kubectl('get sa -A --chunk-size=1 -o name')).output.trim().split('\n')).toHaveLength(5);
    expect((await kubectl('get ns --sort-by=.metadata.name')).output).toMatch(
      /default[\s\S]*kube-system[\s\S]*shop/,
    );
    expect((await kubectl('get ns -l kubernetes.io/metadata.name=shop -o name')).output).toBe(
      'namespace/shop\n',
    );
    expect((await kubectl('get deploy web -n shop -o jsonpath={.spec.replicas}')).output).toBe('3');
    expect((await kubectl('get pods --field-selector foo=bar')).output).toContain(
      'field label not supported: foo',
    );
  });

  it('patches in every way', async () => {
    expect((await kubectl('scale deploy/web --replicas=4 -n shop')).output).toBe(
      'deployment.apps/web scaled\n',
    );
    expect((await kubectl('set image deploy/web web=nginx:3 -n shop')).output).toBe(
      'deployment.apps/web image updated\n',
    );
    expect((await kubectl('label deploy web -n shop a=b')).output).toBe('deployment.apps/web labeled\n');
    expect((await kubectl('annotate deploy web -n shop a=b')).output).toBe('deployment.apps/web annotated\n');
    const json = await server.kubectl([
      'patch',
      'deploy',
      'web',
      '-n',
      'shop',
      '--type=json',
      '-p',
      '[{"op":"add","path":"/metadata/labels/z","value":"1"}]',
    ]);
    expect(json.output).toBe('deployment.apps/web patched\n');
    const scale = await server.kubectl([
      'patch',
      'deploy',
      'web',
      '-n',
      'shop',
      '--subresource=scale',
      '--type=merge',
      '-p',
      '{"spec":{"replicas":2}}',
    ]);
    expect(scale.output).toBe('scale.autoscaling/web patched\n');
    expect((await kubectl('rollout restart deploy/web -n shop')).output).toBe(
      'deployment.apps/web restarted\n',
    );
    expect(
      (await kubectl('get deploy web -n shop -o jsonpath={.spec.replicas}/{.metadata.labels.z}')).output,
    ).toBe('2/1');
  });

  it('sends its generators as protobuf', async () => {
    for (const command of [
      'create configmap c --from-literal=a=b',
      'create secret generic s --from-literal=a=b',
      'create serviceaccount bob',
      'create role r --verb=get --resource=pods',
      'create rolebinding rb --role=r --serviceaccount=shop:bob',
      'create quota q --hard=pods=10',
      'create poddisruptionbudget p --selector=app=web --min-available=1',
      'create job j --image=busybox -- true',
      'create service clusterip other --tcp=80:8080',
      'create deployment second --image=nginx --replicas=2',
      'run one --image=nginx --port=80',
    ]) {
      const made = await kubectl(`${command} -n shop`.replace(' -- true -n shop', ' -n shop -- true'));
      expect(made.output).toMatch(/ created\n$/);
    }
    expect(
      (
        await kubectl(
          'get deploy second -n shop -o jsonpath={.spec.template.spec.containers[0].imagePullPolicy}',
        )
      ).output,
    ).toBe('Always');
    expect(
      (await kubectl('autoscale deploy second -n shop --min=1 --max=3 --cpu-percent=50')).output,
    ).toContain('autoscaled');
    expect((await kubectl('auth can-i create deployments -n shop')).output).toBe('yes\n');
    expect((await kubectl('auth whoami')).output).toContain('kubernetes-admin');
  });

  it('explains fields, describes objects and lists resources', async () => {
    expect((await kubectl('explain deployment.spec.strategy')).output).toContain(
      'rollingUpdate\t<RollingUpdateDeployment>',
    );
    expect((await kubectl('describe deploy second -n shop')).output).toContain(
      'RollingUpdateStrategy:  25% max unavailable, 25% max surge',
    );
    expect((await kubectl('api-resources --namespaced=false')).output).toMatch(
      /namespaces\s+ns\s+v1\s+false\s+Namespace/,
    );
  });

  it('serves a new kind as soon as it is defined, with its columns and its schema', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.ex.io' },
      spec: {
        group: 'ex.io',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1, default: 7 } } },
                },
              },
            },
          },
        ],
      },
    };
    expect((await kubectl('apply -f -', JSON.stringify(definition))).output).toContain('created');
    expect(
      (await kubectl('wait --for=condition=Established crd/widgets.ex.io --timeout=10s')).output,
    ).toContain('condition met');
    const widget = {
      apiVersion: 'ex.io/v1',
      kind: 'Widget',
      metadata: { name: 'w', namespace: 'shop' },
      spec: {},
    };
    expect((await kubectl('apply -f -', JSON.stringify(widget))).output).toBe('widget.ex.io/w created\n');
    expect((await kubectl('get widgets -n shop')).output).toMatch(/^NAME\s+SIZE\nw\s+7\n$/);
    const wrong = await server.kubectl([
      'patch',
      'widget',
      'w',
      '-n',
      'shop',
      '--type=merge',
      '-p',
      '{"spec":{"size":0}}',
    ]);
    expect(wrong.output).toBe(
      'The Widget "w" is invalid: spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1\n',
    );
  });

  it('is told which kinds are not there', async () => {
    const unknown = { apiVersion: 'ex.io/v9', kind: 'Gadget', metadata: { name: 'g' } };
    expect((await kubectl('apply -f -', JSON.stringify(unknown))).output).toContain(
      'no matches for kind "Gadget" in version "ex.io/v9"',
    );
  });

  it('deletes, and waits until it is so', async () => {
    expect((await kubectl('delete pod one -n shop')).output).toBe('pod "one" deleted\n');
    expect((await kubectl('delete namespace shop')).output).toBe('namespace "shop" deleted\n');
    expect((await kubectl('get deploy -n shop')).output).toContain('No resources found');
  });
});
