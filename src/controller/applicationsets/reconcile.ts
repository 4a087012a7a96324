import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  jsonEqual,
} from '../../kernel/index.ts';
import type { Clock, JsonObject, JsonValue, Logger } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { APPLICATION_KIND } from '../../boundaries/sync/index.ts';
import type { Jq } from '../../boundaries/sync/index.ts';
import type { EventRecorder } from '../events.ts';
import type { Turn } from '../queue.ts';
import { mergePatch } from '../status.ts';
import { applicationsOf } from './applications.ts';
import type { Reason } from './applications.ts';
import { askAgainAfter } from './generators.ts';
import type { GeneratorSources } from './generators.ts';
import { applicationSetStatus } from './set-status.ts';
import { withoutIgnored } from './ignored.ts';

export const APPLICATION_SET_KIND = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet' } as const;
export const SET_REFRESH_ANNOTATION = 'argocd.argoproj.io/application-set-refresh';

export interface SetOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: EventRecorder;
  /** The Applications of a namespace, as the watch has them. */
  readonly applications: (namespace: string | undefined) => readonly KubeObject[];
  /** What generators read in this turn. */
  readonly sources: (set: KubeObject, turn: Turn) => GeneratorSources;
  /** In Argo CD's words why a generated Application cannot be honoured; it is not written then. */
  readonly problemOf: (application: KubeObject, turn: Turn) => Promise<string | undefined>;
  /** For the expressions of `ignoreApplicationDifferences`. */
  readonly jq: Jq;
  /** Ms between two looks at Git, where a generator does not say. */
  readonly pollMs: number;
}

interface Failure {
  readonly message: string;
  readonly reason:
    | Reason
    | 'ApplicationValidationError'
    | 'UpdateApplicationError'
    | 'CreateApplicationError'
    | 'DeleteApplicationError';
}

const MANAGER = 'landfall-applicationset';
const RETRY = 180_000;
const PRESERVED_ANNOTATIONS = [
  'notified.notifications.argoproj.io',
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/hydrate',
];
const PRESERVED_FINALIZERS = [
  'post-delete-finalizer.argocd.argoproj.io',
  'pre-delete-finalizer.argocd.argoproj.io',
];

/** One ApplicationSet, made into its Applications: what is there already and right costs no write. */
export async function reconcileSet(
  options: SetOptions,
  set: KubeObject,
  turn: Turn,
): Promise<{ readonly again?: number } | undefined> {
  const { client, pollMs } = options;
  const policy = policyOf(set);
  if (set.metadata.deletionTimestamp !== undefined) {
    if (!policy.deletes) await disown(options, set, turn);
    await release(client, set, turn);
    return undefined;
  }
  const failure = await bringAbout(options, set, policy, turn);
  await writeStatus(options, set, failure, turn);
  const generators = getArray(set, 'spec', 'generators');
  const again = askAgainAfter(generators, pollMs);
  if (failure !== undefined) return { again: Math.min(RETRY, again ?? RETRY) };
  return again === undefined ? undefined : { again };
}

interface Policy {
  readonly updates: boolean;
  readonly deletes: boolean;
}

function policyOf(set: KubeObject): Policy {
  const name = getString(set, 'spec', 'syncPolicy', 'applicationsSync') || 'sync';
  return {
    updates: name === 'sync' || name === 'create-update',
    deletes: name === 'sync' || name === 'create-delete',
  };
}

async function bringAbout(
  options: SetOptions,
  set: KubeObject,
  policy: Policy,
  turn: Turn,
): Promise<Failure | undefined> {
  const made = await applicationsOf(set, options.sources(set, turn));
  if ('error' in made) {
    const error = asLandfallError(made.error);
    // Nobody's template: the queue tries again, and nothing is taken away meanwhile.
    if (error.kind === 'cancelled' || error.kind === 'bug') throw error;
    return { message: error.message, reason: made.reason };
  }
  const { valid, invalid } = await validated(options, set, made.applications, turn);
  const current = ownedBy(options, set);
  for (const application of valid.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    try {
      await write(options, set, application, policy, turn);
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind === 'cancelled' || error.kind === 'bug' || error.kind === 'unavailable') throw error;
      return {
        message: error.message,
        reason: policy.updates ? 'UpdateApplicationError' : 'CreateApplicationError',
      };
    }
  }
  if (policy.deletes) {
    // What was generated stays, also where it is not valid now.
    const wanted = new Set(made.applications.map((application) => application.metadata.name));
    for (const application of current.filter((item) => !wanted.has(item.metadata.name))) {
      if (application.metadata.deletionTimestamp !== undefined) continue;
      await remove(options, set, application, turn);
    }
  }
  return invalid;
}

