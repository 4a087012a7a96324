import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { getString } from '../../kernel/index.ts';
import { asKube } from '../kinds/json-access.ts';
import { startTestServer, type TestServer } from '../http/served.fixture.ts';

const GROUP = '/apis/admissionregistration.k8s.io/v1';
const POLICIES = `${GROUP}/validatingadmissionpolicies`;
const BINDINGS = `${GROUP}/validatingadmissionpolicybindings`;
const MAPS = '/api/v1/namespaces/default/configmaps';

let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close());

const RULES = [
  {
    apiGroups: [''],
    apiVersions: ['v1'],
    operations: ['CREATE', 'UPDATE', 'DELETE'],
    resources: ['configmaps'],
  },
];

function policy(spec: JsonObject): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'sizes' },
    spec: { matchConstraints: { resourceRules: RULES }, ...spec },
  };
}

function binding(spec: JsonObject = {}): JsonObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicyBinding',
    metadata: { name: 'everywhere' },
    spec: { policyName: 'sizes', validationActions: ['Deny'], ...spec },
  };
}

async function install(policySpec: JsonObject, bindingSpec: JsonObject = {}): Promise<void> {
  expect((await server.call('POST', POLICIES, policy(policySpec))).body).toMatchObject({
    kind: 'ValidatingAdmissionPolicy',
  });
  expect((await server.call('POST', BINDINGS, binding(bindingSpec))).status).toBe(201);
}

async function write(name: string, data: JsonObject, labels: JsonObject = {}) {
  const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data };
  const { status, body: answer, headers } = await server.call('POST', MAPS, body);
  return { status, message: getString(answer, 'message') ?? '', warning: headers.get('warning') };
}

