import type { Clock, JsonValue } from '../../kernel/index.ts';
import { Catalogue } from '../kinds/catalogue.ts';
import type { ResourceKind } from '../kinds/kind.ts';
import { limitRanges } from '../admission/limit-ranges.ts';
import { quotaAdmission, QuotaStatus } from '../admission/quotas.ts';
import { certificateRequests } from '../admission/certificate-requests.ts';
import { podAdmission } from '../admission/pod-defaults.ts';
import { validatingPolicies } from '../admission/policies.ts';
import { priorities, serviceAccounts } from '../admission/service-accounts.ts';
import type { ServiceResolver } from '../admission/webhook-call.ts';
import { Webhooks } from '../admission/webhooks.ts';
import { bundledDefinitions, type BundledFamily } from '../custom/bundled.ts';
import { CustomResources } from '../custom/definitions.ts';
import { createObject } from '../machinery/create.ts';
import { deleteObject } from '../machinery/delete.ts';
import type { Engine } from '../machinery/engine.ts';
import { EventExpiry } from '../machinery/event-expiry.ts';
import { GarbageCollector } from '../machinery/garbage-collector.ts';
import { createBootstrapRoles, createPriorityClasses } from '../machinery/bootstrap-roles.ts';
import { createComponentStatuses, syncApiServices } from '../machinery/component-objects.ts';
import { createSystemNamespaces, NamespaceLifecycle } from '../machinery/namespaces.ts';
import { asServed } from '../machinery/object-meta.ts';
import { patchObject } from '../machinery/patch.ts';
import { seenChange, selectEntries, selectionOf } from '../machinery/reads.ts';
import { writeScale } from '../machinery/scale.ts';
import { serviceAccountVolumes } from '../machinery/service-account-volumes.ts';
import { ServiceAccountTokens } from '../machinery/service-account-tokens.ts';
import { replaceObject, requireEntry } from '../machinery/update.ts';
import { ADMIN, type WriteRequest } from '../machinery/write-request.ts';
import { openFileJournal, type OpenJournal } from '../store/file-journal.ts';
import { Store } from '../store/store.ts';
import type { InProcessApi, ResourceName, WatchEvent, WriteOptions } from './contract.ts';
import type { MetricsSource } from './metrics.ts';

export interface ApiOptions {
  readonly clock: Clock;
  /** Changes kept per kind for watches that resume. Default 2,048. */
  readonly keptChanges?: number;
  /** Keeps objects across restarts, and every acknowledged write across a crash. In memory without it. */
  readonly dataDir?: string;
  /** PEM, handed to pods and clients as kube-root-ca.crt. */
  readonly rootCertificate?: string;
  /** Minimal CustomResourceDefinitions to start with. Default none. */
  readonly bundled?: readonly BundledFamily[];
  /** Failures of background work: garbage collection, namespaces, watchers that throw. */
  readonly onError?: (error: unknown) => void;
}

/** The API server without its wire, and what the HTTP server and tests need of it. */
export interface ApiServer extends InProcessApi {
  readonly engine: Engine;
  /** Issues and knows the tokens of service accounts. */
  readonly tokens: ServiceAccountTokens;
  /** What is measured now; undefined until somebody sets a source, and then the metrics API is served. */
  readonly metrics: MetricsSource | undefined;
  setMetrics(source: MetricsSource | undefined): void;
  /** How webhooks are found that run behind Services of this cluster. */
  setServiceResolver(resolve: ServiceResolver): void;
  /** Forgets old changes, so that watches from before answer 410. */
  compact(): void;
  /** Stops background work, and writes out what is left. */
  close(): Promise<void>;
}

function requestOf(kind: ResourceKind, namespace: string | undefined, options: WriteOptions): WriteRequest {
  return {
    kind,
    namespace: kind.namespaced ? namespace : undefined,
    subresource: options.subresource,
    user: ADMIN,
    fieldManager: options.fieldManager,
    dryRun: options.dryRun ?? false,
    fieldValidation: 'Ignore',
    force: false,
    trusted: true,
    warn: () => {},
  };
}

/** Revisions that may have been told to watchers and lost with a crash are never given out again. */
const REVISION_GAP = 1_000;

function startStore(
  options: ApiOptions,
  opened: OpenJournal | undefined,
  onError: (error: unknown) => void,
): Store {
  const store = new Store({
    ...(options.keptChanges === undefined ? {} : { keptChanges: options.keptChanges }),
    ...(opened === undefined ? {} : { journal: opened.journal }),
    ...(opened === undefined || opened.lastRevision === 0
      ? {}
      : { firstRevision: opened.lastRevision + REVISION_GAP }),
    onListenerError: onError,
  });
  for (const { table, object, revision } of opened?.recovered ?? []) store.recover(table, object, revision);
  if (opened !== undefined) {
    store.compact();
    opened.setSnapshot(function* () {
      for (const table of store.tables()) {
        for (const entry of table.entries.values()) yield [table.name, entry] as const;
      }
    });
  }
  return store;
}

