import type { JsonValue } from '../kernel/index.ts';
import type { KindRef, KubeObject, ObjectRef } from './object.ts';

export interface ListOptions {
  /** Left out: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface KubeList {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers instead of a conflict. Default false. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
  /** Default `Strict`: unknown and duplicate fields are refused. */
  readonly fieldValidation?: FieldValidation;
  /** What is stored now (null: nothing), when the caller knows; otherwise it is read to tell changed from unchanged. */
  readonly before?: KubeObject | null;
}

export type ApplyOutcome = 'created' | 'changed' | 'unchanged';

export interface ApplyResult {
  readonly object: KubeObject;
  readonly outcome: ApplyOutcome;
  /** The server's `Warning: 299` texts. */
  readonly warnings: readonly string[];
}

export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly fieldValidation?: FieldValidation;
  readonly subresource?: string;
}

export type PatchType = 'merge' | 'json' | 'strategic';

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

export interface WatchOptions extends ListOptions {
  /** Changes after this one; left out: every object there is as ADDED, then changes. */
  readonly resourceVersion?: string;
  /** Seconds after which the server ends the watch in order. Default 300. */
  readonly timeoutSeconds?: number;
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  /** For BOOKMARK only `metadata.resourceVersion` means something. */
  readonly object: KubeObject;
}

export interface ProxyTarget {
  readonly namespace: string;
  readonly kind: 'Pod' | 'Service';
  readonly name: string;
  /** Number or, for a Service, the name of a port. */
  readonly port: number | string;
  /** With its leading slash and query. */
  readonly path: string;
  /** Default http. */
  readonly scheme?: 'http' | 'https';
}

export interface ProxyResponse {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

/** A resource as discovery tells it. */
export interface ApiResource {
  readonly group: string;
  readonly version: string;
  /** Plural, as in the URL. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** `status`, `scale` and the like. */
  readonly subresources: readonly string[];
}

export interface ResourceAccess {
  readonly group?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly name?: string;
}

export interface AccessAnswer {
  readonly allowed: boolean;
  /** The server's words; may be empty. */
  readonly reason: string;
}

export interface ServerVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
}

/**
 * The Kubernetes API over HTTP, without caches of objects.
 *
 * Every call has a deadline and takes a signal. Failures are LandfallErrors: `denied` for 401 and 403, `not-found`
 * for 404, `conflict` for 409, `invalid-input` for 400 and 422 with the causes the server gave, `unavailable` when
 * nothing is known (refused, timed out, 5xx, 429 after the retries). A kind that the server does not serve is
 * `not-found` with the code `kind-unknown`.
 */
export interface KubeClient {
  /** The API server's URL, without credentials. */
  readonly server: string;
  readonly context: string;
  /** The namespace of the context, `default` where it has none. */
  readonly namespace: string;
  /** Registry host to the address it is reached at from here: the kubeconfig cluster extension `registry-mirrors`. */
  readonly registryMirrors: Readonly<Record<string, string>>;

  /** Undefined only when the server says that the object does not exist. */
  get(ref: ObjectRef, signal?: AbortSignal): Promise<KubeObject | undefined>;
  /** The whole list, read in pages. Items carry apiVersion and kind. */
  list(kind: KindRef, options?: ListOptions, signal?: AbortSignal): Promise<KubeList>;
  /** Server-side apply. */
  apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<ApplyResult>;
  create(object: KubeObject, options?: WriteOptions, signal?: AbortSignal): Promise<KubeObject>;
  /** A conflict when `metadata.resourceVersion` is set and is not the stored one. */
  update(object: KubeObject, options?: WriteOptions, signal?: AbortSignal): Promise<KubeObject>;
  patch(
    ref: ObjectRef,
    type: PatchType,
    patch: JsonValue,
    options?: WriteOptions,
    signal?: AbortSignal,
  ): Promise<KubeObject>;
  /** False when there was nothing to delete. */
  delete(ref: ObjectRef, options?: DeleteOptions, signal?: AbortSignal): Promise<boolean>;
  /**
   * One watch. Ends when the server ends it; throws `unavailable` when the connection breaks and `conflict` with the
   * code `resource-version-expired` on a 410. `startReflector` survives all of these.
   */
  watch(kind: KindRef, options: WatchOptions, signal: AbortSignal): AsyncIterable<WatchEvent>;
  /**
   * GET on a pod or Service through the API server. A status of the workload is an answer, whatever it is; only a
   * failure of the API server itself (nobody listens, no endpoints, no permission) throws.
   */
  proxyGet(
    target: ProxyTarget,
    options?: { readonly timeoutMs?: number; readonly maxBytes?: number },
    signal?: AbortSignal,
  ): Promise<ProxyResponse>;
  podLogs(
    pod: { readonly namespace: string; readonly name: string; readonly container?: string },
    options?: { readonly tailLines?: number; readonly previous?: boolean; readonly maxBytes?: number },
    signal?: AbortSignal,
  ): Promise<string>;
  /** SelfSubjectAccessReview. */
  canI(
    verb: string,
    resource: ResourceAccess,
    namespace?: string,
    signal?: AbortSignal,
  ): Promise<AccessAnswer>;
  /** What discovery says about a kind; `not-found`, code `kind-unknown`, when it is not served. */
  resource(kind: KindRef, signal?: AbortSignal): Promise<ApiResource>;
  /** Every `group/version` and `group/version/Kind` that is served, sorted. */
  apiVersions(signal?: AbortSignal): Promise<readonly string[]>;
  /** The same server as somebody else, over the same connections: impersonation. `close` closes nothing. */
  as(user: string): KubeClient;
  /** Forgets what discovery said, after a CustomResourceDefinition was applied. */
  forgetKinds(): void;
  version(signal?: AbortSignal): Promise<ServerVersion>;
  /** Closes idle connections. Running calls end by their signals. */
  close(): void;
}
