import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { LandfallError, asLandfallError, getNumber, getString, sleep } from '../kernel/index.ts';
import type { Clock, JsonObject, Logger } from '../kernel/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';

export interface ShardOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where the Leases are. */
  readonly namespace: string;
  /** Parts that applications are divided into. */
  readonly count: number;
  /** Ms after which the parts of a replica that is gone are taken over. Default 15,000. */
  readonly leaseMs?: number;
  readonly identity?: string;
  /** This replica's share grew: what is in it has to be looked at. */
  readonly onGained: () => void;
}

export interface Shards {
  /** Aborts once the part of that key is not this replica's any more; undefined: it is not. */
  hold(key: string): AbortSignal | undefined;
  /** Resolves after the first look at all parts; rejects where this identity may not write Leases at all. */
  readonly ready: Promise<void>;
  readonly identity: string;
  /** Gives its parts free, so that another replica need not wait. */
  close(): Promise<void>;
}

interface Part {
  readonly index: number;
  held: AbortController | undefined;
  /** When the renewal that holds it began, by this clock. */
  renewedAt: number;
  /** What was last seen of the Lease, and when it was seen to change. */
  seen: string;
  seenAt: number;
}

const LEASE = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease' } as const;
const LEASE_MS = 15_000;

/**
 * Replicas divide applications into parts, each behind a Lease: who does not hold it does not act. A holder that could
 * not renew stops at two thirds of the lease, another takes over after the whole of it; both count from what they saw
 * themselves, so that clocks may differ (client-go tools/leaderelection).
 */
