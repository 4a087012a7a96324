import { generateKeyPairSync } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { makeServerCertificate } from '../http/certificate.ts';
import { certificateRequest } from '../http/certificate-request.fixture.ts';
import { startCluster, type Cluster } from './index.ts';

const REQUESTS = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' };
const TESTER = { fieldManager: 'test' };
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ nodes: 1, definitions: [] });
});
afterAll(() => cluster.close());

type Status = { certificate?: string; conditions: { type: string; message: string }[] };

/** Asks for a certificate, approves it, and waits until something came of it. */
async function ask(name: string, usages: string[]): Promise<Status> {
  const request = Buffer.from(certificateRequest('jane', 'devs', publicKey, privateKey)).toString('base64');
  const made = await cluster.api.create(
    REQUESTS,
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: { request, signerName: 'kubernetes.io/kube-apiserver-client', usages },
    },
    TESTER,
  );
  const approved = { type: 'Approved', status: 'True', reason: 'Test', message: 'yes' };
  const answered = new Promise<Status>((resolve) => {
    const stop = cluster.api.watch(REQUESTS, { fieldSelector: `metadata.name=${name}` }, ({ object }) => {
      const status = (object as KubeObject & { status?: Status }).status;
      if (status?.certificate === undefined && (status?.conditions.length ?? 0) < 2) return;
      if (status !== undefined) resolve(status);
      queueMicrotask(() => stop());
    });
  });
  await cluster.api.update(
    REQUESTS,
    { ...structuredClone(made), status: { conditions: [approved] } },
    { ...TESTER, subresource: 'status' },
  );
  return answered;
}

function whoAmI(options: JsonObject): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const url = `${cluster.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
    const headers = { 'content-type': 'application/json' };
    const sent = httpsRequest(
      url,
      { method: 'POST', ca: cluster.caCertificate, headers, ...options },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => (body += text));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      },
    );
    sent.on('error', reject);
    sent.end('{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}');
  });
}

describe('an approved certificate request', () => {
  it('gets a certificate by which its maker is known to the API server', async () => {
    const status = await ask('jane', ['client auth']);
    expect(status.conditions).toMatchObject([{ type: 'Approved', lastTransitionTime: expect.any(String) }]);
    const cert = Buffer.from(status.certificate ?? '', 'base64').toString('utf8');
    const answer = await whoAmI({ key, cert });
    expect(answer.status).toBe(201);
    expect(JSON.parse(answer.body)).toMatchObject({
      status: { userInfo: { username: 'jane', groups: ['devs', 'system:authenticated'] } },
    });
  });

  it('for more than a client needs fails, and says so', async () => {
    const status = await ask('server', ['client auth', 'server auth']);
    expect(status.certificate).toBeUndefined();
    expect(status.conditions[1]).toMatchObject({ type: 'Failed', reason: 'SignerValidationFailure' });
  });

  it('is nothing to whoever shows a certificate of another authority', async () => {
    const other = makeServerCertificate(['jane'], Date.now());
    const answer = await whoAmI({ key: other.privateKey, cert: other.certificate });
    expect(answer.status).toBe(401);
  });
});
