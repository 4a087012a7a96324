import { LandfallError, asLandfallError, sleep } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { KubeClient, ListOptions } from './client.ts';
import type { KindRef, KubeObject } from './object.ts';

/** `live`: what the store holds is what the server says; `stale`: it was so at `since`, and nothing newer is known. */
export type ReflectorState =
  | { readonly state: 'starting' }
  | { readonly state: 'live'; readonly since: number }
  | { readonly state: 'stale'; readonly since: number; readonly error: LandfallError };

export interface ReflectorOptions extends ListOptions {
  readonly clock: Clock;
  /** An object appeared, changed, or (with the last that was known of it) went away. Must not throw. */
  readonly onChange?: (change: {
    readonly key: string;
    readonly object: KubeObject;
    readonly gone: boolean;
  }) => void;
  /** The connection to the server was lost or came back. */
  readonly onState?: (state: ReflectorState) => void;
  /**
   * The first list is read at once, and followed by a watch once this resolves: a list may be all that is needed.
   * Left out: at once.
   */
  readonly follow?: Promise<void>;
  /** 0 to 1; for tests. Default Math.random. */
  readonly random?: () => number;
}

/** A copy of one kind's objects that follows the server, through dropped connections, 410s and restarts. */
export interface Reflector {
  /** Resolves once the first list is in; rejects only when the reflector is closed before. */
  readonly ready: Promise<void>;
  state(): ReflectorState;
  /** Keys are `namespace/name`, or `name` for cluster-scoped kinds. */
  get(key: string): KubeObject | undefined;
  list(): readonly KubeObject[];
  close(): Promise<void>;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;
const SHORT_WATCH = 1000;

export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name}` : name;
}

export function startReflector(client: KubeClient, kind: KindRef, options: ReflectorOptions): Reflector {
  const { clock, random = Math.random } = options;
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const objects = new Map<string, KubeObject>();
  let state: ReflectorState = { state: 'starting' };
  let announceReady: () => void = () => {};
  let refuseReady: (error: Error) => void = () => {};
  const ready = new Promise<void>((resolve, reject) => {
    announceReady = resolve;
    refuseReady = reject;
  });
  ready.catch(() => {});

  function turn(next: ReflectorState): void {
    const before = state.state;
    state = next;
    if (before !== next.state) options.onState?.(next);
  }

  function put(object: KubeObject): void {
    const key = keyOf(object);
    const had = objects.get(key);
    if (had !== undefined && had.metadata.resourceVersion === object.metadata.resourceVersion) return;
    objects.set(key, object);
    options.onChange?.({ key, object, gone: false });
  }

  function drop(key: string, last: KubeObject): void {
    if (objects.delete(key)) options.onChange?.({ key, object: last, gone: true });
  }

  /** What the list no longer has went away while nobody looked. */
  async function relist(): Promise<string> {
    const { items, resourceVersion } = await client.list(kind, options, stop.signal);
    const seen = new Set(items.map(keyOf));
    for (const [key, object] of objects) if (!seen.has(key)) drop(key, object);
    for (const object of items) put(object);
    return resourceVersion;
  }

  async function follow(): Promise<void> {
    let version: string | undefined;
    let failures = 0;
    while (!stop.signal.aborted) {
      const started = clock.now();
      let events = 0;
      try {
        if (version === undefined) {
          version = await relist();
          turn({ state: 'live', since: clock.now() });
          announceReady();
        }
        if (options.follow !== undefined) await Promise.race([options.follow, stopped]);
        if (stop.signal.aborted) return;
        const watching = { ...options, resourceVersion: version };
        for await (const event of client.watch(kind, watching, stop.signal)) {
          events += 1;
          failures = 0;
          turn({ state: 'live', since: clock.now() });
          version = event.object.metadata.resourceVersion ?? version;
          if (event.type === 'DELETED') drop(keyOf(event.object), event.object);
          else if (event.type !== 'BOOKMARK') put(event.object);
        }
        turn({ state: 'live', since: clock.now() });
        if (events > 0 || clock.now() - started >= SHORT_WATCH) {
          failures = 0;
          continue;
        }
        // A server that ends every watch at once must not be asked in a tight loop.
        failures += 1;
      } catch (thrown) {
        if (stop.signal.aborted) return;
        const error = asLandfallError(thrown);
        // Behind a broken connection may be another server, or one that was restored: only a new list is safe.
        version = undefined;
        const expired = error.code === 'resource-version-expired';
        if (!expired) turn({ state: 'stale', since: 'since' in state ? state.since : clock.now(), error });
        failures += 1;
        if (expired && failures === 1) continue;
      }
      const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 10));
      await sleep(clock, longest * (0.5 + random() / 2), stop.signal).catch(() => {});
    }
  }

  const running = follow().finally(() => {
    refuseReady(
      new LandfallError(`The reflector of ${kind.kind} was closed.`, {
        kind: 'cancelled',
        code: 'cancelled',
      }),
    );
  });
  return {
    ready,
    state: () => state,
    get: (key) => objects.get(key),
    list: () => [...objects.values()],
    async close() {
      stop.abort();
      await running;
    },
  };
}
