import { afterEach, describe, expect, it } from 'vitest';
import { manualClock } from '../../kernel/index.ts';
import { PODS } from '../controllers/index.ts';
import { clusterFixture, program } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';

let fixture: ClusterFixture;
afterEach(() => fixture.close());

const IMAGE = { image: 'registry.corp.io/app:v1' };
const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** A program that asks the API who it is, as any client in a cluster does. */
const ASKS = program(`
  const fs = require('node:fs');
  const read = (name) => fs.readFileSync('${FOLDER}/' + name, 'utf8');
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  const path = '/api/v1/namespaces/' + read('namespace') + '/secrets';
  const headers = { authorization: 'Bearer ' + read('token') };
  require('node:https').get({ host, port, path, headers, ca: read('ca.crt') }, (answer) => {
    let text = '';
    answer.on('data', (d) => (text += d)).on('end', () => console.log(JSON.parse(text).message ?? 'allowed'));
  }).on('error', (error) => console.log(error.message));
  setInterval(() => {}, 1000);
`);

function projected(name: string): unknown[] {
  const volume = fixture.pod(name)?.spec.volumes?.find((one) => one.name.startsWith('kube-api-access-'));
  return (volume?.['projected'] as { sources?: unknown[] } | undefined)?.sources ?? [];
}

describe('the token of a pod', () => {
  it('lets its program reach the API as its account, and no further', async () => {
    fixture = await clusterFixture({ rbac: true });
    await fixture.push('app', 'v1', ASKS);
    await fixture.run('asks', IMAGE);
    await fixture.until('it to run', () => fixture.pod('asks')?.status?.phase === 'Running');
    const log = fixture.follow('asks');
    await fixture.until('its answer', () => log().includes('\n'));
    expect(log()).toContain(
      'secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
    expect(projected('asks')).toEqual([
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      {
        downwardAPI: {
          items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
        },
      },
    ]);
  });

  it('is not there where the pod or its account does not want it', async () => {
    fixture = await clusterFixture();
    await fixture.create(
      {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'bare', namespace: 'default' },
        automountServiceAccountToken: false,
      },
      'serviceaccounts',
    );
    await fixture.run('by-account', IMAGE, { serviceAccountName: 'bare' });
    await fixture.run('by-pod', IMAGE, { automountServiceAccountToken: false });
    await fixture.run('over-account', IMAGE, { serviceAccountName: 'bare', automountServiceAccountToken: true });
    expect(['by-account', 'by-pod', 'over-account'].map((name) => projected(name).length)).toEqual([0, 0, 3]);
  });

  it('is another one before it ends, and good for nothing once its pod is gone', async () => {
    const clock = manualClock();
    fixture = await clusterFixture({ clock });
    await fixture.push('app', 'v1', program('setInterval(() => {}, 1000)'));
    await fixture.run('keeps', IMAGE);
    await fixture.until('it to run', () => fixture.pod('keeps')?.status?.phase === 'Running');
    const token = async () => {
      const read = `process.stdout.write(require('node:fs').readFileSync('${FOLDER}/token'))`;
      return await fixture.exec('keeps', ['node', '-e', read]);
    };
    const first = await token();
    await clock.advance(40 * 60_000);
    expect(await token()).toBe(first);
    await clock.advance(15 * 60_000);
    const second = await fixture.until('another token', async () => {
      const now = await token();
      return now !== first && now;
    });
    expect(await fixture.status('/api/v1/namespaces', second)).toBe(200);
    await fixture.api.delete(PODS, 'default', 'keeps', { gracePeriodSeconds: 0 });
    await fixture.until('the pod to go', () => fixture.pod('keeps') === undefined);
    expect(await fixture.status('/api/v1/namespaces', second)).toBe(401);
  });
});
