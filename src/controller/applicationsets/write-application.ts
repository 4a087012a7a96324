import { LandfallError, getArray, getIn, getObject, getString, isJsonObject } from '../../kernel/index.ts';
import type { JsonObject, JsonValue } from '../../kernel/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { APPLICATION_KIND } from '../../boundaries/sync/index.ts';
import type { Jq } from '../../boundaries/sync/index.ts';
import type { EventRecorder } from '../events.ts';
import type { Turn } from '../queue.ts';
import { mergePatch } from '../status.ts';
import { withoutIgnored } from './ignored.ts';
import type { IgnoringBy } from './ignored.ts';

export const APPLICATION_SET_KIND = { apiVersion: 'argoproj.io/v1alpha1', kind: 'ApplicationSet' } as const;
/** The field manager of what ApplicationSets write. */
export const MANAGER = 'landfall-applicationset';
const PRESERVED_ANNOTATIONS = [
  'notified.notifications.argoproj.io',
  'argocd.argoproj.io/refresh',
  'argocd.argoproj.io/hydrate',
];
const PRESERVED_FINALIZERS = [
  'post-delete-finalizer.argocd.argoproj.io',
  'pre-delete-finalizer.argocd.argoproj.io',
];

export interface WriteOptions {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  /** The Applications of a namespace, as the watch has them. */
  readonly applications: (namespace: string | undefined) => readonly KubeObject[];
  /** For the expressions of `ignoreApplicationDifferences`. */
  readonly jq: Jq;
}

export function isOwner(reference: JsonValue | undefined, set: KubeObject): boolean {
  return (
    getString(reference, 'kind') === 'ApplicationSet' &&
    getIn(reference, 'controller') === true &&
    getString(reference, 'name') === set.metadata.name
  );
}

export function references(application: KubeObject): readonly JsonValue[] {
  return getArray(application, 'metadata', 'ownerReferences');
}

/** The Applications that the set controls. */
export function ownedBy(options: Pick<WriteOptions, 'applications'>, set: KubeObject): readonly KubeObject[] {
  return options
    .applications(set.metadata.namespace)
    .filter((item) => references(item).some((reference) => isOwner(reference, set)));
}

export function refOf(application: KubeObject) {
  const { name, namespace } = application.metadata;
  return { ...APPLICATION_KIND, name, ...(namespace === undefined ? {} : { namespace }) };
}

export function isGenerated(application: KubeObject): string | undefined {
  const owner = references(application).find(
    (item) => isJsonObject(item) && getString(item, 'kind') === 'ApplicationSet',
  );
  return owner === undefined ? undefined : getString(owner, 'name');
}

function ownerOf(set: KubeObject): JsonObject {
  return {
    ...APPLICATION_SET_KIND,
    name: set.metadata.name,
    uid: set.metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Creates it, or changes what differs; fields that the set preserves or ignores stay as they are. */
export async function writeApplication(
  options: WriteOptions,
  set: KubeObject,
  application: KubeObject,
  updates: boolean,
  turn: Turn,
): Promise<void> {
  const { client, events } = options;
  const { name } = application.metadata;
  const stored =
    options.applications(application.metadata.namespace).find((item) => item.metadata.name === name) ??
    (await client.get(refOf(application), turn.signal));
  if (stored === undefined) {
    const metadata = {
      ...application.metadata,
      ownerReferences: [ownerOf(set)],
    } as unknown as KubeObject['metadata'];
    await client.create({ ...application, metadata }, { fieldManager: MANAGER }, turn.signal);
    await events.record(set, 'Normal', 'created', `created Application "${name}"`, turn.signal);
    return;
  }
  if (!updates) return;
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
  const by = { jq: options.jq, signal: turn.signal };
  const patch = await applicationChange(set, stored, application, by);
  if (patch === undefined) return;
  await client.patch(refOf(application), 'merge', patch, { fieldManager: MANAGER }, turn.signal);
  await events.record(set, 'Normal', 'updated', `updated Application "${name}"`, turn.signal);
}

/** What the set would change of a stored Application; undefined: nothing. */
export async function applicationChange(
  set: KubeObject,
  stored: KubeObject,
  application: KubeObject,
  by: IgnoringBy,
): Promise<JsonObject | undefined> {
  const wanted = preserved(set, stored, application);
  const before: JsonObject = {
    metadata: significant(stored, references(stored)),
    spec: getObject(stored, 'spec') ?? {},
  };
  const owners = references(stored).some((reference) => isOwner(reference, set))
    ? references(stored)
    : [...references(stored), ownerOf(set)];
  const after: JsonObject = { metadata: significant(wanted, owners), spec: getObject(wanted, 'spec') ?? {} };
  const ignore = getArray(set, 'spec', 'ignoreApplicationDifferences');
  const kept = await withoutIgnored(ignore, application.metadata.name, before, after, by);
  return mergePatch(before, kept);
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
