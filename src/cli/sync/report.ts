import type { Style } from '../output/style.ts';
import { duration } from '../output/style.ts';

/** One object of a sync, as the controller reported it. */
export interface SyncedObject {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** PreSync, Sync, PostSync, SyncFail; empty where the engine has no phases. */
  readonly phase: string;
  readonly hook: boolean;
  /** Synced, SyncFailed, Pruned, PruneSkipped. */
  readonly status: string;
  /** Running, Succeeded, Failed, Error. */
  readonly progress: string;
  readonly message: string;
}

/** What came of asking for a sync: the shape of `landfall sync -o json`. */
export interface SyncReport {
  readonly application: string;
  readonly namespace: string;
  readonly kind: string;
  readonly state: 'asked' | 'synced' | 'failed' | 'running' | 'terminated';
  readonly message: string;
  /** The commit, where it is known. */
  readonly revision: string;
  readonly dryRun: boolean;
  readonly objects: readonly SyncedObject[];
  readonly tookMs: number;
}

function isFailed(object: SyncedObject): boolean {
  return object.status === 'SyncFailed' || object.progress === 'Failed' || object.progress === 'Error';
}

function isUnchanged(object: SyncedObject): boolean {
  return !object.hook && /\bunchanged\b/.test(object.message) && !isFailed(object);
}

function nameOf(object: SyncedObject): string {
  const place = object.namespace === '' ? '' : `${object.namespace}/`;
  return `${object.kind}/${place}${object.name}`;
}

/** `configured`, `created`, `pruned`, `Succeeded`: one word, or the sentence of what went wrong. */
function whatHappened(object: SyncedObject): string {
  if (isFailed(object)) return object.message;
  if (object.hook) return object.progress === 'Running' ? 'runs' : 'done';
  const word = /\b(created|configured|updated|unchanged|replaced|serverside-applied)\b/.exec(
    object.message,
  )?.[1];
  return word ?? object.message;
}

/** One line for one object, for progress and for the answer. */
export function objectLine(object: SyncedObject, style: Style, width = 0): string {
  const running = object.progress === 'Running' && object.hook;
  const shape = isFailed(object)
    ? style.red('✗')
    : running
      ? style.yellow('…')
      : object.status === 'PruneSkipped'
        ? style.yellow('–')
        : style.green('✓');
  const phase = object.phase === '' || object.phase === 'Sync' ? '' : `${object.phase} `;
  return `  ${shape} ${`${phase}${nameOf(object)}`.padEnd(width)}  ${whatHappened(object)}`.trimEnd();
}

const HEADS: Readonly<Record<SyncReport['state'], string>> = {
  asked: 'asked for a sync of',
  synced: 'synced',
  failed: 'sync failed:',
  running: 'not over yet:',
  terminated: 'ended the operation of',
};

/** The answer first, then what happened to each object, then what to do next. */
export function renderSync(report: SyncReport, style: Style): string {
  const { state, objects, application } = report;
  const good = state === 'asked' || state === 'synced' || state === 'terminated';
  const shape = good ? style.green('✓') : state === 'running' ? style.yellow('…') : style.red('✗');
  const revision = report.revision === '' ? '' : ` at ${shortRevision(report.revision)}`;
  const dry = report.dryRun ? ' (dry run, nothing was changed)' : '';
  const took = state === 'asked' ? '' : `   ${duration(report.tookMs)}`;
  const lines = [`${shape} ${style.bold(`${HEADS[state]} ${application}`)}${revision}${dry}${took}`];
  const shown = objects.filter((object) => !isUnchanged(object));
  const width = Math.max(
    0,
    ...shown.map(
      (object) => objectLine({ ...object, message: '', status: '', progress: '' }, style).length - 6,
    ),
  );
  for (const object of shown) lines.push(objectLine(object, style, Math.min(width, 60)));
  const unchanged = objects.length - shown.length;
  if (unchanged > 0) lines.push(style.dim(`  ${unchanged} unchanged`));
  if (!good && report.message !== '') lines.push(`  ${report.message.replaceAll('\n', '\n  ')}`);
  const next = nextStep(report);
  if (next !== undefined) lines.push(`  Next: ${next}`);
  return `${lines.join('\n')}\n`;
}

function nextStep({ state, application, dryRun }: SyncReport): string | undefined {
  const steps: Readonly<Record<SyncReport['state'], string | undefined>> = {
    asked: `landfall status ${application}`,
    synced: dryRun ? `landfall sync ${application}` : `landfall prove ${application}`,
    failed: `landfall explain ${application}`,
    running: `landfall sync ${application} --terminate`,
    terminated: undefined,
  };
  return steps[state];
}

function shortRevision(revision: string): string {
  return revision
    .split(', ')
    .map((part) => part.replace(/(?:^|(?<=[@:]))([0-9a-f]{8})[0-9a-f]{32,}$/, '$1'))
    .join(', ');
}