export function startShards(options: ShardOptions): Shards {
  const { client, clock, logger, namespace, count } = options;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const identity = options.identity ?? `${hostname().toLowerCase()}-${randomBytes(4).toString('hex')}`;
  const stop = new AbortController();
  const parts: Part[] = Array.from({ length: count }, (_, index) => ({
    index,
    held: undefined,
    renewedAt: 0,
    seen: '',
    seenAt: 0,
  }));
  let warned = '';
  let announce: () => void = () => {};
  let refuse: (error: Error) => void = () => {};
  const ready = new Promise<void>((resolve, reject) => {
    announce = resolve;
    refuse = reject;
  });
  ready.catch(() => {});

  function nameOf(part: Part): string {
    return `landfall-part-${part.index}`;
  }

  function lose(part: Part): void {
    if (part.held === undefined) return;
    part.held.abort();
    part.held = undefined;
    logger.info('A part of the applications is another replica’s now', { part: part.index, identity });
  }

  function holderOf(lease: KubeObject): string {
    return getString(lease, 'spec', 'holderIdentity') ?? '';
  }

  /** Held by somebody whose renewals were seen within a lease's time. */
  function isTaken(part: Part, lease: KubeObject, now: number): boolean {
    const holder = holderOf(lease);
    const seen = `${holder} ${getString(lease, 'spec', 'renewTime') ?? ''} ${lease.metadata.resourceVersion ?? ''}`;
    if (seen !== part.seen) {
      part.seen = seen;
      part.seenAt = now;
    }
    const duration = (getNumber(lease, 'spec', 'leaseDurationSeconds') ?? leaseMs / 1000) * 1000;
    return holder !== '' && holder !== identity && now - part.seenAt < duration;
  }

  function spec(lease: KubeObject | undefined, now: number): JsonObject {
    const time = `${new Date(now).toISOString().slice(0, -1)}000Z`;
    const same = lease !== undefined && holderOf(lease) === identity;
    const transitions = getNumber(lease, 'spec', 'leaseTransitions') ?? 0;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.max(1, Math.ceil(leaseMs / 1000)),
      acquireTime: same ? (getString(lease, 'spec', 'acquireTime') ?? time) : time,
      renewTime: time,
      leaseTransitions: same || lease === undefined ? transitions : transitions + 1,
    };
  }

  async function take(part: Part, lease: KubeObject | undefined): Promise<boolean> {
    const begun = clock.now();
    const metadata = { name: nameOf(part), namespace };
    if (lease === undefined) await create({ ...LEASE, metadata, spec: spec(undefined, begun) });
    // With the version that was read: of two who take it at the same time one is refused.
    else await client.update({ ...lease, spec: spec(lease, begun) }, {}, stop.signal);
    part.renewedAt = begun;
    if (part.held !== undefined) return false;
    part.held = new AbortController();
    return true;
  }

  /** The namespace of the Leases is made where it is missing: replicas have to agree on one. */
  async function create(lease: KubeObject): Promise<void> {
    try {
      await client.create(lease, {}, stop.signal);
    } catch (thrown) {
      if (asLandfallError(thrown).kind !== 'not-found') throw thrown;
      await client.create(
        { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
        {},
        stop.signal,
      );
      await client.create(lease, {}, stop.signal);
    }
  }

  function mayNot(error: LandfallError): LandfallError {
    return new LandfallError(`Applications cannot be divided with other replicas: ${error.message}`, {
      kind: 'denied',
      code: 'leases-denied',
      object: namespace,
      hint: `Allow get, list, create, update and delete of leases.coordination.k8s.io in ${namespace}, or serve alone with --no-leases.`,
      cause: error,
    });
  }

  async function free(part: Part, lease: KubeObject): Promise<void> {
    lose(part);
    await client.update(
      { ...lease, spec: { ...spec(lease, clock.now()), holderIdentity: '' } },
      {},
      stop.signal,
    );
  }

  /** Renews what is held, takes its share of what is free, and gives up what is more than its share. */
  async function turn(): Promise<void> {
    const { items } = await client.list(LEASE, { namespace }, stop.signal);
    const leases = new Map(items.map((lease) => [lease.metadata.name, lease]));
    const now = clock.now();
    const others = new Set<string>();
    const open: { readonly part: Part; readonly lease: KubeObject | undefined }[] = [];
    const mine: { readonly part: Part; readonly lease: KubeObject | undefined }[] = [];
    for (const part of parts) {
      const lease = leases.get(nameOf(part));
      if (lease !== undefined && isTaken(part, lease, now)) {
        others.add(holderOf(lease));
        lose(part);
      } else if (part.held !== undefined) mine.push({ part, lease });
      else open.push({ part, lease });
    }
    for (const identityOfOther of waiting(items, now)) others.add(identityOfOther);
    const share = Math.ceil(count / (others.size + 1));
    let gained = false;
    for (const [at, { part, lease }] of [...mine, ...open].entries()) {
      try {
        if (at < share) gained = (await take(part, lease)) || gained;
        else if (part.held !== undefined && lease !== undefined) await free(part, lease);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (error.kind !== 'conflict') throw error;
        lose(part);
      }
    }
    await present();
    if (gained) options.onGained();
  }

  /** Replicas that are there and hold nothing yet announce themselves, so that others make room. */
  const members = new Map<string, { readonly seen: string; readonly at: number }>();
  function waiting(leases: readonly KubeObject[], now: number): readonly string[] {
    return leases.flatMap((lease) => {
      const { name, resourceVersion = '' } = lease.metadata;
      if (!name.startsWith('landfall-replica-') || name === `landfall-replica-${identity}`) return [];
      const known = members.get(name);
      if (known?.seen !== resourceVersion) members.set(name, { seen: resourceVersion, at: now });
      const at = members.get(name)?.at ?? now;
      return now - at < leaseMs && holderOf(lease) !== '' ? [holderOf(lease)] : [];
    });
  }

  async function present(): Promise<void> {
    const name = `landfall-replica-${identity}`;
    const known = await client.get({ ...LEASE, namespace, name }, stop.signal);
    const wanted = { ...LEASE, metadata: { name, namespace }, spec: spec(known, clock.now()) };
    if (known === undefined) await create(wanted);
    else await client.update({ ...known, spec: wanted.spec }, {}, stop.signal);
  }

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await turn();
        warned = '';
      } catch (thrown) {
        const error = asLandfallError(thrown);
        if (stop.signal.aborted) return;
        if (warned !== error.message) {
          logger.warn('Leases cannot be renewed; what is not held is not worked on', {
            code: error.code,
            error: error.message,
          });
        }
        warned = error.message;
        if (error.kind === 'denied') refuse(mayNot(error));
      }
      announce();
      for (const part of parts) if (clock.now() - part.renewedAt >= (leaseMs * 2) / 3) lose(part);
      await sleep(clock, leaseMs / 5, stop.signal).catch(() => {});
    }
  }

  const running = loop();

  return {
    identity,
    ready,
    hold(key) {
      const part = parts[partOf(key, count)];
      if (part?.held === undefined) return undefined;
      if (clock.now() - part.renewedAt >= (leaseMs * 2) / 3) {
        lose(part);
        return undefined;
      }
      return part.held.signal;
    },
    async close() {
      const held = parts.filter((part) => part.held !== undefined);
      for (const part of held) part.held?.abort();
      stop.abort();
      await running;
      const limit = AbortSignal.timeout(5000);
      for (const part of held) {
        part.held = undefined;
        try {
          const lease = await client.get({ ...LEASE, namespace, name: nameOf(part) }, limit);
          if (lease === undefined || holderOf(lease) !== identity) continue;
          await client.update(
            { ...lease, spec: { ...spec(lease, clock.now()), holderIdentity: '' } },
            {},
            limit,
          );
        } catch {
          // Another replica takes it over when the lease has run out.
        }
      }
      await client
        .delete({ ...LEASE, namespace, name: `landfall-replica-${identity}` }, {}, limit)
        .catch(() => false);
    },
  };
}

/** FNV-1a: spreads names well and is the same on every machine. */
export function partOf(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash % count;
}
