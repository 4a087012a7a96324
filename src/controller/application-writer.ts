import { getObject, getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';
import { REFRESH_ANNOTATION } from '../boundaries/sync/index.ts';
import type { EventRecorder } from './events.ts';
import { mergePatch } from './status.ts';

export interface ApplicationChange {
  readonly status?: JsonObject;
  /** A new operation; null removes the one there is. */
  readonly operation?: JsonObject | null;
  /** Takes away the refresh annotation that was answered; another value that came meanwhile stays. */
  readonly refreshed?: string;
}

export interface ApplicationWriter {
  /** Writes what differs, and nothing when nothing does. Gives back what is stored now. */
  write(application: KubeObject, change: ApplicationChange, signal: AbortSignal): Promise<KubeObject>;
}

const MANAGER = 'landfall-controller';

/**
 * Application objects have their status in the main resource where Argo CD's definition is installed, and in a
 * subresource elsewhere: discovery says which.
 */
export function createApplicationWriter(
  client: KubeClient,
  events: EventRecorder,
  /** The controller's own namespace, which every status names. */
  home: string,
): ApplicationWriter {
  return {
    async write(application, change, signal) {
      const { subresources } = await client.resource(application, signal);
      const separate = subresources.includes('status');
      const before = getObject(application, 'status') ?? {};
      const status =
        change.status === undefined
          ? undefined
          : mergePatch(before, { ...change.status, controllerNamespace: home });
      const main: JsonObject = {};
      if (change.operation !== undefined) {
        const had = getObject(application, 'operation');
        if (change.operation !== null || had !== undefined) main['operation'] = change.operation;
      }
      const asked = application.metadata.annotations?.[REFRESH_ANNOTATION];
      if (change.refreshed !== undefined && asked === change.refreshed) {
        main['metadata'] = { annotations: { [REFRESH_ANNOTATION]: null } };
      }
      if (status !== undefined && !separate) main['status'] = status;
      let stored = application;
      const ref = refOf(application);
      const options = { fieldManager: MANAGER };
      // The status first: who sees that the operation is gone finds its outcome.
      if (status !== undefined && separate) {
        stored = await client.patch(ref, 'merge', { status }, { ...options, subresource: 'status' }, signal);
      }
      if (Object.keys(main).length > 0) stored = await client.patch(ref, 'merge', main, options, signal);
      if (change.status !== undefined && status !== undefined) {
        await announce(events, application, change.status, signal);
      }
      return stored;
    },
  };
}

/** Argo CD's two events of a status that moved. */
async function announce(
  events: EventRecorder,
  application: KubeObject,
  next: JsonObject,
  signal: AbortSignal,
): Promise<void> {
  for (const part of ['sync', 'health'] as const) {
    const from = getString(application, 'status', part, 'status') ?? '';
    const to = getString(next, part, 'status') ?? '';
    if (from === to) continue;
    await events.record(
      application,
      'Normal',
      'ResourceUpdated',
      `Updated ${part} status: ${from} -> ${to}`,
      signal,
    );
  }
}
