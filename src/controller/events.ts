import { asLandfallError } from '../kernel/index.ts';
import type { Clock, Logger } from '../kernel/index.ts';
import { refOf } from '../kube/index.ts';
import type { KubeClient, KubeObject } from '../kube/index.ts';

export type EventReason =
  | 'OperationStarted'
  | 'OperationCompleted'
  | 'ResourceUpdated'
  | 'ResourceDeleted'
  // Of ApplicationSets.
  | 'created'
  | 'updated'
  | 'Deleted';

export interface EventRecorder {
  /** Never fails: an event that could not be written is logged. */
  record(
    application: KubeObject,
    type: 'Normal' | 'Warning',
    reason: EventReason,
    message: string,
    signal?: AbortSignal,
  ): Promise<void>;
}

const MAX_MESSAGE = 1024;

/** Events on the Application, with the reasons and sentences of Argo CD. */
export function createEventRecorder(client: KubeClient, clock: Clock, logger: Logger): EventRecorder {
  let sequence = 0;
  return {
    async record(application, type, reason, message, signal) {
      const now = clock.now();
      const { name, namespace = 'default', uid, resourceVersion } = application.metadata;
      const time = `${new Date(now).toISOString().slice(0, 19)}Z`;
      sequence = (sequence + 1) % 0x1000;
      const suffix = `${now.toString(16)}${sequence.toString(16).padStart(3, '0')}`;
      const { apiVersion, kind } = refOf(application);
      try {
        await client.create(
          {
            apiVersion: 'v1',
            kind: 'Event',
            metadata: { name: `${name}.${suffix}`, namespace },
            involvedObject: {
              apiVersion,
              kind,
              name,
              namespace,
              ...(uid === undefined ? {} : { uid }),
              ...(resourceVersion === undefined ? {} : { resourceVersion }),
            },
            type,
            reason,
            message: message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message,
            source: { component: 'landfall-controller' },
            firstTimestamp: time,
            lastTimestamp: time,
            count: 1,
          },
          {},
          signal,
        );
      } catch (thrown) {
        const error = asLandfallError(thrown);
        logger.warn('An event could not be written', { application: name, reason, error: error.message });
      }
    },
  };
}
