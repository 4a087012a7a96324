import { LandfallError, nearest } from '../../kernel/index.ts';
import { recordUpdate } from '../../pipeline/index.ts';
import type { ImageDecision, UpdateReport } from '../../pipeline/index.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { UpdatesOptions } from '../commands/updates.ts';
import { EXIT } from '../exit.ts';
import { introduce, ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { openSources } from '../sources.ts';
import { lookAtUpdates, type UpdatesAnswer } from './look.ts';
import { renderUpdates } from './text.ts';

const ACTIONS = ['list', 'check', 'run'] as const;
type Action = (typeof ACTIONS)[number];

/** `landfall updates shop` asks for that application; a word that is nearly an action is no application. */
function asked(
  action: string | undefined,
  application: string | undefined,
): { readonly action: Action; readonly application: string | undefined } {
  if (action === undefined) return { action: 'list', application };
  const known = ACTIONS.find((each) => each === action);
  if (known !== undefined) return { action: known, application };
  const near = nearest(action, ACTIONS);
  if (application === undefined && near.length === 0) return { action: 'check', application: action };
  throw new LandfallError(`'${action}' is nothing that can be done about updates.`, {
    kind: 'invalid-input',
    code: 'updates-action',
    object: action,
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : 'Say list, check or run.',
  });
}

/** Shows what is kept up to date, or does one cycle, and gives the exit code for it. */
export async function answerUpdates(
  args: { readonly action: string | undefined; readonly application: string | undefined },
  options: UpdatesOptions,
  io: CliIo,
): Promise<number> {
  const { action, application } = asked(args.action, args.application);
  if (options.dryRun === true && action !== 'run') {
    throw new LandfallError(`--dry-run was given with '${action}', which commits nothing anyway.`, {
      kind: 'invalid-input',
      code: 'updates-dry-run',
      hint: 'Use it with run.',
    });
  }
  const ledger = ledgerOf(options, io);
  const sources = await openSources(options, io);
  introduce(ledger, sources.kube, io);
  try {
    const answer = await lookAtUpdates(
      { application, namespace: options.namespace, dryRun: action !== 'run' || options.dryRun === true },
      sources,
      ledger,
      io.env,
      io.signal,
    );
    for (const report of answer.reports) await recordUpdate(ledger, sources.kube.server, report);
    const full = action !== 'list' || application !== undefined;
    io.out(
      formatAnswer(options.output, plain(answer), () =>
        renderUpdates(answer, full, io.clock.now(), outStyle(io)),
      ),
    );
    return exitOf(answer);
  } finally {
    sources.close();
    await ledger.close();
  }
}

function exitOf({ reports, refused }: UpdatesAnswer): number {
  const wrong = reports.some(
    ({ outcome, images }) =>
      outcome === 'failed' || images.some(({ state }) => state === 'refused' || state === 'unknown'),
  );
  if (wrong || refused.length > 0) return EXIT.broken;
  return reports.some(({ outcome }) => outcome === 'held' || outcome === 'limited') ? EXIT.unproven : EXIT.ok;
}

/** The whole answer as plain JSON, without what only machines inside need. */
function plain({ reports, refused }: UpdatesAnswer): unknown {
  return {
    applications: reports.map(plainReport),
    refused: refused.map(({ application, name, problem }) => ({
      ...application,
      image: name,
      code: problem.code,
      message: problem.message,
      hint: problem.hint,
    })),
  };
}

function plainReport(report: UpdateReport): unknown {
  const { updater, images, holds, ...rest } = report;
  const { application, origin, key, git, intervalMs, perHour } = updater;
  return {
    application: application.name,
    namespace: application.namespace,
    key,
    configuredBy: origin,
    repository: git.url.replace(/\/\/[^/@]*@/, '//'),
    revision: git.revision,
    path: git.path,
    intervalMs,
    perHour,
    ...rest,
    holds: holds.map(({ id, reason, actor, since }) => ({ id, reason, by: actor.name, since })),
    images: images.map(plainImage),
  };
}

function plainImage({ rule, ...decision }: ImageDecision): unknown {
  const { name, image, repository, policy, filter } = rule;
  return { name, image, repository, policy, filter, ...decision };
}
