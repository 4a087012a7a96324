import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from './served.fixture.ts';

const present = spawnSync('kubectl', ['version', '--client']).status === 0;
// Where tests decide over a release, a missing kubectl is a failure and no reason to look away.
const run = present || process.env.CI !== undefined;

const pod = (label: string) => `apiVersion: v1
kind: Pod
metadata: {name: test-pod, labels: {name: ${label}}}
spec: {containers: [{name: c, image: "registry.k8s.io/pause:3.10"}]}
`;
const DEFINITION = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: foos.company.com}
spec:
  group: company.com
  scope: Namespaced
  names: {plural: foos, kind: Foo}
  versions:
  - name: v1
    served: true
    storage: true
    selectableFields: [{jsonPath: .spec.mode}]
    schema:
      openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {mode: {type: string}}}}}
`;
const foo = (name: string, mode: string) => `apiVersion: company.com/v1
kind: Foo
metadata: {name: ${name}}
spec: {mode: ${mode}}
`;

/** What Kubernetes' own scripts (test/cmd) ask of a server, where it was once answered otherwise. */
describe.skipIf(!run)('scripts with kubectl (skipped where it is not installed)', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer({ tls: true });
  });
  afterAll(() => server.close());

  const kubectl = async (command: string, input?: string) =>
    (await server.kubectl(command.split(' '), input)).output;

  it('go from client-side to server-side apply and back', async () => {
    expect(await kubectl('apply -f -', pod('one'))).toBe('pod/test-pod created\n');
    expect(await kubectl('apply --server-side -f -', pod('two'))).toBe('pod/test-pod serverside-applied\n');
    expect(await kubectl('apply --server-side -f -', pod('one'))).toBe('pod/test-pod serverside-applied\n');
    expect(await kubectl('apply -f -', pod('three'))).toBe('pod/test-pod configured\n');
    expect(await kubectl('get pod test-pod -o jsonpath={.metadata.labels.name}')).toBe('three');
  });

  it('apply a definition on the server after it was established', async () => {
    expect(await kubectl('apply -f -', DEFINITION)).toContain('created');
    await kubectl('wait --for=condition=Established crd/foos.company.com --timeout=10s');
    expect(await kubectl('apply --server-side -f -', DEFINITION)).toBe(
      'customresourcedefinition.apiextensions.k8s.io/foos.company.com serverside-applied\n',
    );
  });

  it('select custom resources by fields that their definition names', async () => {
    const created = await kubectl('create -f -', `${foo('a', 'fast')}---\n${foo('b', 'slow')}`);
    expect(created).toBe('foo.company.com/a created\nfoo.company.com/b created\n');
    expect(await kubectl('get foos -o name --field-selector spec.mode=slow')).toBe('foo.company.com/b\n');
    expect(await kubectl('get foos --field-selector spec.other=slow')).toContain('field label not supported');
  });

  it('are told in its own words what a patch cannot do', async () => {
    const patch = async (...args: readonly string[]) =>
      (await server.kubectl(['patch', 'pod', 'test-pod', ...args])).output;
    expect(await patch('-p', '{"metadata":{"labels":"invalid"}}')).toBe(
      'The request is invalid: patch: Invalid value: "map[metadata:map[labels:invalid]]": cannot restore map from string\n',
    );
    expect(await patch('--type=json', '-p', '[{"op":"remove","path":"/spec/nope/0"}]')).toBe(
      'The request is invalid: the server rejected our request due to an error in our request\n',
    );
    expect(await patch('-p', '{"spec":{"activeDeadlineSeconds":-1}}')).toContain(
      'spec.activeDeadlineSeconds: Invalid value: -1: must be between 1 and 2147483647, inclusive',
    );
  });

  it('replace whatever version there is with resourceVersion 0', async () => {
    const node = (more: string) =>
      `{"kind":"Node","apiVersion":"v1","metadata":{"name":"node-v1-test"${more}}}`;
    await kubectl('create -f -', node(''));
    expect(await kubectl('replace -f -', node(',"annotations":{"a":"b"},"resourceVersion":"0"'))).toBe(
      'node/node-v1-test replaced\n',
    );
    await kubectl('delete node node-v1-test');
  });

  it('get a node port that nobody has, or are told why not', async () => {
    await kubectl('create service nodeport one --tcp=80 --node-port=31234');
    expect(await kubectl('create service nodeport two --tcp=80 --node-port=31234')).toContain(
      'spec.ports[0].nodePort: Invalid value: 31234: provided port is already allocated',
    );
    expect(await kubectl('create service nodeport two --tcp=80 --node-port=99')).toContain(
      'provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
  });

  it('ask for a certificate as somebody else, whose groups may have commas', async () => {
    const request = `apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {name: foo}
