import { LandfallError } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { startReflector } from '../kube/index.ts';
import type { KindRef, KubeClient, KubeObject, ListOptions } from '../kube/index.ts';

export { secretValue } from '../kube/index.ts';

/** The objects of one kind, followed by a watch, with what was last known while the watch is away. */
export interface Followed {
  /** Every object. A kind that is not served has none; throws where nothing was ever read. */
  list(signal?: AbortSignal): Promise<readonly KubeObject[]>;
  close(): Promise<void>;
}

export interface FollowOptions extends ListOptions {
  readonly clock: Clock;
  readonly onChange?: (object: KubeObject, gone: boolean) => void;
}

export function follow(client: KubeClient, kind: KindRef, options: FollowOptions): Followed {
  let known = false;
  const waiting = new Set<() => void>();
  function settle(): void {
    known = true;
    for (const go of waiting) go();
  }
  /** Until something is known, or the caller has no time any more; leaves nothing behind on its signal. */
  function settled(signal: AbortSignal | undefined): Promise<void> {
    if (known || signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const go = () => {
        waiting.delete(go);
        signal?.removeEventListener('abort', go);
        resolve();
      };
      waiting.add(go);
      signal?.addEventListener('abort', go, { once: true });
    });
  }
  let seen = false;
  let failure: LandfallError | undefined;
  const { onChange, ...listing } = options;
  const reflector = startReflector(client, kind, {
    ...listing,
    onChange: ({ object, gone }) => onChange?.(object, gone),
    onState: (state) => {
      if (state.state === 'live') seen = true;
      failure = state.state === 'stale' ? state.error : undefined;
      settle();
    },
  });
  return {
    async list(signal) {
      await settled(signal);
      if (seen) return reflector.list();
      if (failure?.code === 'kind-unknown') return [];
      throw (
        failure ??
        new LandfallError(`${kind.kind} objects were not read yet.`, {
          kind: 'cancelled',
          code: 'cancelled',
        })
      );
    },
    async close() {
      settle();
      await reflector.close();
    },
  };
}