async function validated(
  options: SetOptions,
  set: KubeObject,
  applications: readonly KubeObject[],
  turn: Turn,
): Promise<{ readonly valid: readonly KubeObject[]; readonly invalid: Failure | undefined }> {
  const valid: KubeObject[] = [];
  const problems: string[] = [];
  const names = new Set<string>();
  for (const application of applications) {
    const { name } = application.metadata;
    const problem =
      name === ''
        ? `ApplicationSet ${set.metadata.name} contains an application with no name; a name must be set in the template's metadata.name or via a templatePatch (generateName is not supported)`
        : names.has(name)
          ? `ApplicationSet ${set.metadata.name} contains applications with duplicate name: ${name}`
          : await options.problemOf(application, turn);
    names.add(name);
    if (problem === undefined) valid.push(application);
    else problems.push(problem);
  }
  const last = problems.at(-1);
  if (last === undefined) return { valid, invalid: undefined };
  const message = problems.length > 1 ? `${last} (and ${problems.length - 1} more)` : last;
  // Of two with one name neither is the right one: as Argo CD, the first stays.
  return { valid, invalid: { message, reason: 'ApplicationValidationError' } };
}

function isOwner(reference: JsonValue | undefined, set: KubeObject): boolean {
  return (
    getString(reference, 'kind') === 'ApplicationSet' &&
    getIn(reference, 'controller') === true &&
    getString(reference, 'name') === set.metadata.name
  );
}

function references(application: KubeObject): readonly JsonValue[] {
  return getArray(application, 'metadata', 'ownerReferences');
}

function ownedBy(options: SetOptions, set: KubeObject): readonly KubeObject[] {
  return options
    .applications(set.metadata.namespace)
    .filter((item) => references(item).some((reference) => isOwner(reference, set)));
}

function refOf(application: KubeObject) {
  const { name, namespace } = application.metadata;
  return { ...APPLICATION_KIND, name, ...(namespace === undefined ? {} : { namespace }) };
}

/** Creates it, or changes what differs; fields that the set preserves or ignores stay as they are. */
async function write(
  options: SetOptions,
  set: KubeObject,
  application: KubeObject,
  policy: Policy,
  turn: Turn,
): Promise<void> {
  const { client, events } = options;
  const { name } = application.metadata;
  const owner: JsonObject = {
    ...APPLICATION_SET_KIND,
    name: set.metadata.name,
    uid: set.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
  const stored =
    options.applications(application.metadata.namespace).find((item) => item.metadata.name === name) ??
    (await client.get(refOf(application), turn.signal));
  if (stored === undefined) {
    const metadata = {
      ...application.metadata,
      ownerReferences: [owner],
    } as unknown as KubeObject['metadata'];
    await client.create({ ...application, metadata }, { fieldManager: MANAGER }, turn.signal);
    await events.record(set, 'Normal', 'created', `created Application "${name}"`, turn.signal);
    return;
  }
  if (!policy.updates) return;
  const other = references(stored).find((item) => getIn(item, 'controller') === true && !isOwner(item, set));
  if (other !== undefined) {
    throw new LandfallError(
      `Object ${stored.metadata.namespace ?? ''}/${name} is already owned by another ${getString(other, 'kind') ?? ''} controller ${getString(other, 'name') ?? ''}`,
      {
        kind: 'conflict',
        code: 'application-owned',
        object: name,
        hint: 'Give the Applications of one of the two other names.',
      },
    );
  }
  const wanted = preserved(set, stored, application);
  const before: JsonObject = {
    metadata: significant(stored, references(stored)),
    spec: getObject(stored, 'spec') ?? {},
  };
  const owners = references(stored).some((reference) => isOwner(reference, set))
    ? references(stored)
    : [...references(stored), owner];
  const after: JsonObject = { metadata: significant(wanted, owners), spec: getObject(wanted, 'spec') ?? {} };
  const ignore = getArray(set, 'spec', 'ignoreApplicationDifferences');
  const kept = await withoutIgnored(ignore, name, before, after, { jq: options.jq, signal: turn.signal });
  const patch = mergePatch(before, kept);
  if (patch === undefined) return;
  await client.patch(refOf(application), 'merge', patch, { fieldManager: MANAGER }, turn.signal);
  await events.record(set, 'Normal', 'updated', `updated Application "${name}"`, turn.signal);
}

function significant(application: KubeObject, owners: readonly JsonValue[]): JsonObject {
  const { labels, annotations, finalizers } = application.metadata;
  return {
    ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels: { ...labels } }),
    ...(annotations === undefined || Object.keys(annotations).length === 0
      ? {}
      : { annotations: { ...annotations } }),
    ...(finalizers === undefined || finalizers.length === 0 ? {} : { finalizers: [...finalizers] }),
    ...(owners.length === 0 ? {} : { ownerReferences: [...owners] }),
  };
}