spec: {request: Zm9v, signerName: kubernetes.io/kube-apiserver-client, usages: [client auth]}
`;
    await kubectl('create -f - --as=user1 --as-group=group2 --as-group=,,,chameleon', request);
    expect(await kubectl('get csr foo -o jsonpath={.spec.username}{.spec.groups}')).toBe(
      'user1["group2",",,,chameleon","system:authenticated"]',
    );
    await kubectl('certificate approve foo');
    expect((await kubectl('get csr --no-headers')).replaceAll(/ +/g, ' ')).toMatch(
      /^foo \S+ kubernetes.io\/kube-apiserver-client user1 <none> Approved\n$/,
    );
  });

  it('delete a namespace and, by name, what is in it', async () => {
    const both = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: gone}\n---\n';
    const inside = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: inside, namespace: gone}\n';
    await kubectl('apply -f -', both + inside);
    const deleted = await server.kubectl(['delete', '-f', '-'], both + inside);
    expect([deleted.code, deleted.output]).toEqual([
      0,
      'namespace "gone" deleted\nconfigmap "inside" deleted\n',
    ]);
  });

  it('page through roles, post raw bodies, and read indented answers', async () => {
    expect(await kubectl('get clusterroles --chunk-size=10 --no-headers -v=6')).toContain('continue=');
    const plain = await startTestServer();
    const posted = await plain.call('POST', '/api/v1/namespaces', 'apiVersion: v1\nkind: Pod\n');
    const shown = await plain.call('GET', '/api/v1/namespaces/default', undefined, {
      'user-agent': 'curl/8.0',
    });
    await plain.close();
    expect(posted.text).toContain('the object provided is unrecognized (must be of type Namespace)');
    expect(shown.text).toContain('{\n  "kind": "Namespace",\n');
  });

  it('see what the control plane is made of, and change nothing of it', async () => {
    const parts = await kubectl('get componentstatuses');
    expect(parts).toContain('Warning: v1 ComponentStatus is deprecated in v1.19+\n');
    expect(parts).toMatch(/^etcd-0 +Healthy +ok *$/m);
    expect(await kubectl('delete cs etcd-0')).toContain('the server does not allow this method');
    expect(await kubectl('get apiservices')).toMatch(/^v1\.apps +Local +True/m);
    const resources = await kubectl('api-resources --no-headers');
    for (const line of ['bindings', 'apiservices', 'flowschemas', 'prioritylevelconfigurations']) {
      expect(resources).toMatch(new RegExp(`^${line} `, 'm'));
    }
  });

  it('find the APIService of a definition while there is one', async () => {
    const definition = DEFINITION.replaceAll('company.com', 'brief.io');
    await kubectl('apply -f -', definition);
    await kubectl('wait --for=create apiservice/v1.brief.io --timeout=20s');
    expect(await kubectl('get apiservice v1.brief.io -o jsonpath={.status.conditions[0].reason}')).toBe(
      'Local',
    );
    await kubectl('delete crd foos.brief.io');
    await kubectl('wait --for=delete apiservice/v1.brief.io --timeout=20s');
    expect(await kubectl('get apiservice v1.brief.io')).toContain('not found');
  });

  it('bind a pod by its old address', async () => {
    await kubectl('run bound --image=nginx --overrides={"spec":{"schedulerName":"none"}}');
    const binding =
      '{"kind":"Binding","apiVersion":"v1","metadata":{"name":"bound"},"target":{"kind":"Node","name":"n1"}}';
    await kubectl('create --raw /api/v1/namespaces/default/bindings -f -', binding);
    expect(await kubectl('get pod bound -o jsonpath={.spec.nodeName}')).toBe('n1');
  });

  it('make classes of priority, one default at most, none of the system', async () => {
    expect(await kubectl('get priorityclasses -o name')).toBe(
      'priorityclass.scheduling.k8s.io/system-cluster-critical\npriorityclass.scheduling.k8s.io/system-node-critical\n',
    );
    expect(await kubectl('create priorityclass system-own --value=1')).toContain(
      'is not a known system priority class',
    );
    await kubectl('create priorityclass first --value=1 --global-default');
    expect(await kubectl('create priorityclass second --value=1 --global-default')).toContain(
      'PriorityClass first is already marked as default. Only one default can exist',
    );
  });

  it('bind tokens to Secrets, and to nothing that is not there', async () => {
    await kubectl('create secret generic anchor');
    await kubectl('create serviceaccount robot');
    const token = (
      await kubectl('create token robot --bound-object-kind=Secret --bound-object-name=anchor')
    ).trim();
    expect(await kubectl(`--token=${token} auth whoami -o jsonpath={.status.userInfo.username}`)).toBe(
      'system:serviceaccount:default:robot',
    );
    await kubectl('delete secret anchor');
    expect(await kubectl(`--token=${token} auth whoami`)).toContain('Unauthorized');
    expect(await kubectl('create token robot --bound-object-kind=Secret --bound-object-name=none')).toContain(
      'secrets "none" not found',
    );
  });
});
