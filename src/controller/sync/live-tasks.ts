import { asLandfallError } from '../../kernel/index.ts';
import { refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import { taskObject } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

/** The objects of tasks as the API server holds them at this moment; watches may be behind what was just written. */
export interface LiveTasks {
  /** Undefined: it is not there. */
  read(task: SyncTask): Promise<KubeObject | undefined>;
  /** What the last read of this turn found. */
  known(task: SyncTask): KubeObject | undefined;
}

export function createLiveTasks(client: KubeClient, signal: AbortSignal): LiveTasks {
  const found = new Map<string, KubeObject | undefined>();
  return {
    async read(task) {
      let live: KubeObject | undefined;
      try {
        live = await client.get(refOf(taskObject(task)), signal);
      } catch (thrown) {
        const error = asLandfallError(thrown);
        // A kind that is not served has no objects.
        if (error.code !== 'kind-unknown') throw error;
      }
      found.set(task.key, live);
      return live;
    },
    known: (task) => found.get(task.key),
  };
}
