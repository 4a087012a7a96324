import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getArray, getObject, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import type { KubeObject } from '../kube/index.ts';
import { APPLICATION_KIND } from '../boundaries/sync/index.ts';
import type { Controller } from './contract.ts';
import { configMap, makeRepository, openScene, until } from './delivery.fixture.ts';
import type { Scene } from './delivery.fixture.ts';

export const AUTO: JsonObject = {
  automated: { prune: true, selfHeal: true },
  syncOptions: ['CreateNamespace=true'],
};

/** Stands in for helm, which is not there where these tests run. */
const STAND_IN = `#!/usr/bin/env node
const fs = require('node:fs');
const args = process.argv.slice(2);
const values = args.flatMap((arg, at) => args[at - 1] === '--values' ? [fs.readFileSync(arg, 'utf8').trim()] : []);
const at = args.indexOf('--kube-version');
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'chart' },
  data: { values: values.join(), version: args[at + 1], known: String(args.includes('apps/v1/Deployment')) } }));
`;

export function here(namespace: string): JsonObject {
  return { server: 'https://kubernetes.default.svc', namespace };
}

/** A Git server of the tests. */
interface GitHost extends AsyncDisposable {
  readonly url: string;
}

/** What publishes repositories over HTTP. */
interface Hosting<Server extends GitHost> {
  readonly publish: (source: string, root: string, name: string) => Promise<string>;
  readonly serveGit: (root: string, password?: string) => Promise<Server>;
}

/** A controller, two repositories behind HTTP, open and with a password, and Applications of them. */
export interface Hall<Server extends GitHost> {
  readonly scene: Scene;
  readonly controller: Controller;
  readonly git: Server;
  /** Of manifests, a chart, folders and files of generators. */
  readonly web: string;
  /** Of values and another manifest. */
  readonly values: string;
  /** The same with a password. */
  readonly closed: string;
  readonly locked: Server;
  /** Creates an Application, and gives its name. */
  register(spec: JsonObject, name?: string): Promise<string>;
  application(name: string): Promise<KubeObject>;
  /** Waits until it is Synced by an operation that succeeded. */
  synced(name: string): Promise<KubeObject>;
  /** Waits for its first condition. */
  refused(name: string): Promise<string>;
  /** The data of a ConfigMap. */
  config(namespace: string, name: string): Promise<JsonObject | undefined>;
  close(): Promise<void>;
}

export async function openHall<Server extends GitHost>(
  writeKubeconfig: (file: string) => Promise<void>,
  { publish, serveGit }: Hosting<Server>,
): Promise<Hall<Server>> {
  const scene = await openScene(writeKubeconfig);
  const { client, folder } = scene;
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'argocd' } });
  const one = await makeRepository(join(folder, 'one'), {
    'k8s/one.yaml': configMap('one', 'a'),
    'chart/Chart.yaml': 'name: chart\nversion: 1.0.0\n',
    'apps/a/config.yaml': configMap('a', 'first'),
    'apps/b/config.yaml': configMap('b', 'second'),
    'env/dev.json': '{"env":"dev","cluster":{"namespace":"set-dev"}}',
    'env/prod.json': '{"env":"prod","cluster":{"namespace":"set-prod"}}',
  });
  const two = await makeRepository(join(folder, 'two'), {
    'extra/two.yaml': configMap('two', 'b'),
    'values/prod.yaml': 'from: the other repository\n',
  });
  await publish(one.path, folder, 'one.git');
  await publish(two.path, folder, 'two.git');
  const git = await serveGit(folder);
  const locked = await serveGit(folder, 'open sesame');
  const helm = join(folder, 'helm');
  await writeFile(helm, STAND_IN);
  await chmod(helm, 0o755);
  const controller = await scene.controller({ helm, pollMs: 600_000 });
  let counter = 0;

  async function application(name: string): Promise<KubeObject> {
    const found = await client.get({ ...APPLICATION_KIND, namespace: 'argocd', name });
    if (found === undefined) throw new Error(`${name} is gone`);
    return found;
  }

  return {
    scene,
    controller,
    git,
    locked,
    web: `${git.url}/one.git`,
    values: `${git.url}/two.git`,
    closed: `${locked.url}/two.git`,
    async register(spec, name = `app-${(counter += 1)}`) {
      await client.create({
        ...APPLICATION_KIND,
        metadata: { name, namespace: 'argocd' },
        spec: { project: 'default', syncPolicy: AUTO, ...spec },
      });
      return name;
    },
    application,
    synced: (name) =>
      until(
        () => application(name),
        (app) =>
          getString(app, 'status', 'sync', 'status') === 'Synced' &&
          getString(app, 'status', 'operationState', 'phase') === 'Succeeded',
      ),
    refused: (name) =>
      until(
        async () => getString(getArray(await application(name), 'status', 'conditions')[0], 'message') ?? '',
        (message) => message !== '',
      ),
    config: async (namespace, name) =>
      getObject(await client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }), 'data'),
    async close() {
      await scene.close();
      await git[Symbol.asyncDispose]();
      await locked[Symbol.asyncDispose]();
    },
  };
}
