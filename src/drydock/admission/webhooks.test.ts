import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import { startTestServer, type TestServer } from '../http/served.fixture.ts';

const servers: Server[] = [];
const open: TestServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
const MAPS = '/api/v1/namespaces/default/configmaps';

/** A webhook that answers each review with what `answer` makes of it. */
async function webhook(answer: (request: JsonObject) => JsonObject): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { request: JsonObject };
      const body = { ...review, response: { uid: review.request.uid, ...answer(review.request) } };
      response.setHeader('connection', 'close');
      response.end(JSON.stringify(body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`;
}

async function start(): Promise<TestServer> {
  const server = await startTestServer();
  open.push(server);
  return server;
}

function configuration(kind: string, url: string, extra: JsonObject = {}): JsonObject {
  return {
    kind,
    apiVersion: 'admissionregistration.k8s.io/v1',
    metadata: { name: 'test' },
    webhooks: [
      {
        name: 'check.example.com',
        clientConfig: { url },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        timeoutSeconds: 2,
        rules: [
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['configmaps'],
          },
        ],
        ...extra,
      },
    ],
  };
}

describe('webhooks', () => {
  it('change what they are asked about, and only that', async () => {
    const server = await start();
    const patch = Buffer.from(
      JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { seen: 'yes' } }]),
    ).toString('base64');
    const url = await webhook(() => ({
      allowed: true,
      patchType: 'JSONPatch',
      patch,
      warnings: ['look out'],
    }));
    await server.call(
      'POST',
      `${CONFIGURATIONS}/mutatingwebhookconfigurations`,
      configuration('MutatingWebhookConfiguration', url),
    );
    const made = await server.call('POST', MAPS, { metadata: { name: 'a' } });
    expect(made.body).toMatchObject({ metadata: { labels: { seen: 'yes' } } });
    expect(made.headers.get('warning')).toBe('299 - "look out"');
    const secret = await server.call('POST', '/api/v1/namespaces/default/secrets', {
      metadata: { name: 'a' },
    });
    expect(secret.body).not.toMatchObject({ metadata: { labels: {} } });
  });

  it('refuse with their own reason', async () => {
    const server = await start();
    const url = await webhook((request) => ({
      allowed: request.operation !== 'CREATE',
      status: { message: 'not today' },
    }));
    await server.call(
      'POST',
      `${CONFIGURATIONS}/validatingwebhookconfigurations`,
      configuration('ValidatingWebhookConfiguration', url),
    );
    const refused = await server.call('POST', MAPS, { metadata: { name: 'a' } });
    expect(refused.body).toMatchObject({
      code: 403,
      message: 'admission webhook "check.example.com" denied the request: not today',
    });
  });

  it('that cannot be reached stop the write, unless they may fail', async () => {
    const server = await start();
    const dead = 'http://127.0.0.1:1/';
    const path = `${CONFIGURATIONS}/validatingwebhookconfigurations`;
    await server.call('POST', path, configuration('ValidatingWebhookConfiguration', dead));
    const stopped = await server.call('POST', MAPS, { metadata: { name: 'a' } });
    expect(stopped.body).toMatchObject({
      code: 500,
      message: expect.stringContaining('failed calling webhook "check.example.com"') as string,
    });
    await server.call('DELETE', `${path}/test`);
    await server.call(
      'POST',
      path,
      configuration('ValidatingWebhookConfiguration', dead, { failurePolicy: 'Ignore' }),
    );
    expect((await server.call('POST', MAPS, { metadata: { name: 'a' } })).status).toBe(201);
  });
});
