import { valueOf } from '../../boundaries/index.ts';
import type { Drift } from '../../boundaries/index.ts';
import { sleep } from '../../kernel/index.ts';
import type { KubeObject } from '../../kube/index.ts';
import { findDrift, prove } from '../../verdict/index.ts';
import type { DriftReport, Material, Proof, Question, Sources } from '../../verdict/index.ts';
import type { DriftOptions } from '../commands/drift.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';

/** Everything that accepting and reverting work with. */
export interface Settling {
  readonly sources: Sources;
  readonly question: Question;
  readonly material: Material;
  readonly report: DriftReport;
  /** What is to be settled. */
  readonly drifts: readonly Drift[];
  readonly options: DriftOptions;
  readonly io: CliIo;
}

/** One of the three that have to agree. */
export interface Agreement {
  readonly who: 'Git' | 'controller' | 'workload';
  readonly agrees: boolean;
  readonly text: string;
}

/** How it ended. Plain JSON. */
export interface Settled {
  readonly action: 'accept' | 'revert';
  readonly application: string;
  readonly dryRun: boolean;
  readonly agrees: boolean;
  /** Made by accepting. */
  readonly commit: string | undefined;
  readonly changes: readonly SettledChange[];
  readonly agreements: readonly Agreement[];
  /** Drifts that nobody explains and that were not to be settled. */
  readonly left: number;
  readonly problem: string | undefined;
}

export interface SettledChange {
  readonly object: string;
  readonly field: string;
  readonly from: string;
  readonly to: string;
  /** The line in Git that now says it, or what was done in the cluster. */
  readonly where: string;
}

/** A value for a sentence, on one line and shortened. */
export function shownValue(value: unknown): string {
  const plain = typeof value === 'string' && !/[\n\r\t]/.test(value);
  const text = value === undefined ? 'nothing' : plain ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** The object of a drift as it was stored when it was found. */
export function liveObject({ snapshot }: Material, drift: Drift): KubeObject | undefined {
  return [...snapshot.objects.values()]
    .map(valueOf)
    .find(
      (live) =>
        live !== undefined &&
        `${live.kind}/${live.metadata.name}` === drift.object &&
        live.metadata.namespace === drift.namespace,
    );
}

const LOOK_EVERY = 1000;

function isSame(a: Drift, b: Drift): boolean {
  return a.object === b.object && a.namespace === b.namespace && a.field === b.field;
}

function saidBy(status: string | undefined, detail: string): string {
  return status === undefined || detail.startsWith(status) ? detail : `${status}, ${detail}`;
}

function agreementsOf(drifts: readonly Drift[], report: DriftReport, proof: Proof): readonly Agreement[] {
  const left = report.drifts.filter((drift) => drifts.some((wanted) => isSame(wanted, drift)));
  const rollout = proof.boundaries.find(({ boundary }) => boundary === 'rollout');
  const sync = proof.boundaries.find(({ boundary }) => boundary === 'sync');
  const health = proof.boundaries.find(({ boundary }) => boundary === 'health');
  const fine = (state: string | undefined) => state === 'proven' || state === 'not-applicable';
  // Flux has no word of its own for it; what its conditions say is in the boundary.
  const controller = (report.sync ?? 'Synced') === 'Synced' && fine(sync?.state);
  const workload = left.length === 0 && fine(health?.state) && fine(rollout?.state);
  return [
    { who: 'Git', agrees: true, text: `tracked at ${report.revision.slice(0, 12)}` },
    {
      who: 'controller',
      agrees: controller,
      text: saidBy(report.sync, sync === undefined ? 'has said nothing' : sync.detail || sync.headline),
    },
    {
      who: 'workload',
      agrees: workload,
      text:
        left.length > 0
          ? `${left[0]?.field || left[0]?.object} still differs`
          : [
              health?.headline,
              ...(fine(health?.state) ? [] : [health?.detail]),
              ...(fine(rollout?.state) ? [] : [`rollout: ${rollout?.detail ?? ''}`]),
            ]
              .filter((text) => text !== undefined && text !== '')
              .join(', '),
    },
  ];
}

/** Why the three do not agree. */
export function problemOf(missing: Agreement, left: number): string {
  return left > 0
    ? `${left === 1 ? 'another drift is' : `${left} other drifts are`} left`
    : `${missing.who} does not agree yet`;
}

/** How the three stand, and how many other drifts nobody explains. */
export interface Outcome {
  readonly agreements: readonly Agreement[];
  readonly left: number;
}

/** Nothing that is waited for would change it: what is to be settled agrees, and nobody heals the rest. */
function onlyOthersDiffer(drifts: readonly Drift[], report: DriftReport, left: number): boolean {
  return (
    left > 0 && !report.selfHeal && !report.drifts.some((drift) => drifts.some((own) => isSame(own, drift)))
  );
}

/**
 * Looks until Git, controller and workload agree again about these fields, until only other drifts are left that
 * nobody heals, or until the time is over.
 */
export async function untilAgreed(
  work: Settling,
  done: (report: DriftReport) => boolean = () => true,
): Promise<Outcome> {
  const { sources, question, options, io, drifts } = work;
  const style = errStyle(io);
  const started = io.clock.now();
  let told = '';
  for (;;) {
    const { material, proof } = await prove(sources, question, io.signal);
    const report = await findDrift(sources, material, io.signal);
    const agreements = agreementsOf(drifts, report, proof);
    const left = report.drifts.filter(
      (drift) => !drift.expected && !drifts.some((own) => isSame(own, drift)),
    ).length;
    const missing = agreements.find(({ agrees }) => !agrees);
    const ended = done(report) && (missing === undefined || onlyOthersDiffer(drifts, report, left));
    if (ended || io.clock.now() - started >= options.wait) return { agreements, left };
    const waiting =
      missing === undefined ? 'controller: looks at the commit' : `${missing.who}: ${missing.text}`;
    if (waiting !== told && options.output === 'text' && options.quiet !== true)
      io.err(`${style.dim(`… ${waiting}`)}\n`);
    told = waiting;
    await sleep(io.clock, LOOK_EVERY, io.signal);
  }
}
