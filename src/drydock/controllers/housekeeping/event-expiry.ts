import { messageOf } from '../../../kernel/index.ts';
import type { Logger, Timer } from '../../../kernel/index.ts';
import type { InProcessApi, KubeObject } from '../../api/contract.ts';
import { EVENTS } from '../objects.ts';
import { timeOf } from '../time.ts';
import { isNotFound } from '../writes.ts';

const KEPT_MS = 3_600_000;
const EVERY_MS = 300_000;

/** Deletes Events an hour after they were last seen, as the API server's --event-ttl does. */
export function startEventExpiry(options: { readonly api: InProcessApi; readonly logger: Logger }): {
  close(): Promise<void>;
} {
  const { api, logger } = options;
  let closed = false;
  let sweeping: Promise<void> = Promise.resolve();
  let timer: Timer = api.clock.after(EVERY_MS, again);

  function again(): void {
    sweeping = sweep()
      .catch((error: unknown) => logger.debug('events not expired', { error: messageOf(error) }))
      .then(() => {
        if (!closed) timer = api.clock.after(EVERY_MS, again);
      });
  }

  async function sweep(): Promise<void> {
    const before = api.clock.now() - KEPT_MS;
    for (const event of api.list(EVENTS).items) {
      if (closed) return;
      if (lastSeen(event) >= before) continue;
      try {
        await api.delete(EVENTS, event.metadata.namespace, event.metadata.name);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  return {
    async close() {
      closed = true;
      timer.cancel();
      await sweeping;
    },
  };
}

function lastSeen(event: KubeObject): number {
  const { lastTimestamp, eventTime } = event as { lastTimestamp?: string | null; eventTime?: string | null };
  return timeOf(lastTimestamp) ?? timeOf(eventTime) ?? timeOf(event.metadata.creationTimestamp) ?? 0;
}
