import { LandfallError } from '../kernel/index.ts';
import { objectName, refOf } from '../kube/index.ts';
import type { ApplyResult, KubeClient } from '../kube/index.ts';
import type { Restored, SetStep, SetWriter, StepOutcome } from '../apply/index.ts';
import { readObject } from '../apply/index.ts';
import { ownedClientSide, takeOver } from './sync/index.ts';
import type { PlannedWrite, SyncSet, SyncWriter, TakenBack } from './sync/index.ts';

export function setStep({ action, desired, before, validation }: PlannedWrite): SetStep {
  const strict = validation === 'Strict' ? ('Strict' as const) : ('Ignore' as const);
  return { action, desired, before, validation: strict };
}

/** The writes of a sync through the journal of its set. */
export function journalledSet(
  set: SetWriter,
  client: KubeClient,
  plain: SyncWriter,
): Pick<SyncSet, 'apply' | 'prune'> {
  return {
    async apply(object, options, signal) {
      const action = set.actionOf(object);
      if (action === undefined || action === 'prune') return plain.apply(object, options, signal);
      // Written down before it is done: that it was done, and nothing more.
      if (action === 'hook' || options.hook) {
        await set.begin([object]);
        return plain.apply(object, options, signal);
      }
      let found = action === 'change' ? undefined : await readObject(client, refOf(object), signal);
      const { before, takeOver: managers } = options;
      if (before !== null && before !== undefined && ownedClientSide(before, managers)) {
        await set.begin([object]);
        found = await readObject(client, refOf(object), signal);
        if (found !== undefined) await takeOver(client, found, managers, signal);
      }
      const validation = options.validation === 'Strict' ? 'Strict' : 'Ignore';
      const outcome = await set.apply(object, signal, { validation, ...(found && { found }) });
      return applied(outcome, objectName(object));
    },
    async prune(object, options, signal) {
      if (set.actionOf(object) !== 'prune') return plain.delete(object, options, signal);
      const { propagationPolicy: propagation } = options;
      const outcome = await set.prune(object, signal, {
        wait: false,
        ...(propagation === undefined ? {} : { propagation }),
      });
      if (outcome.state === 'failed') throw failure(outcome, objectName(object));
    },
  };
}

/** The result of a step, or what the API server said against it. */
function applied(outcome: StepOutcome, name: string): ApplyResult {
  if (outcome.state === 'failed') throw failure(outcome, name);
  const { object, warnings } = outcome;
  if (object === undefined || outcome.outcome === 'pruned') {
    throw new LandfallError(`${name} was applied, and the answer holds no object.`, {
      kind: 'bug',
      code: 'set-answer',
      object: name,
    });
  }
  return { object, warnings, outcome: outcome.outcome };
}

const KINDS = {
  refused: 'invalid-input',
  denied: 'denied',
  conflict: 'conflict',
  unknown: 'unavailable',
} as const;

function failure({ why, reason }: Extract<StepOutcome, { state: 'failed' }>, object: string): LandfallError {
  return new LandfallError(reason, { kind: KINDS[why], code: `write-${why}`, object });
}

/** Begins what is said of a set that went back. */
export const PUT_BACK = 'everything was put back as it was';

/** What somebody reads of a set that was taken back: first that nothing of it is left, then what is. */
export function noteOf({ steps, complete }: Restored, passing = false): TakenBack {
  const staying = steps.flatMap(({ state, action, kind, name, message, leftFields }) => {
    if (action === 'hook' && message.startsWith('it is a hook')) return [];
    const fields = leftFields.map(({ field, by }) => `${field} is as ${by} wrote it`);
    if (state === 'left' || state === 'pending') return [`${kind}/${name}: ${message}`];
    return fields.length === 0 ? [] : [`${kind}/${name}: ${fields.join(', ')}`];
  });
  const hooks = steps.flatMap(({ action, state, kind, name, message }) =>
    action === 'hook' && state === 'left' && message.startsWith('it is a hook') ? [`${kind}/${name}`] : [],
  );
  const exceptions = [
    ...staying,
    ...(hooks.length === 0 ? [] : [`what the hooks ${hooks.join(', ')} did is not undone`]),
  ];
  const what = complete ? PUT_BACK : 'not everything could be put back yet';
  const note = exceptions.length === 0 ? what : `${what}, but for ${exceptions.join('; ')}`;
  return { note, staying, passing };
}
