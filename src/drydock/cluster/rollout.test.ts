import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { Agent, get } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../kernel/index.ts';
import type { KubeObject } from '../api/contract.ts';
import { PODS } from '../controllers/index.ts';
import { clusterFixture, program, WEB } from './cluster-fixture.ts';
import type { ClusterFixture } from './cluster-fixture.ts';

let fixture: ClusterFixture;

afterEach(() => fixture.close());

const DEPLOYMENTS = { group: 'apps', version: 'v1', resource: 'deployments' };

function deployment(tag: string, more: object = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          containers: [
            {
              name: 'web',
              image: `registry.corp.io/web:${tag}`,
              ports: [{ name: 'http', containerPort: 8080 }],
              readinessProbe: { httpGet: { port: 'http', path: '/' }, periodSeconds: 1 },
            },
          ],
        },
      },
      ...more,
    },
  };
}

const SERVICE: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 8000, targetPort: 'http' }] },
};

function statusOf(): Record<string, unknown> {
  const status = fixture.api.get(DEPLOYMENTS, 'default', 'web')?.['status'];
  return isJsonObject(status) ? status : {};
}

function isComplete(): boolean {
  const status = statusOf();
  const generation = fixture.api.get(DEPLOYMENTS, 'default', 'web')?.metadata.generation;
  return (
    status['observedGeneration'] === generation &&
    status['updatedReplicas'] === 3 &&
    status['replicas'] === 3 &&
    status['availableReplicas'] === 3
  );
}

/** One request on a connection of its own. */
function ask(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: new Agent({ keepAlive: false }) }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
      response.on('error', reject);
    }).on('error', reject);
  });
}

async function rollOut(tag: string): Promise<void> {
  const patch = {
    spec: { template: { spec: { containers: [{ name: 'web', image: `registry.corp.io/web:${tag}` }] } } },
  };
  await fixture.api.patch(DEPLOYMENTS, 'default', 'web', 'strategic', patch, {
    fieldManager: 'test',
  });
  await fixture.until(`the rollout of ${tag}`, () => isComplete());
}

describe('a Deployment of real processes', () => {
  it('serves from three replicas on one port, through its Service', async () => {
    fixture = await clusterFixture();
    await fixture.push('web', 'v1', WEB);
    await fixture.create(deployment('v1'), 'deployments', 'apps');
    await fixture.create(SERVICE, 'services');
    await fixture.until('the rollout', () => isComplete());
    const url = `http://${fixture.service('web').ip}:8000/`;
    const answers = new Set<string>();
    await fixture.until('an answer of each', async () => {
      answers.add(await ask(url));
      return answers.size === 3;
    });
    const nodes = new Set(
      fixture.api.list(PODS).items.map((pod) => (pod['spec'] as { nodeName?: string }).nodeName),
    );
    expect(nodes.size).toBe(3);
  });

  it('loses no request while it is updated twice', async () => {
    fixture = await clusterFixture();
    await fixture.push('web', 'v1', WEB);
    await fixture.push('web', 'v2', { ...WEB, env: ['RELEASE=2'] });
    await fixture.create(deployment('v1'), 'deployments', 'apps');
    await fixture.create(SERVICE, 'services');
    await fixture.until('the rollout', () => isComplete());
    const url = `http://${fixture.service('web').ip}:8000/`;
    const load = new AbortController();
    const failures: string[] = [];
    let answered = 0;
    const client = async () => {
      while (!load.signal.aborted) {
        await ask(url).then(
          () => answered++,
          (error: Error) => failures.push(error.message),
        );
      }
    };
    const clients = [client(), client(), client(), client()];
    await rollOut('v2');
    await rollOut('v1');
    load.abort();
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThan(50);
  });

  it('keeps its old pods serving when the new ones never become ready', async () => {
    fixture = await clusterFixture();
    await fixture.push('web', 'v1', WEB);
    await fixture.push(
      'web',
      'broken',
      program(
        `require('node:http').createServer((q, r) => { r.statusCode = 500; r.end('broken'); }).listen(8080)`,
      ),
    );
    await fixture.create(deployment('v1', { progressDeadlineSeconds: 1 }), 'deployments', 'apps');
    await fixture.create(SERVICE, 'services');
    await fixture.until('the rollout', () => isComplete());
    const patch = {
      spec: { template: { spec: { containers: [{ name: 'web', image: 'registry.corp.io/web:broken' }] } } },
    };
    await fixture.api.patch(DEPLOYMENTS, 'default', 'web', 'strategic', patch, { fieldManager: 'test' });
    await fixture.until('the deadline', () =>
      JSON.stringify(statusOf()).includes('ProgressDeadlineExceeded'),
    );
    expect(statusOf()).toMatchObject({ availableReplicas: 3, updatedReplicas: 1, unavailableReplicas: 1 });
    const url = `http://${fixture.service('web').ip}:8000/`;
    for (let request = 0; request < 6; request++) expect(await ask(url)).not.toBe('broken');
  });
});

