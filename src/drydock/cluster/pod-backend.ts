import { LandfallError } from '../../kernel/index.ts';
import type { Clock } from '../../kernel/index.ts';
import type { PodBackend } from '../api/contract.ts';
import type { Caches } from '../controllers/index.ts';
import type { NodeAgent, PodWorker } from '../node/index.ts';
import type { ServiceNetwork } from './service-network.ts';

/** Whoever runs the pod with this uid. */
export function workerOf(nodes: readonly NodeAgent[], uid: string): PodWorker | undefined {
  for (const node of nodes) {
    const worker = node.worker(uid);
    if (worker !== undefined) return worker;
  }
  return undefined;
}

/** What the API server's subresources (proxy, log, exec) reach pods through. */
export function podBackend(
  caches: Caches,
  nodes: readonly NodeAgent[],
  network: ServiceNetwork,
  clock: Clock,
): PodBackend {
  let turn = 0;

  function workerOfPod(namespace: string, name: string): PodWorker | undefined {
    return workerOf(nodes, caches.pods.get(`${namespace}/${name}`)?.metadata.uid ?? '');
  }

  function containerOf(namespace: string, name: string, container: string | undefined) {
    const worker = workerOfPod(namespace, name);
    const named = container ?? worker?.pod().spec.containers[0]?.name;
    const unit = worker?.containers.find(({ spec }) => spec.name === named);
    if (unit !== undefined) return unit;
    throw new LandfallError(
      worker === undefined
        ? `pod ${namespace}/${name} does not run on any node`
        : `container ${named ?? ''} is not valid for pod ${name}`,
      { kind: 'not-found', code: 'container-not-found', object: `${namespace}/${name}` },
    );
  }

  return {
    podAddress(namespace, name, port) {
      const worker = workerOfPod(namespace, name);
      const runs = worker?.containers.some((container) => container.isRunning() && !container.simulated);
      return worker === undefined || runs !== true ? undefined : worker.locate(port);
    },
    serviceAddress(namespace, name, port) {
      const targets = network.targets(namespace, name, port);
      return targets.length === 0 ? undefined : targets[turn++ % targets.length];
    },
    async *logs(namespace, name, options, signal) {
      const unit = containerOf(namespace, name, options.container);
      const log = options.previous === true ? unit.previousLog : unit.log;
      if (log === undefined) {
        if (options.previous !== true) return;
        throw new LandfallError(
          `previous terminated container "${unit.spec.name}" in pod "${name}" not found`,
          { kind: 'not-found', code: 'no-previous-log', object: `${namespace}/${name}` },
        );
      }
      const { tailLines, timestamps, limitBytes, follow, sinceSeconds } = options;
      yield* log.read(
        {
          ...(tailLines === undefined ? {} : { tailLines }),
          ...(timestamps === undefined ? {} : { timestamps }),
          ...(limitBytes === undefined ? {} : { limitBytes }),
          ...(follow === undefined ? {} : { follow }),
          ...(sinceSeconds === undefined ? {} : { sinceMs: clock.now() - sinceSeconds * 1000 }),
        },
        signal,
      );
    },
    exec: (namespace, name, options) => containerOf(namespace, name, options.container).open(options),
    attach: (namespace, name, options) =>
      containerOf(namespace, name, options.container).attach(options.onOutput),
  };
}
