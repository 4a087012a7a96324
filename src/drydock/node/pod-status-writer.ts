import { messageOf } from '../../kernel/index.ts';
import { isConflict, isNotFound, PODS, sameJson, timestamp } from '../controllers/index.ts';
import type { Pod } from '../controllers/index.ts';
import type { NodeContext } from './context.ts';
import { podStatus, SIMULATED } from './pod-status.ts';
import type { PodView } from './pod-status.ts';

const MANAGER = { fieldManager: 'kubelet' };

/** Writes what the node knows of a pod to the API: one write for all that changes in one turn of the loop. */
export interface StatusWriter {
  /** What is known may have changed. */
  refresh(): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
  close(): void;
}

export function statusWriter(context: NodeContext, uid: string, view: () => PodView): StatusWriter {
  const { api } = context;
  let closed = false;
  let dirty = false;
  let writing: Promise<void> | undefined;

  /** What a lost node knows, nobody learns. */
  const owes = () => dirty && !closed && !context.isLost();

  function refresh(): void {
    if (closed) return;
    dirty = true;
    if (context.isLost()) return;
    writing ??= write().finally(() => {
      writing = undefined;
      if (owes()) refresh();
    });
  }

  async function write(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    while (owes()) {
      dirty = false;
      try {
        await writeOnce();
      } catch (error) {
        if (isNotFound(error)) return;
        if (isConflict(error)) dirty = true;
        else {
          context.logger.warn('pod status not written', {
            pod: view().pod.metadata.name,
            error: messageOf(error),
          });
        }
      }
    }
  }

  async function writeOnce(): Promise<void> {
    const shown = view();
    const { namespace, name } = shown.pod.metadata;
    const stored = api.get(PODS, namespace, name) as Pod | undefined;
    if (stored === undefined || stored.metadata.uid !== uid) return;
    const now = timestamp(api.clock.now());
    const status = podStatus({ ...shown, pod: { ...stored, spec: shown.pod.spec } }, now);
    if (shown.simulated.length > 0 && stored.metadata.annotations?.[SIMULATED] !== 'true') {
      const marked = { metadata: { annotations: { [SIMULATED]: 'true' } } };
      await api.patch(PODS, namespace, name, 'merge', marked, MANAGER);
      dirty = true;
      return;
    }
    if (sameJson(status, stored.status ?? {})) return;
    const written = await api.update(
      PODS,
      { ...structuredClone(stored), status },
      { ...MANAGER, subresource: 'status' },
    );
    context.caches.pods.observe(written);
  }

  return {
    refresh,
    async idle() {
      await writing;
    },
    close() {
      closed = true;
    },
  };
}
