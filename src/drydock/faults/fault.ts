import type { Fault as RequestFault } from '../registry/index.ts';

/** Which of the calls that match a fault it hits. Without any of these: all of them, until it is healed. */
export interface Trigger {
  /** Only the k-th call, counted from 1. */
  readonly nth?: number;
  /** Every n-th call. */
  readonly every?: number;
  /** So many calls; then it is over, and stays on the list until it is healed. */
  readonly times?: number;
}

export const API_VERBS = [
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
] as const;

export type ApiVerb = (typeof API_VERBS)[number];

/**
 * What happens to a request of the API. `written: true`: after the write was committed, so that the client does not
 * learn of it.
 * - `slow`: it is looked at so many milliseconds later.
 * - `status`: it is answered with this status, and nothing is done.
 * - `hang`: no answer until the fault is healed; then it goes on, if its client is still there.
 * - `reset`: the connection is cut.
 * - `late`: it is carried out once its client has gone, as a request does that lay in a queue on the way.
 * - `end-watch`: watches, running ones too, are cut (`reset`), ended (`close`) or told 410 (`expired`), after so many
 *   more events.
 */
export type ApiEffect =
  | { readonly type: 'slow'; readonly ms: number }
  | { readonly type: 'status'; readonly status: number; readonly retryAfterSeconds?: number }
  | { readonly type: 'hang'; readonly written?: boolean }
  | { readonly type: 'reset'; readonly written?: boolean }
  | { readonly type: 'late' }
  | { readonly type: 'end-watch'; readonly how: WatchEnd; readonly afterEvents?: number };

export type WatchEnd = 'reset' | 'close' | 'expired';

/** Requests over HTTP; controllers and nodes do not feel it. With any of the filters only requests for resources. */
export interface ApiFault extends Trigger {
  readonly on: 'api';
  readonly verbs?: readonly ApiVerb[];
  /** API group; '' is the core group. */
  readonly group?: string;
  /** Plural, with a subresource where that is meant: `deployments`, `pods/status`. `*` is any. */
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** True: only dry runs. False: only what is none. */
  readonly dryRun?: boolean;
  /** Part of the User-Agent: `kubectl/`. */
  readonly client?: string;
  readonly effect: ApiEffect;
}

/** Requests of the cluster's own registry, whoever asks. */
export interface RegistryFault extends Trigger, Omit<RequestFault, 'times'> {
  readonly on: 'registry';
}

/**
 * What happens to pulls of nodes, of images that are simulated too. A status is that of the registry: 401 and 403
 * deny, 404 has no such image, 429 limits the rate, anything else fails. `timeout`: the registry does not answer.
 */
export type PullEffect =
  | { readonly type: 'slow'; readonly ms: number }
  | { readonly type: 'status'; readonly status: number }
  | { readonly type: 'timeout' };

export interface PullFault extends Trigger {
  readonly on: 'pull';
  /** The image as pods name it; a `*` stands for anything. */
  readonly image?: string;
  readonly node?: string;
  readonly effect: PullEffect;
}

export const PRESSURES = ['memory', 'disk', 'pid'] as const;

export type Pressure = (typeof PRESSURES)[number];

/**
 * - `lost`: its kubelet stops: it renews no lease, reports nothing and does nothing; what runs goes on running.
 * - `not-ready`: its kubelet says that the node is not ready.
 * - `pressure`: its kubelet says that it runs out of memory, disk or process ids.
 */
export type NodeEffect =
  | { readonly type: 'lost' }
  | { readonly type: 'not-ready'; readonly message?: string }
  | { readonly type: 'pressure'; readonly pressure: Pressure };

export interface NodeFault {
  readonly on: 'node';
  readonly node: string;
  readonly effect: NodeEffect;
}

/**
 * What happens to containers, of processes and simulated ones alike.
 * - `crash`: they end with this code, now or so long after each start.
 * - `oom`: they are killed for want of memory, now or so long after each start.
 * - `never-ready`: they do not become ready, whatever their probes say.
 * - `slow-start`: they count as started, and are probed, so much later.
 * - `ignore-sigterm`: they end only when their grace is over.
 * - `evict`: the node puts their pod out for want of this.
 */
export type PodEffect =
  | { readonly type: 'crash'; readonly exitCode?: number; readonly afterMs?: number }
  | { readonly type: 'oom'; readonly afterMs?: number }
  | { readonly type: 'never-ready' }
  | { readonly type: 'slow-start'; readonly ms: number }
  | { readonly type: 'ignore-sigterm' }
  | { readonly type: 'evict'; readonly pressure: Exclude<Pressure, 'pid'> };

/** Containers that match, those that come later too. A call is one run of a container. */
export interface PodFault extends Trigger {
  readonly on: 'pods';
  readonly namespace?: string;
  readonly name?: string;
  /** As `kubectl -l` takes it. */
  readonly selector?: string;
  readonly container?: string;
  readonly effect: PodEffect;
}

/** Something that goes wrong on purpose, as tests write it and `POST /drydock/faults` takes it. */
export type Fault = ApiFault | RegistryFault | PullFault | NodeFault | PodFault;

export type FaultOn = Fault['on'];
export type FaultFor<On extends FaultOn> = Extract<Fault, { readonly on: On }>;