describe('a ValidatingAdmissionPolicy', () => {
  it('denies what its expressions find false, as kubectl shows it', async () => {
    await install({ validations: [{ expression: 'size(object.data) <= 1' }] });
    expect((await write('small', { a: '1' })).status).toBe(201);
    expect(await write('large', { a: '1', b: '2' })).toEqual({
      status: 422,
      warning: null,
      message: `configmaps "large" is forbidden: ValidatingAdmissionPolicy 'sizes' with binding 'everywhere' denied request: failed expression: size(object.data) <= 1`,
    });
  });

  it('is told of by kubectl in the words of a cluster', async () => {
    const secure = await startTestServer({ tls: true });
    const name = { group: 'admissionregistration.k8s.io', version: 'v1' };
    const of = { fieldManager: 'test' };
    const written = policy({ validations: [{ expression: 'size(object.data) <= 1' }] });
    await secure.api.create({ ...name, resource: 'validatingadmissionpolicies' }, asKube(written), of);
    await secure.api.create(
      { ...name, resource: 'validatingadmissionpolicybindings' },
      asKube(binding()),
      of,
    );
    const refused = await secure.kubectl([
      'create',
      'configmap',
      'large',
      '--from-literal=a=1',
      '--from-literal=b=2',
    ]);
    const listed = await secure.kubectl([
      'get',
      'validatingadmissionpolicies,validatingadmissionpolicybindings',
      '--no-headers',
    ]);
    await secure.close();
    expect(refused.output).toBe(
      `error: failed to create configmap: configmaps "large" is forbidden: ValidatingAdmissionPolicy 'sizes' with binding 'everywhere' denied request: failed expression: size(object.data) <= 1\n`,
    );
    expect(listed.output.replaceAll(/ +/g, ' ')).toMatch(
      /policy.*\/sizes 1 <unset> \d+s\n\n?.*\/everywhere sizes <unset> \d+s\n/,
    );
  });

  it('has variables, messages of its own, reasons, conditions and what was before', async () => {
    await install({
      matchConditions: [
        { name: 'checked', expression: 'object == null || !("skip" in object.metadata.?labels.orValue({}))' },
      ],
      variables: [
        { name: 'keys', expression: 'object == null ? [] : object.data.map(k, k)' },
        { name: 'count', expression: 'size(variables.keys)' },
      ],
      validations: [
        {
          expression: 'request.operation != "CREATE" || variables.count < 3',
          messageExpression:
            '"%d keys are too many in %s".format([variables.count, namespaceObject.metadata.name])',
          reason: 'Forbidden',
        },
        {
          expression: 'request.operation != "UPDATE" || object.data == oldObject.data',
          message: 'data is final',
        },
        {
          expression: 'request.operation != "DELETE" || request.userInfo.username == "nobody"',
          message: 'kept',
        },
      ],
    });
    const three = { a: '1', b: '2', c: '3' };
    const denied = await write('three', three);
    expect([denied.status, denied.message]).toEqual([
      403,
      expect.stringContaining('3 keys are too many in default'),
    ]);
    expect((await write('three', three, { skip: 'yes' })).status).toBe(201);
    expect((await write('one', { a: '1' })).status).toBe(201);
    const patch = { 'content-type': 'application/merge-patch+json' };
    const labelled = await server.call('PATCH', `${MAPS}/one`, { metadata: { labels: { x: 'y' } } }, patch);
    expect(labelled.status).toBe(200);
    const changed = await server.call('PATCH', `${MAPS}/one`, { data: { a: '2' } }, patch);
    expect(getString(changed.body, 'message')).toContain('denied request: data is final');
    const deleted = await server.call('DELETE', `${MAPS}/one`);
    expect(getString(deleted.body, 'message')).toContain('denied request: kept');
  });

  it('warns instead, where its binding says so', async () => {
    await install(
      { validations: [{ expression: 'false', message: 'not liked' }] },
      { validationActions: ['Warn', 'Audit'] },
    );
    const { status, warning } = await write('any', {});
    expect(status).toBe(201);
    expect(warning).toContain(
      `Validation failed for ValidatingAdmissionPolicy 'sizes' with binding 'everywhere': not liked`,
    );
  });

  it('takes its parameters from another object, and denies when there is none', async () => {
    await install(
      {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [{ ...RULES[0], resourceNames: ['judged'] }] },
        validations: [{ expression: 'size(object.data) <= int(params.data.max)' }],
      },
      { paramRef: { name: 'limits', namespace: 'default', parameterNotFoundAction: 'Deny' } },
    );
    expect((await write('judged', { a: '1' })).message).toContain('no params found for policy binding');
    expect((await write('limits', { max: '1' })).status).toBe(201);
    expect((await write('judged', { a: '1', b: '2' })).status).toBe(422);
    expect((await write('judged', { a: '1' })).status).toBe(201);
  });

  it('fails closed when an expression cannot be worked out, and open where it may', async () => {
    await install({ validations: [{ expression: 'object.data.missing == "1"' }] });
    expect((await write('a', { x: '1' })).message).toContain(
      `expression 'object.data.missing == "1"' resulted in error: no such key: missing`,
    );
    const open = { spec: { failurePolicy: 'Ignore' } };
    await server.call('PATCH', `${POLICIES}/sizes`, open, { 'content-type': 'application/merge-patch+json' });
    expect((await write('a', { x: '1' })).status).toBe(201);
  });

  it('is refused when it does not compile, is bound to nothing, or both denies and warns', async () => {
    const broken = policy({
      variables: [{ name: 'x', expression: 'object.spec +' }],
      validations: [
        { expression: 'nothing == 1' },
        { expression: 'object.kind', messageExpression: '1 + 1' },
      ],
    });
    const { status, body } = await server.call('POST', POLICIES, broken);
    const message = getString(body, 'message') ?? '';
    expect(status).toBe(422);
    expect(message).toContain(
      'spec.variables[0].expression: Invalid value: "object.spec +": compilation failed',
    );
    expect(message).toContain(
      `spec.validations[0].expression: Invalid value: "nothing == 1": compilation failed: ERROR: <input>:1:1: undeclared reference to 'nothing'`,
    );
    expect(message).toContain('spec.validations[1].messageExpression');
    const both = binding({ validationActions: ['Deny', 'Warn'] });
    expect((await server.call('POST', BINDINGS, both)).status).toBe(422);
  });
});
