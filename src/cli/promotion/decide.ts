import { LandfallError } from '../../kernel/index.ts';
import type { Change, Ledger } from '../../ledger/index.ts';
import {
  applicationAt,
  APPROVED,
  decisionsOn,
  detailOf,
  pairOf,
  REJECTED,
  reportOf,
  resumeChange,
  whyNotCounted,
} from '../../pipeline/index.ts';
import type { DecideOptions } from '../commands/promote.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { actorAt, withPlaces } from './open.ts';
import type { Opened } from './open.ts';
import { codeOfChange, renderChange } from './output.ts';

/** What can be done about a promotion that is under way. */
export type Deed = 'approve' | 'reject' | 'cancel' | 'resume' | 'show';

async function findChange(ledger: Ledger, id: string): Promise<Change> {
  const found = await ledger.changes.get(id);
  if (found !== undefined) return found;
  const open = await ledger.changes.open();
  throw new LandfallError(`The ledger holds no promotion or rollback ${id}.`, {
    kind: 'not-found',
    code: 'change-unknown',
    object: id,
    hint:
      open.length === 0
        ? 'None is under way.'
        : `Under way: ${open.map((change) => `${change.id} (${change.application})`).join(', ')}.`,
  });
}

function notWaiting(change: Change, deed: Deed): LandfallError {
  return new LandfallError(
    `The ${change.kind} ${change.id} is ${change.state}; only one that waits can be ${deed === 'cancel' ? 'cancelled' : `${deed}d`.replace('rejectd', 'rejected')}.`,
    {
      kind: 'conflict',
      code: 'change-not-waiting',
      object: change.id,
      hint:
        deed === 'cancel' && change.state === 'following'
          ? `Its commit is made: landfall rollback ${change.application} takes it back.`
          : `landfall promote show ${change.id}`,
    },
  );
}

async function say(
  deed: 'approve' | 'reject',
  change: Change,
  options: DecideOptions,
  opened: Opened,
  io: CliIo,
) {
  if (change.state !== 'waiting') throw notWaiting(change, deed);
  const pair = await pairOf(opened.survey, change);
  const place = pair?.target.place;
  if (pair === undefined || place === undefined) throw notWaiting(change, deed);
  const { actor, identity } = await actorAt(place, io.signal);
  const policy = pair.environment.policy.approvals;
  const groups = identity?.groups ?? [];
  const why =
    policy === undefined
      ? `no approval is asked for in ${pair.environment.name}`
      : whyNotCounted({ actor, groups }, policy, change.actor);
  if (why !== undefined) {
    throw new LandfallError(`${actor.name} cannot ${deed} ${change.id}: ${why}.`, {
      kind: 'denied',
      code: 'approval-not-counted',
      object: change.id,
      hint: `Who may: environments[].promotion.approvals of landfall.yaml, for ${pair.environment.name}.`,
    });
  }
  const { cluster, namespace, application } = change;
  const subject = { cluster, namespace, application };
  const kind = deed === 'approve' ? APPROVED : REJECTED;
  const before = decisionsOn(change.id, await opened.ledger.decisions.list(subject, 500));
  // The same word twice is one.
  if (before.some((each) => each.kind === kind && each.actor.name === actor.name)) return;
  await opened.ledger.decisions.record({
    ...subject,
    kind,
    actor,
    reason: options.comment ?? '',
    detail: { promotion: change.id, groups: [...groups] },
  });
}

async function cancel(change: Change, options: DecideOptions, opened: Opened, io: CliIo): Promise<void> {
  if (change.state !== 'waiting') throw notWaiting(change, 'cancel');
  const { to } = detailOf(change);
  const { actor } = await actorAt((await applicationAt(opened.survey, to)).place, io.signal);
  const message = `cancelled by ${actor.name}${options.comment === undefined ? '' : `: ${options.comment}`}`;
  if (await opened.ledger.changes.move(change.id, 'waiting', { state: 'cancelled', message })) return;
  throw notWaiting(await findChange(opened.ledger, change.id), 'cancel');
}

/** Approves, rejects, cancels, shows or goes on with a promotion, prints how it stands, and gives the exit code. */
export async function answerDecide(
  deed: Deed,
  id: string,
  options: DecideOptions,
  io: CliIo,
): Promise<number> {
  return withPlaces(options, io, async (opened) => {
    const change = await findChange(opened.ledger, id);
    if (deed === 'approve' || deed === 'reject') await say(deed, change, options, opened, io);
    if (deed === 'cancel') await cancel(change, options, opened, io);
    const goesOn = deed === 'approve' || deed === 'reject' || deed === 'resume';
    const report = goesOn
      ? await resumeChange(change, opened.survey, opened.deps, options.wait, io.signal)
      : reportOf(await findChange(opened.ledger, change.id));
    io.out(formatAnswer(options.output, report, () => renderChange(report, io.clock.now(), outStyle(io))));
    return deed === 'show' || deed === 'cancel' ? EXIT.ok : codeOfChange(report);
  });
}