/** What somebody else put on the stored Application, and the set lets stay. */
function preserved(set: KubeObject, stored: KubeObject, application: KubeObject): KubeObject {
  const fields = (kind: 'annotations' | 'labels') =>
    getArray(set, 'spec', 'preservedFields', kind).filter((item): item is string => typeof item === 'string');
  const keep = (
    had: Readonly<Record<string, string>> | undefined,
    wanted: Readonly<Record<string, string>> | undefined,
    names: readonly string[],
  ) => {
    const result: Record<string, string> = { ...wanted };
    for (const name of names) {
      const value = had?.[name];
      if (value !== undefined) result[name] = value;
    }
    return result;
  };
  const finalizers = [
    ...(application.metadata.finalizers ?? []),
    ...(stored.metadata.finalizers ?? []).filter((name) =>
      PRESERVED_FINALIZERS.some((prefix) => name.startsWith(prefix)),
    ),
  ];
  return {
    ...application,
    metadata: {
      ...application.metadata,
      labels: keep(stored.metadata.labels, application.metadata.labels, fields('labels')),
      annotations: keep(stored.metadata.annotations, application.metadata.annotations, [
        ...fields('annotations'),
        ...PRESERVED_ANNOTATIONS,
      ]),
      finalizers: [...new Set(finalizers)],
    },
  };
}

async function remove(
  options: SetOptions,
  set: KubeObject,
  application: KubeObject,
  turn: Turn,
): Promise<void> {
  const { client, events } = options;
  const { name, uid } = application.metadata;
  await client.delete(
    refOf(application),
    { propagationPolicy: 'Background', ...(uid === undefined ? {} : { preconditions: { uid } }) },
    turn.signal,
  );
  await events.record(set, 'Normal', 'Deleted', `Deleted Application "${name}"`, turn.signal);
}

/** A set that may not delete lets its Applications go before it goes itself. */
async function disown(options: SetOptions, set: KubeObject, turn: Turn): Promise<void> {
  for (const application of ownedBy(options, set)) {
    const left = references(application).filter((reference) => !isOwner(reference, set));
    await options.client.patch(
      refOf(application),
      'merge',
      { metadata: { ownerReferences: left.length === 0 ? null : [...left] } },
      { fieldManager: MANAGER },
      turn.signal,
    );
  }
}

const SET_FINALIZER = 'resources-finalizer.argocd.argoproj.io';

async function release(client: KubeClient, set: KubeObject, turn: Turn): Promise<void> {
  const finalizers = set.metadata.finalizers ?? [];
  if (!finalizers.includes(SET_FINALIZER)) return;
  await client.patch(
    setRef(set),
    'merge',
    { metadata: { finalizers: finalizers.filter((name) => name !== SET_FINALIZER) } },
    { fieldManager: MANAGER },
    turn.signal,
  );
}

function setRef(set: KubeObject) {
  const { name, namespace } = set.metadata;
  return { ...APPLICATION_SET_KIND, name, ...(namespace === undefined ? {} : { namespace }) };
}

async function writeStatus(
  options: SetOptions,
  set: KubeObject,
  failure: Failure | undefined,
  turn: Turn,
): Promise<void> {
  const { client, clock, logger } = options;
  const current = ownedBy(options, set);
  const before = getObject(set, 'status') ?? {};
  const status = applicationSetStatus(before, failure, current, clock.now());
  if (failure !== undefined && !jsonEqual(before['conditions'], status['conditions'])) {
    logger.warn('An ApplicationSet could not be made into its Applications', {
      applicationSet: `${set.metadata.namespace ?? ''}/${set.metadata.name}`,
      reason: failure.reason,
      error: failure.message,
    });
  }
  const patch = mergePatch(before, status);
  if (patch !== undefined) {
    const { subresources } = await client.resource(APPLICATION_SET_KIND, turn.signal);
    await client.patch(
      setRef(set),
      'merge',
      { status: patch },
      { fieldManager: MANAGER, ...(subresources.includes('status') ? { subresource: 'status' } : {}) },
      turn.signal,
    );
  }
  if (set.metadata.annotations?.[SET_REFRESH_ANNOTATION] !== undefined && failure === undefined) {
    await client.patch(
      setRef(set),
      'merge',
      { metadata: { annotations: { [SET_REFRESH_ANNOTATION]: null } } },
      { fieldManager: MANAGER },
      turn.signal,
    );
  }
}

export function isGenerated(application: KubeObject): string | undefined {
  const owner = references(application).find(
    (item) => isJsonObject(item) && getString(item, 'kind') === 'ApplicationSet',
  );
  return owner === undefined ? undefined : getString(owner, 'name');
}
