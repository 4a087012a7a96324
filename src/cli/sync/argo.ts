import { randomUUID } from 'node:crypto';
import { userInfo } from 'node:os';
import {
  LandfallError,
  asLandfallError,
  getArray,
  getIn,
  getObject,
  getString,
  isJsonObject,
  nearest,
} from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { SyncCommandOptions } from '../commands/sync.ts';
import type { SyncReport, SyncedObject } from './report.ts';

const MANAGER = 'landfall';
const TRIES = 5;
/** Tells an operation that was asked for here from any other. */
const REQUEST = 'landfall-request';

/** What of the command line is a matter of the operation itself. */
type SyncRequestOptions = Pick<SyncCommandOptions, 'prune' | 'dryRun' | 'revision' | 'resource' | 'force'>;

function isBusy(application: KubeObject): boolean {
  const phase = getString(application, 'status', 'operationState', 'phase');
  return getObject(application, 'operation') !== undefined || phase === 'Running' || phase === 'Terminating';
}

/** Refuses an object that the application does not have, before anything is asked for. */
function checkResources(application: KubeObject, options: SyncRequestOptions): void {
  const known = getArray(application, 'status', 'resources');
  if (known.length === 0) return;
  const text = (item: unknown, field: string) => getString(item as JsonObject, field) ?? '';
  for (const asked of options.resource ?? []) {
    const found = known.some(
      (item) =>
        text(item, 'group') === asked.group &&
        text(item, 'kind') === asked.kind &&
        text(item, 'name') === asked.name &&
        (asked.namespace === '' || text(item, 'namespace') === asked.namespace),
    );
    if (found) continue;
    const names = known.map((item) => {
      const namespace = text(item, 'namespace');
      return `${text(item, 'group')}:${text(item, 'kind')}:${namespace === '' ? '' : `${namespace}/`}${text(item, 'name')}`;
    });
    const place = asked.namespace === '' ? '' : `${asked.namespace}/`;
    const wrong = `${asked.group}:${asked.kind}:${place}${asked.name}`;
    const near = nearest(wrong, names);
    throw new LandfallError(`${objectName(application)} has no object ${wrong}.`, {
      kind: 'invalid-input',
      code: 'resource-unknown',
      object: wrong,
      hint:
        near.length === 0 ? `It has ${names.slice(0, 3).join(', ')}.` : `Did you mean ${near.join(', ')}?`,
    });
  }
}

function operationOf(
  application: KubeObject,
  options: SyncRequestOptions,
  id: string,
  user: string,
): JsonObject {
  const policy = getArray(application, 'spec', 'syncPolicy', 'syncOptions');
  return {
    initiatedBy: { username: user },
    info: [{ name: REQUEST, value: id }],
    sync: {
      ...(options.revision === undefined ? {} : { revision: options.revision }),
      ...(options.prune === true ? { prune: true } : {}),
      ...(options.dryRun === true ? { dryRun: true } : {}),
      ...(policy.length === 0 ? {} : { syncOptions: [...policy] }),
      ...(options.resource === undefined ? {} : { resources: options.resource.map((item) => ({ ...item })) }),
      syncStrategy: { hook: options.force === true ? { force: true } : {} },
    },
  };
}

/**
 * Asks the controller of an Application for a sync by its `operation`, as Argo CD's own clients do. Gives what tells
 * this operation from others. Throws `conflict` while another one runs.
 */
export async function askForSync(
  kube: KubeClient,
  found: KubeObject,
  options: SyncRequestOptions,
  user: string,
  signal: AbortSignal,
): Promise<string> {
  checkResources(found, options);
  const id = randomUUID();
  let application = found;
  for (let attempt = 1; ; attempt += 1) {
    if (isBusy(application)) {
      const message =
        getString(application, 'status', 'operationState', 'message') ?? 'it has been asked for';
      throw new LandfallError(`${objectName(application)} is being synced already: ${message}.`, {
        kind: 'conflict',
        code: 'sync-in-progress',
        object: objectName(application),
        hint: `Wait for it, or end it: landfall sync ${application.metadata.name} --terminate`,
      });
    }
    const { resourceVersion } = application.metadata;
    const change: JsonObject = {
      metadata: resourceVersion === undefined ? {} : { resourceVersion },
      operation: operationOf(application, options, id, user),
    };
    try {
      await kube.patch(refOf(application), 'merge', change, { fieldManager: MANAGER }, signal);
      return id;
    } catch (thrown) {
      const error = asLandfallError(thrown);
      if (error.kind !== 'conflict' || attempt >= TRIES) throw error;
      application = (await kube.get(refOf(application), signal)) ?? application;
    }
  }
}

/** Who asks, as the history of the Application will have it. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'landfall';
  }
}

/** Ends the operation that runs, as `argocd app terminate-op` does; one that nobody has taken up is taken back. */
export async function askForEnd(
  kube: KubeClient,
  application: KubeObject,
  signal: AbortSignal,
): Promise<'ending' | 'taken back'> {
  const phase = getString(application, 'status', 'operationState', 'phase');
  const ref = refOf(application);
  if (phase === 'Running') {
    const { subresources } = await kube.resource(ref, signal);
    const separate = subresources.includes('status') ? { subresource: 'status' } : {};
    const status = { operationState: { phase: 'Terminating' } };
    await kube.patch(ref, 'merge', { status }, { fieldManager: MANAGER, ...separate }, signal);
    return 'ending';
  }
  if (phase === 'Terminating') return 'ending';
  if (getObject(application, 'operation') === undefined) {
    throw new LandfallError(`No operation of ${objectName(application)} runs.`, {
      kind: 'invalid-input',
      code: 'no-operation',
      object: objectName(application),
    });
  }
  await kube.patch(ref, 'merge', { operation: null }, { fieldManager: MANAGER }, signal);
  return 'taken back';
}

function isAbout(state: JsonObject | undefined, id: string): boolean {
  return getArray(state, 'operation', 'info').some((item) => getString(item, 'value') === id);
}

function objectsOf(state: JsonObject): readonly SyncedObject[] {
  return getArray(state, 'syncResult', 'resources')
    .filter(isJsonObject)
    .map((item) => {
      const text = (field: string) => getString(item, field) ?? '';
      return {
        group: text('group'),
        kind: text('kind'),
        namespace: text('namespace'),
        name: text('name'),
        phase: text('syncPhase'),
        hook: text('hookType') !== '',
        status: text('status'),
        progress: text('hookPhase'),
        message: text('message'),
      };
    });
}

/** How far the operation is; undefined while nobody has taken it up. `id` undefined: whichever runs. */
export function readProgress(
  application: KubeObject,
  id: string | undefined,
): Pick<SyncReport, 'state' | 'message' | 'revision' | 'dryRun' | 'objects'> | undefined {
  const state = getObject(application, 'status', 'operationState');
  if (state === undefined || (id !== undefined && !isAbout(state, id))) return undefined;
  const phase = getString(state, 'phase');
  const several = getArray(state, 'syncResult', 'revisions').filter((item) => typeof item === 'string');
  return {
    state: phase === 'Succeeded' ? 'synced' : phase === 'Failed' || phase === 'Error' ? 'failed' : 'running',
    message: getString(state, 'message') ?? '',
    revision: several.length > 0 ? several.join(', ') : (getString(state, 'syncResult', 'revision') ?? ''),
    dryRun: getIn(state, 'operation', 'sync', 'dryRun') === true,
    objects: objectsOf(state),
  };
}
