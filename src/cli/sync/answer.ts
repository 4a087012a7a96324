import { LandfallError, sleep } from '../../kernel/index.ts';
import { objectName, refOf } from '../../kube/index.ts';
import type { KubeClient, KubeObject } from '../../kube/index.ts';
import type { SyncCommandOptions } from '../commands/sync.ts';
import { EXIT } from '../exit.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { openSources } from '../sources.ts';
import { askForEnd, askForSync, readProgress, userName } from './argo.ts';
import { findSynced } from './find.ts';
import { askFlux, checkFluxOptions, readFlux } from './flux.ts';
import { objectLine, renderSync } from './report.ts';
import type { SyncReport } from './report.ts';

const LOOK = 250;

const CODES: Readonly<Record<SyncReport['state'], number>> = {
  asked: EXIT.ok,
  synced: EXIT.ok,
  terminated: EXIT.ok,
  failed: EXIT.broken,
  running: EXIT.unproven,
};

type Progress = ReturnType<typeof readProgress>;

/** Asks for a sync, follows it, prints what came of it, and gives the exit code. */
export async function answerSync(name: string, options: SyncCommandOptions, io: CliIo): Promise<number> {
  const sources = await openSources(options, io);
  try {
    const { kube } = sources;
    const found = await findSynced(kube, name, options.namespace, io.signal);
    const report =
      found.kind === 'Application'
        ? await syncArgo(kube, found, options, io)
        : await syncFlux(kube, found, options, io);
    io.out(formatAnswer(options.output, report, () => renderSync(report, outStyle(io))));
    return CODES[report.state];
  } finally {
    sources.close();
  }
}

async function syncArgo(
  kube: KubeClient,
  found: KubeObject,
  options: SyncCommandOptions,
  io: CliIo,
): Promise<SyncReport> {
  if (options.terminate === true) {
    const end = await askForEnd(kube, found, io.signal);
    // What nobody has taken up is not waited for.
    const waiting = { ...options, wait: options.wait && end === 'ending' };
    const report = await follow(kube, found, waiting, io, (object) => readProgress(object, undefined));
    return report.state === 'running' ? report : { ...report, state: 'terminated' };
  }
  const id = await askForSync(kube, found, options, userName(), io.signal);
  return follow(kube, found, options, io, (object) => readProgress(object, id));
}

async function syncFlux(
  kube: KubeClient,
  found: KubeObject,
  options: SyncCommandOptions,
  io: CliIo,
): Promise<SyncReport> {
  checkFluxOptions(found, options);
  const at = await askFlux(kube, found, new Date(io.clock.now()).toISOString(), io.signal);
  return follow(kube, found, options, io, (object) => readFlux(object, at));
}

/** Looks until it is over or the time is, and shows on the way what has become of each object. */
async function follow(
  kube: KubeClient,
  found: KubeObject,
  options: SyncCommandOptions,
  io: CliIo,
  progressOf: (object: KubeObject) => Progress,
): Promise<SyncReport> {
  const begun = io.clock.now();
  const shown = new Set<string>();
  const base = {
    application: found.metadata.name,
    namespace: found.metadata.namespace ?? '',
    kind: found.kind,
  };
  const nothing = { message: '', revision: '', dryRun: options.dryRun === true, objects: [] };
  if (!options.wait) return { ...base, ...nothing, state: 'asked', tookMs: 0 };
  for (;;) {
    const object = await kube.get(refOf(found), io.signal);
    if (object === undefined) {
      throw new LandfallError(`${objectName(found)} was deleted while it was synced.`, {
        kind: 'not-found',
        code: 'application-gone',
        object: objectName(found),
      });
    }
    const progress = progressOf(object);
    const tookMs = io.clock.now() - begun;
    show(progress, shown, options, io);
    if (progress !== undefined && progress.state !== 'running') return { ...base, ...progress, tookMs };
    if (tookMs >= options.timeout) {
      const message =
        progress?.message ?? 'no controller has taken it up; does Argo CD, Flux or landfall serve run?';
      return { ...base, ...nothing, ...progress, message, state: 'running', tookMs };
    }
    await sleep(io.clock, LOOK, io.signal);
  }
}

/** A line for everything that is new; nothing with -q, or where the answer is for a program. */
function show(progress: Progress, shown: Set<string>, options: SyncCommandOptions, io: CliIo): void {
  if (progress === undefined || options.quiet === true || options.output !== 'text') return;
  if (progress.state !== 'running') return;
  const style = errStyle(io);
  const lines = progress.objects.map((object) => objectLine(object, style));
  if (progress.message.startsWith('waiting for')) lines.push(style.dim(`  … ${progress.message}`));
  for (const line of lines) {
    if (shown.has(line)) continue;
    shown.add(line);
    io.err(`${line}\n`);
  }
}
