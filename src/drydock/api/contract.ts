import type { Writable } from 'node:stream';
import type { Clock, JsonObject, JsonValue } from '../../kernel/index.ts';

/** Any object of the Kubernetes API, as JSON. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: JsonObject[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** A resource as its URL names it: group '' is the core group. */
export interface ResourceName {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WriteOptions {
  /** Recorded in managedFields. */
  readonly fieldManager: string;
  readonly dryRun?: boolean;
  readonly subresource?: 'status' | 'scale' | 'ephemeralcontainers';
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
}

export type PatchType = 'json' | 'merge' | 'strategic' | 'apply';

/**
 * The API server as code in the same process sees it: the same admission, defaulting, validation and managed fields
 * as over HTTP, without the wire. Reads are synchronous over memory; writes resolve once they are durable.
 * Failures are thrown as `ApiStatusError` with Kubernetes' own Status.
 * Objects that come out are frozen or private copies: change a structuredClone and write that.
 */
export interface InProcessApi {
  readonly clock: Clock;
  get(resource: ResourceName, namespace: string | undefined, name: string): KubeObject | undefined;
  list(
    resource: ResourceName,
    options?: ListOptions,
  ): { readonly items: readonly KubeObject[]; readonly resourceVersion: string };
  /** Calls back for every object there is (ADDED), then for every change, in order; returns how to stop. */
  watch(resource: ResourceName, options: ListOptions, onEvent: (event: WatchEvent) => void): () => void;
  create(resource: ResourceName, object: KubeObject, options: WriteOptions): Promise<KubeObject>;
  /** Conflict (409) when metadata.resourceVersion is set and not the stored one. */
  update(resource: ResourceName, object: KubeObject, options: WriteOptions): Promise<KubeObject>;
  patch(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: JsonValue,
    options: WriteOptions & { readonly force?: boolean },
  ): Promise<KubeObject>;
  delete(
    resource: ResourceName,
    namespace: string | undefined,
    name: string,
    options?: DeleteOptions,
  ): Promise<void>;
}

/** Kubernetes' Status for a failure, thrown in process and written over HTTP. */
export class ApiStatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message);
    this.name = 'ApiStatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/**
 * What a node agent offers to the API server for the pods that it runs. The API server never imports the agent; it is
 * given one of these at start.
 */
export interface PodBackend {
  /** The address on this machine where `port` of the pod listens; undefined when the pod does not run. */
  podAddress(
    namespace: string,
    name: string,
    port: number,
  ): { readonly host: string; readonly port: number } | undefined;
  /** A ready endpoint of a Service port (number or name); undefined when there is none. */
  serviceAddress(
    namespace: string,
    name: string,
    port: string,
  ): { readonly host: string; readonly port: number } | undefined;
  logs(
    namespace: string,
    name: string,
    options: {
      readonly container?: string;
      readonly tailLines?: number;
      readonly follow?: boolean;
      readonly previous?: boolean;
      readonly timestamps?: boolean;
      readonly sinceSeconds?: number;
      readonly limitBytes?: number;
    },
    signal: AbortSignal,
  ): AsyncIterable<string>;
  /** Runs a program in a container. Throws where there is nothing to run it in, or no such program. */
  exec?(
    namespace: string,
    name: string,
    options: {
      readonly container: string;
      readonly command: readonly string[];
      readonly input: boolean;
      readonly terminal: boolean;
      readonly onOutput: PodOutput;
    },
  ): Promise<PodSession>;
  /** Listens to the container's own process, and talks to it where it has an input. */
  attach?(
    namespace: string,
    name: string,
    options: { readonly container: string; readonly onOutput: PodOutput },
  ): PodSession;
}

export type PodOutput = (bytes: Buffer, stream: 'stdout' | 'stderr') => void;

/** A program in a container, and whoever talks to it. */
export interface PodSession {
  /** Undefined where it has none. */
  readonly input: Writable | undefined;
  /** Whoever talks to it has said everything. */
  endInput(): void;
  /** Of its terminal, where it has one. */
  resize(columns: number, rows: number): void;
  /** Holds its output back, where nobody else waits for it. */
  hold(held: boolean): void;
  readonly exited: Promise<{ readonly exitCode: number }>;
  /** Nobody talks to it any more. */
  end(): void;
}
