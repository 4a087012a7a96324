import type { Change } from '../../ledger/index.ts';
import { changeLine } from './plan.ts';
import type { ChangePlan } from './plan.ts';
import type { ChangeDetail } from './record.ts';
import { releaseName } from './release.ts';

const LONGEST_SUBJECT = 72;
const MOST_LINES = 30;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

/** The message of the commit: environment and workload first, then why it may be, then what changes. */
export function messageOf(change: Change, detail: ChangeDetail, plan: ChangePlan): string {
  const { family, from, to, release, override, gates, replaced } = detail;
  const name = releaseName(release);
  const subject =
    change.kind === 'promotion'
      ? `Promote ${family} ${name} to ${to.environment}`
      : `Roll back ${family} in ${to.environment} to ${name}`;
  const lines = plan.changes.map(changeLine);
  const shown = lines.slice(0, MOST_LINES);
  const why =
    change.kind === 'promotion'
      ? [
          `From ${from?.environment ?? ''} (${from?.application ?? ''}), where it was proven.`,
          ...gates
            .filter(({ state }) => state === 'open')
            .map(({ gate, text }) => `${gate}: ${oneLine(text)}`),
          ...gates
            .filter(({ state }) => state === 'overridden')
            .map(({ gate, text }) => `${gate}, overridden: ${oneLine(text)}`),
        ]
      : [
          `Replaces ${replaced === undefined ? 'what is there' : releaseName(replaced)}. Updates and promotions are held until somebody lifts that.`,
        ];
  return [
    subject.length > LONGEST_SUBJECT ? `${subject.slice(0, LONGEST_SUBJECT - 1)}…` : subject,
    '',
    ...why,
    ...(override === undefined ? [] : [`Reason: ${oneLine(override)}`]),
    `Asked for by ${oneLine(change.actor.name)}.`,
    '',
    ...shown,
    ...(lines.length > shown.length ? [`and ${lines.length - shown.length} more`] : []),
  ].join('\n');
}
