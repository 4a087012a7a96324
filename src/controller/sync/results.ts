import { getString } from '../../kernel/index.ts';
import type { JsonObject } from '../../kernel/index.ts';
import { result } from '../outcome.ts';
import type { ResultStatus, TaskPhase } from '../outcome.ts';
import { taskObject } from './tasks.ts';
import type { SyncTask } from './tasks.ts';

/** What became of the tasks of one attempt so far, kept as the Application's status has it. */
export interface Results {
  readonly size: number;
  status(task: SyncTask): ResultStatus | undefined;
  phase(task: SyncTask): TaskPhase | undefined;
  message(task: SyncTask): string;
  /** `passing`: it failed for a reason of the moment. */
  set(task: SyncTask, status: ResultStatus, phase: TaskPhase, message: string, passing?: boolean): void;
  /** What failed so far in this turn, failed for reasons of the moment, all of it. */
  readonly passing: boolean;
  list(): readonly JsonObject[];
}

function keyOf(item: JsonObject): string {
  const text = (field: string) => getString(item, field) ?? '';
  return `${text('group')}|${text('kind')}|${text('namespace')}|${text('name')}:${text('syncPhase')}`;
}

export function createResults(before: readonly JsonObject[]): Results {
  const items = new Map(before.map((item) => [keyOf(item), item]));
  const lost = new Map<string, boolean>();
  return {
    get size() {
      return items.size;
    },
    status: (task) => getString(items.get(task.key), 'status') as ResultStatus | undefined,
    phase: (task) => getString(items.get(task.key), 'hookPhase') as TaskPhase | undefined,
    message: (task) => getString(items.get(task.key), 'message') ?? '',
    get passing() {
      return lost.size > 0 && [...lost.values()].every(Boolean);
    },
    set(task, status, hookPhase, message, passing = false) {
      if (hookPhase === 'Failed' || hookPhase === 'Error') lost.set(task.key, passing);
      const known = items.get(task.key);
      const text = message === '' ? (getString(known, 'message') ?? '') : message;
      const { phase: syncPhase, hook } = task;
      items.set(task.key, result(taskObject(task), status, text, { syncPhase, hookPhase, hook }));
    },
    list: () => [...items.values()],
  };
}
