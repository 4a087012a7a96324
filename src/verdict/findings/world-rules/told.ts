import type { BoundaryName, Claim } from '../../../boundaries/index.ts';
import { counted, groupBy, quote } from './rule.ts';
import type { Draft } from './rule.ts';
import type { View } from './view.ts';

/** A sentence of a system about one object, and how far it still holds. */
export interface Told {
  readonly text: string;
  /** What it is about, as people name it: `Deployment/payments/api`. */
  readonly who: string;
  readonly space: string | undefined;
  readonly claims: (boundary: BoundaryName) => readonly Claim[];
  /** 1 for the state of now; less for what may be history. */
  readonly weight: number;
}

export type Groups = Readonly<Record<string, string | undefined>>;

/** What a sentence means. `g` holds what its pattern named, `n` is ` -n NAMESPACE` or nothing. */
export interface Row {
  readonly failure: string;
  readonly id: string;
  readonly boundary: BoundaryName;
  readonly pattern: RegExp;
  readonly title: (g: Groups, told: Told) => string;
  readonly confidence: number;
  readonly why: string;
  readonly misleading: readonly (readonly [signal: string, truth: string])[];
  readonly now: (g: Groups, n: string, told: Told) => Draft['now'];
  readonly lasting: string;
  readonly verify: (g: Groups, n: string, told: Told) => readonly string[];
  readonly can?: 'commit' | 'sync' | 'rollback';
  readonly symptom?: boolean;
}

interface Match {
  readonly row: Row;
  readonly told: Told;
  readonly g: Groups;
  readonly title: string;
}

function matchOf(rows: readonly Row[], told: Told): Match | undefined {
  for (const row of rows) {
    const found = row.pattern.exec(told.text);
    if (found === null) continue;
    const g = found.groups ?? {};
    return { row, told, g, title: row.title(g, told) };
  }
  return undefined;
}

/** The first row that fits a sentence counts; sentences of one meaning about one thing are one finding. */
export function draftsOf(rows: readonly Row[], sentences: readonly Told[]): readonly Draft[] {
  const matches = sentences.flatMap((told) => matchOf(rows, told) ?? []);
  const groups = groupBy(matches, ({ row, told, title }) => [row.id, title, told.space ?? ''].join('|'));
  return [...groups.values()].flatMap((group) => {
    const best = group.reduce((a, b) => (b.told.weight > a.told.weight ? b : a));
    const { row, told, g, title } = best;
    const n = told.space === undefined ? '' : ` -n ${told.space}`;
    const who = [...new Set(group.map((match) => match.told.who))];
    return [
      {
        failure: row.failure,
        id: row.id,
        boundary: row.boundary,
        title,
        confidence: Math.round(row.confidence * told.weight * 100) / 100,
        why: [
          `${who.length > 3 ? `${who.slice(0, 2).join(', ')} and ${counted(who.length - 2, 'other')}` : who.join(', ')}: ${quote(told.text)}`,
          row.why,
        ],
        claims: group.flatMap((match) => match.told.claims(row.boundary)),
        misleading: row.misleading,
        now: row.now(g, n, told),
        lasting: [row.lasting],
        verify: row.verify(g, n, told),
        ...(row.can === undefined ? {} : { can: row.can }),
        ...(row.symptom === undefined ? {} : { symptom: row.symptom }),
        space: told.space,
      },
    ];
  });
}

const WEIGHTS = { condition: 1, engine: 1, command: 0.97, event: 0.9, log: 0.85 } as const;

/** What engines, commands and conditions complain of, as sentences. */
export function complained(view: View): readonly Told[] {
  return view.complaints.map((complaint) => ({
    text: complaint.text,
    who: complaint.by,
    space: complaint.namespace,
    weight: WEIGHTS[complaint.from],
    claims: (boundary) => [view.claim(boundary, complaint.by, 'message', complaint.text, complaint.source)],
  }));
}
