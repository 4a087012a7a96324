import { asLandfallError, mapBounded } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import { startReflector } from '../kube/index.ts';
import type { KindRef, KubeClient, KubeObject, ObjectRef, Reflector } from '../kube/index.ts';

/** The stored side of applications: followed by watches, so that comparing again costs the API server nothing. */
export interface LiveObjects {
  /** `watched` answers from what the watches brought; `fresh` asks the API server. */
  read(
    refs: readonly ObjectRef[],
    how: 'watched' | 'fresh',
    signal: AbortSignal,
  ): Promise<readonly (KubeObject | undefined)[]>;
  close(): Promise<void>;
}

const AT_ONCE = 8;

export function createLiveObjects(options: {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** An object of a kind that is followed appeared, changed or went away. */
  readonly onChange: (object: KubeObject) => void;
}): LiveObjects {
  const { client, clock, onChange } = options;
  const followed = new Map<string, Reflector>();

  /** One watch over all namespaces for each kind that any application has. */
  function follow(kind: KindRef): Reflector {
    const name = `${kind.apiVersion} ${kind.kind}`;
    let reflector = followed.get(name);
    if (reflector === undefined) {
      reflector = startReflector(
        client,
        { apiVersion: kind.apiVersion, kind: kind.kind },
        {
          clock,
          onChange: ({ object }) => onChange(object),
        },
      );
      followed.set(name, reflector);
    }
    return reflector;
  }

  async function fresh(ref: ObjectRef, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await client.get(ref, signal);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      // A kind that is not served has no objects.
      if (error.code === 'kind-unknown') return undefined;
      throw error;
    }
  }

  return {
    read(refs, how, signal) {
      return mapBounded(refs, AT_ONCE, (ref) => {
        const reflector = follow(ref);
        // Until the first list is in, and whenever the watch is behind, only the server knows.
        if (how === 'fresh' || reflector.state().state !== 'live') return fresh(ref, signal);
        const key = ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`;
        return Promise.resolve(reflector.get(key));
      });
    },
    async close() {
      await Promise.all([...followed.values()].map((reflector) => reflector.close()));
      followed.clear();
    },
  };
}
