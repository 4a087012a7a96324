import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram } from '../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../api/contract.ts';
import { NODES, PODS, SERVICES } from '../controllers/index.ts';
import type { Pod } from '../controllers/index.ts';
import { pushImage } from '../node/image-fixture.ts';
import type { FixtureImage } from '../node/image-fixture.ts';
import { startCluster } from './start-cluster.ts';
import type { Cluster, ClusterOptions } from './start-cluster.ts';

const TESTER = { fieldManager: 'test' };
const REGISTRY = 'registry.corp.io';

/** A cluster that may execute whatever was pushed to it here, and short ways to use it. For tests. */
export interface ClusterFixture {
  readonly cluster: Cluster;
  readonly api: InProcessApi;
  push(repository: string, tag: string, image: FixtureImage): Promise<string>;
  /** Creates a pod of one container and gives back its name. */
  run(name: string, container: object, spec?: object): Promise<string>;
  create(object: KubeObject, resource: string, group?: string): Promise<KubeObject>;
  pod(name: string): Pod | undefined;
  /** Waits in real time, because processes live in it, until `probe` answers something. */
  until<T>(what: string, probe: () => Found<T> | Promise<Found<T>>): Promise<T>;
  /** Follows the log of a pod from here on, over HTTP; what came so far. */
  follow(name: string, container?: string): () => string;
  /** What a command says on its standard output, in a container of a pod. */
  exec(name: string, command: readonly string[]): Promise<string>;
  /** How a GET with this token is answered over HTTP. */
  status(path: string, token: string): Promise<number>;
  events(name: string): readonly string[];
  service(name: string): { readonly ip: string };
  /** A file by which kubectl finds the cluster. */
  kubeconfig(): Promise<string>;
  close(): Promise<void>;
}

type Found<T> = T | undefined | false;

/** `main` as a Node.js program at /app/main.js. */
export function program(main: string): FixtureImage {
  return { files: { 'app/main.js': main } };
}

/** Answers its own host name on 8080 and ends at SIGTERM once its requests are answered. */
export const WEB = program(`
  const server = require('node:http').createServer((request, response) => response.end(process.env.HOSTNAME));
  server.listen(8080);
  process.on('SIGTERM', () => { server.close(() => process.exit(0)); server.closeIdleConnections(); });
`);

export async function clusterFixture(options: ClusterOptions = {}): Promise<ClusterFixture> {
  const pushed = new Set<string>();
  const cluster = await startCluster({
    registryMirrors: { [REGISTRY]: 'drydock' },
    isExecutable: (digests) => digests.some((digest) => pushed.has(digest)),
    ...options,
  });
  const { api } = cluster;

  async function until<T>(what: string, probe: () => Found<T> | Promise<Found<T>>): Promise<T> {
    for (let tried = 0; tried < 500; tried++) {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
    throw new Error(`waited in vain for: ${what}`);
  }

  function follow(name: string, container = 'main'): () => string {
    let text = '';
    const url = `${cluster.url}/api/v1/namespaces/default/pods/${name}/log?follow=true&container=${container}`;
    const headers = { authorization: `Bearer ${cluster.token}` };
    get(url, { ca: cluster.caCertificate, headers, agent: false }, (response) => {
      response.setEncoding('utf8');
      response.on('error', () => {});
      response.on('data', (chunk: string) => {
        text += chunk;
      });
    }).on('error', () => {});
    return () => text;
  }

  let folder: string | undefined;
  async function kubeconfig(): Promise<string> {
    if (folder === undefined) {
      folder = mkdtempSync(path.join(tmpdir(), 'cluster-fixture-'));
      await cluster.writeKubeconfig(path.join(folder, 'config'));
    }
    return path.join(folder, 'config');
  }

  return {
    cluster,
    api,
    until,
    follow,
    async push(repository, tag, image) {
      const digest = await pushImage(cluster.registry.url, repository, tag, image);
      pushed.add(digest);
      return digest;
    },
    async run(name, container, spec = {}) {
      await api.create(
        PODS,
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace: 'default', labels: { app: name } },
          spec: { containers: [{ name: 'main', ...container }], ...spec },
        },
        TESTER,
      );
      return name;
    },
    create: (object, resource, group = '') => api.create({ group, version: 'v1', resource }, object, TESTER),
    async exec(name, command) {
      const result = await runProgram('kubectl', ['exec', name, '--', ...command], {
        env: { PATH: process.env['PATH'], KUBECONFIG: await kubeconfig() },
        timeoutMs: 20_000,
      });
      return result.stdout.toString('utf8');
    },
    status: (path, token) =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        get(`${cluster.url}${path}`, { ca: cluster.caCertificate, headers, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        }).on('error', reject);
      }),
    pod: (name) => api.get(PODS, 'default', name) as Pod | undefined,
    events: (name) =>
      api
        .list({ group: '', version: 'v1', resource: 'events' })
        .items.filter((event) => (event['involvedObject'] as { name?: string }).name === name)
        .map((event) => `${String(event['reason'])}: ${String(event['message'])}`),
    service(name) {
      const spec = api.get(SERVICES, 'default', name)?.['spec'] as { clusterIP?: string } | undefined;
      return { ip: spec?.clusterIP ?? '' };
    },
    kubeconfig,
    async close() {
      await cluster.close();
      if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Lets only `name` take pods. */
export async function onlyNode(api: InProcessApi, name: string): Promise<void> {
  for (const node of api.list(NODES).items) {
    const unschedulable = node.metadata.name !== name;
    await api.patch(NODES, undefined, node.metadata.name, 'merge', { spec: { unschedulable } }, TESTER);
  }
}