/**
 * Starts an API server in this process: an empty store or what the journal holds, the system namespaces, garbage
 * collection. Ready when the promise resolves.
 */
export async function createApi(options: ApiOptions): Promise<ApiServer> {
  const onError = options.onError ?? (() => {});
  const opened = options.dataDir === undefined ? undefined : await openFileJournal(options.dataDir);
  const store = startStore(options, opened, onError);
  const catalogue = new Catalogue();
  const engine: Engine = { store, catalogue, clock: options.clock, admission: [] };
  const webhooks = new Webhooks(store);
  engine.admission.push(
    podAdmission,
    serviceAccounts(store),
    serviceAccountVolumes(store),
    priorities(store),
    certificateRequests(options.clock),
    limitRanges(store),
    validatingPolicies(engine),
    quotaAdmission(engine),
    webhooks,
  );
  await createSystemNamespaces(engine);
  await createBootstrapRoles(engine);
  await createPriorityClasses(engine);
  const custom = new CustomResources(engine, onError);
  const collector = new GarbageCollector(engine, onError);
  const quotas = new QuotaStatus(engine, onError);
  const expiry = new EventExpiry(store, options.clock);
  let metrics: MetricsSource | undefined;
  const namespaces = new NamespaceLifecycle(engine, options.rootCertificate ?? '', onError);
  const kindOf = (name: ResourceName) => catalogue.require(name);
  const definitions = kindOf({
    group: 'apiextensions.k8s.io',
    version: 'v1',
    resource: 'customresourcedefinitions',
  });
  for (const definition of bundledDefinitions(options.bundled ?? [])) {
    if (store.get(definitions.table, undefined, definition.metadata.name) !== undefined) continue;
    const request = requestOf(definitions, undefined, { fieldManager: 'drydock' });
    await createObject(engine, request, definition as unknown as JsonValue);
  }
  await createComponentStatuses(engine);
  await syncApiServices(engine);

  return {
    engine,
    tokens: new ServiceAccountTokens(store, options.clock, opened?.tokenKey),
    clock: options.clock,
    get metrics() {
      return metrics;
    },
    setMetrics(source) {
      metrics = source;
    },
    setServiceResolver: (resolve) => webhooks.setResolver(resolve),
    compact: () => store.compact(),
    async close() {
      custom.close();
      collector.close();
      quotas.close();
      expiry.close();
      namespaces.close();
      await store.close();
    },
    get(resource, namespace, name) {
      const kind = kindOf(resource);
      const entry = store.get(kind.table, kind.namespaced ? namespace : undefined, name);
      return entry === undefined ? undefined : asServed(kind, entry.object);
    },
    list(resource, listOptions = {}) {
      const kind = kindOf(resource);
      const entries = selectEntries(store.table(kind.table).sorted(), selectionOf(kind, listOptions));
      return {
        items: entries.map((entry) => asServed(kind, entry.object)),
        resourceVersion: String(store.revision),
      };
    },
    watch(resource, listOptions, onEvent: (event: WatchEvent) => void) {
      const kind = kindOf(resource);
      const selection = selectionOf(kind, listOptions);
      const after = store.revision;
      const entries = selectEntries(store.table(kind.table).sorted(), selection);
      let stopped = false;
      // Changes that the caller makes while it is told of what there is come after that.
      let early: WatchEvent[] | undefined = [];
      const stop = store.listen(
        kind.table,
        (change) => {
          const seen = seenChange(change, selection);
          if (seen === undefined || stopped) return;
          const event: WatchEvent = { type: seen.type, object: asServed(kind, seen.object) };
          if (early === undefined) onEvent(event);
          else early.push(event);
        },
        after,
      );
      for (const entry of entries) onEvent({ type: 'ADDED', object: asServed(kind, entry.object) });
      for (let event = early.shift(); event !== undefined; event = early.shift()) onEvent(event);
      early = undefined;
      return () => {
        stopped = true;
        stop();
      };
    },
    create(resource, object, writeOptions) {
      const kind = kindOf(resource);
      const request = requestOf(kind, object.metadata.namespace, writeOptions);
      return createObject(engine, request, object as unknown as JsonValue);
    },
    async update(resource, object, writeOptions) {
      const kind = kindOf(resource);
      const request = requestOf(kind, object.metadata.namespace, writeOptions);
      const body = object as unknown as JsonValue;
      if (writeOptions.subresource === 'scale') {
        const entry = requireEntry(engine, kind, request.namespace, object.metadata.name);
        return writeScale(engine, request, entry, body);
      }
      return replaceObject(engine, request, object.metadata.name, body);
    },
    async patch(resource, namespace, name, type, patch, writeOptions) {
      const kind = kindOf(resource);
      const request = { ...requestOf(kind, namespace, writeOptions), force: writeOptions.force ?? false };
      return (await patchObject(engine, request, name, type, patch)).object;
    },
    async delete(resource, namespace, name, deleteOptions = {}) {
      const kind = kindOf(resource);
      await deleteObject(engine, requestOf(kind, namespace, { fieldManager: '' }), name, deleteOptions);
    },
  };
}
