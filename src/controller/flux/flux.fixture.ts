import { join } from 'node:path';
import { getArray, getObject, getString, manualClock } from '../../kernel/index.ts';
import type { Clock, JsonObject, ManualClock } from '../../kernel/index.ts';
import type { KindRef, KubeObject } from '../../kube/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import type { ControllerOptions } from '../contract.ts';
import { makeRepository, openScene, untilBy } from '../delivery.fixture.ts';
import type { Repository, Scene } from '../delivery.fixture.ts';
import { GIT_REPOSITORY, KUSTOMIZATION } from './kinds.ts';

/** Where the objects of Flux are. */
export const where = { namespace: 'flux-system' };

/** A cluster with Flux' kinds, a repository over HTTP, and a controller; deliveries go to the namespace `apps`. */
export interface FluxStage {
  /** Of the cluster and of the controller: it stands still but while something is waited for. */
  readonly clock: ManualClock;
  readonly scene: Scene;
  readonly ledger: Ledger;
  readonly repository: Repository & { readonly first: string };
  /** Of the repository. */
  readonly url: string;
  create(kind: KindRef, name: string, spec: JsonObject, metadata?: JsonObject): Promise<void>;
  /** Of the GitRepository `main`. */
  kustomization(name: string, spec: JsonObject): Promise<void>;
  read(kind: KindRef, name: string): Promise<KubeObject>;
  /** Moves the clock in steps of `step` ms (200) until the answer fits. */
  until<T>(read: () => Promise<T>, fits: (value: T) => boolean, step?: number): Promise<T>;
  /** Until it is Ready so, and its message says that. */
  ready(
    kind: KindRef,
    name: string,
    status?: 'True' | 'False' | 'Unknown',
    text?: string,
    step?: number,
  ): Promise<KubeObject>;
  /** Asks for a reconciliation, and waits until it was answered. */
  ask(name: string, kind: KindRef): Promise<void>;
  data(name: string, namespace?: string): Promise<JsonObject | undefined>;
  /** The controller, and the cluster with it. */
  close(): Promise<void>;
}

/** How tests start the cluster that they deliver to. */
type OpenCluster = (options: {
  readonly nodes: number;
  readonly clock: Clock;
  readonly definitions: readonly ('argocd' | 'flux')[];
}) => Promise<{ writeKubeconfig(file: string): Promise<void>; close(): Promise<void> }>;

export function condition(object: KubeObject, type: string): JsonObject {
  const found = getArray(object, 'status', 'conditions').find((item) => getString(item, 'type') === type);
  return (found ?? {}) as JsonObject;
}

export async function openFlux(
  open: OpenCluster,
  serve: (folder: string) => Promise<{ readonly url: string } & AsyncDisposable>,
  files: Readonly<Record<string, string>>,
  options: (scene: Scene) => Promise<Partial<ControllerOptions>> | Partial<ControllerOptions> = () => ({}),
): Promise<FluxStage> {
  const clock = manualClock(Date.now());
  const until = untilBy(clock);
  const cluster = await open({ nodes: 1, clock, definitions: ['argocd', 'flux'] });
  const scene = await openScene((file) => cluster.writeKubeconfig(file));
  const repository = await makeRepository(join(scene.folder, 'repo'), files);
  const server = await serve(scene.folder);
  const url = `${server.url}/repo/.git`;
  for (const name of ['apps', 'flux-system']) {
    await scene.client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
  const ledger = openLedger({ folder: join(scene.folder, 'state'), clock });
  await scene.controller({ clock, pollMs: 600_000, ledger, ...(await options(scene)) });

  async function read(kind: KindRef, name: string): Promise<KubeObject> {
    const found = await scene.client.get({ ...kind, ...where, name });
    if (found === undefined) throw new Error(`${name} is gone`);
    return found;
  }

  async function create(kind: KindRef, name: string, spec: JsonObject, metadata: JsonObject = {}) {
    await scene.client.create({ ...kind, metadata: { ...metadata, name, ...where }, spec });
  }

  await create(GIT_REPOSITORY, 'main', { url, interval: '10m', ref: { branch: 'main' } });
  return {
    clock,
    scene,
    until,
    ledger,
    repository,
    url,
    create,
    read,
    kustomization: (name, spec) =>
      create(KUSTOMIZATION, name, {
        interval: '10m',
        prune: true,
        sourceRef: { kind: 'GitRepository', name: 'main' },
        ...spec,
      }),
    ready: (kind, name, status = 'True', text = '', step = 200) =>
      until(
        () => read(kind, name),
        (object) => {
          const found = condition(object, 'Ready');
          return found['status'] === status && (getString(found, 'message') ?? '').includes(text);
        },
        step,
      ),
    async ask(name, kind) {
      const requestedAt = `${Date.now()}.${Math.random()}`;
      await scene.client.patch({ ...kind, ...where, name }, 'merge', {
        metadata: { annotations: { 'reconcile.fluxcd.io/requestedAt': requestedAt } },
      });
      await until(
        () => read(kind, name),
        (object) => getString(object, 'status', 'lastHandledReconcileAt') === requestedAt,
      );
    },
    data: async (name, namespace = 'apps') =>
      getObject(await scene.client.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }), 'data'),
    async close() {
      await scene.close();
      await ledger.close();
      await server[Symbol.asyncDispose]();
      await cluster.close();
    },
  };
}