describe('a program in a pod', () => {
  it('reaches Services by their names, and the API server as any client in a cluster does', async () => {
    fixture = await clusterFixture();
    await fixture.push('web', 'v1', WEB);
    await fixture.push(
      'client',
      'v1',
      program(`
      const call = (url) => fetch(url).then((r) => r.text());
      (async () => {
        console.log('short', await call('http://web:8000/'));
        console.log('long', await call('http://web.default.svc.cluster.local:8000/'));
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
        const api = 'https://' + process.env.KUBERNETES_SERVICE_HOST + ':' + process.env.KUBERNETES_SERVICE_PORT;
        console.log('api', (await call(api + '/livez')));
        setInterval(() => {}, 1000);
      })();`),
    );
    await fixture.create(deployment('v1'), 'deployments', 'apps');
    await fixture.create(SERVICE, 'services');
    await fixture.until('the rollout', () => isComplete());
    await fixture.run('client', { image: 'registry.corp.io/client:v1' });
    await fixture.until('it to run', () => fixture.pod('client')?.status?.phase === 'Running');
    const log = fixture.follow('client');
    await fixture.until('its output', () => log().includes('api '));
    expect(log()).toMatch(/^short web-\w+-\w+\nlong web-\w+-\w+\n/);
    expect(log()).toContain('api ok');
  });
});

describe('a cluster', () => {
  it('leaves no process, no folder and no address behind', async () => {
    const workDir = mkdtempSync(path.join(os.tmpdir(), 'cluster-test-'));
    fixture = await clusterFixture({ workDir });
    await fixture.push(
      'web',
      'v1',
      program(`process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1000)`),
    );
    await fixture.run('stubborn', { image: 'registry.corp.io/web:v1' });
    await fixture.until('it to run', () => fixture.pod('stubborn')?.status?.phase === 'Running');
    const log = fixture.follow('stubborn');
    await fixture.until('its pid', () => log() !== '');
    const pid = Number(log());
    expect(() => process.kill(pid, 0)).not.toThrow();
    await fixture.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(readdirSync(workDir)).toEqual([]);
    rmSync(workDir, { recursive: true });
  });

  it('writes a kubeconfig that is complete, private, and names the registries of this machine', async () => {
    fixture = await clusterFixture();
    const folder = mkdtempSync(path.join(os.tmpdir(), 'kubeconfig-'));
    const file = path.join(folder, 'deep', 'config');
    await fixture.cluster.writeKubeconfig(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.dirname(file))).toEqual(['config']);
    const text = fixture.cluster.kubeconfig();
    expect(text).toContain(`server: "${fixture.cluster.url}"`);
    expect(text).toContain(`"registry.corp.io": "${fixture.cluster.registry.url}"`);
    rmSync(folder, { recursive: true });
    expect(existsSync(file)).toBe(false);
  });

  it('starts beside another one', async () => {
    fixture = await clusterFixture();
    const second = await clusterFixture();
    expect(second.cluster.url).not.toBe(fixture.cluster.url);
    await second.close();
  });

  it('says which mirror it cannot use, and holds nothing then', async () => {
    fixture = await clusterFixture();
    await expect(clusterFixture({ registryMirrors: { 'r.io': 'not a url' } })).rejects.toThrow(
      'The mirror of the registry r.io is "not a url", which is no URL.',
    );
  });
});
