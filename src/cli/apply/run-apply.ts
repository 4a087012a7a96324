import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { assertAsReviewed, deliver, parsePlan, refuseHeld } from '../../apply/index.ts';
import type { DeliveryOutcome, Plan, PlanDocument, Recovered } from '../../apply/index.ts';
import { LandfallError, textOf } from '../../kernel/index.ts';
import { uidOf } from '../../kube/index.ts';
import { EXIT } from '../exit.ts';
import { errStyle, outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { failureOf } from '../system-failure.ts';
import { outcomeLines, recoveredLines, toldLine } from './outcome-text.ts';
import type { ApplyCommandOptions } from './options.ts';
import { planJson, planLines } from './plan-text.ts';
import type { Told } from './tell.ts';
import { deliveryContext, isHeld, openSession, planFor, recoverAll, waitForTurn } from './session.ts';
import type { Planned, Session } from './session.ts';

async function savedPlan(name: string, session: Session, io: CliIo): Promise<PlanDocument> {
  const file = path.resolve(io.cwd, name);
  if (existsSync(file)) return parsePlan(await readFile(file, 'utf8'), name);
  const saved = await session.ledger.plans.get(name);
  if (saved !== undefined) return parsePlan(JSON.stringify(saved.plan), `plan ${name}`);
  throw new LandfallError(`There is no file ${name} and no plan of that id in the ledger.`, {
    kind: 'not-found',
    code: 'plan-not-found',
    object: name,
    hint: 'Make one with landfall plan … --out FILE, or --save.',
  });
}

/** The options of the plan instead of those of the command line: it is carried out as it was asked for. */
function asAsked(document: PlanDocument, options: ApplyCommandOptions): ApplyCommandOptions {
  const { env, name, namespace, prune, pruneKept, recreate, loose } = document.asked;
  const text = (key: string, value: unknown) => (typeof value === 'string' ? { [key]: value } : {});
  return {
    ...options,
    ...text('env', env),
    ...text('name', name),
    ...text('namespace', namespace),
    prune: prune === true,
    pruneKept: pruneKept === true,
    recreate: recreate === true,
    loose: loose === true,
  };
}

/** `landfall apply`: all of it, or nothing. */
export async function runApply(
  what: string | undefined,
  given: ApplyCommandOptions,
  io: CliIo,
): Promise<number> {
  if ((what === undefined) === (given.plan === undefined)) {
    throw new LandfallError(
      what === undefined ? 'What is to be applied is not named.' : 'A plan names what is applied itself.',
      {
        kind: 'invalid-input',
        code: 'apply-what',
        hint: 'landfall apply DIR, landfall apply APP, or landfall apply --plan FILE.',
      },
    );
  }
  let session: Session | undefined;
  let options = given;
  let named = what ?? '.';
  try {
    session = await openSession(given, io);
    const document = given.plan === undefined ? undefined : await savedPlan(given.plan, session, io);
    options = document === undefined ? given : asAsked(document, given);
    named = document === undefined ? (what ?? '') : namedBy(document);
    return await applySet(named, document, options, session, io);
  } catch (thrown) {
    const error = failureOf(thrown);
    if (error.kind !== 'cancelled' && !KNOWN_TO_THE_TOLD.has(error.code)) {
      const { tellOfFailure } = await import('./tell.ts');
      const told = await tellOfFailure(session, named, options, error, io);
      if (told !== undefined) io.err(toldLine(told, errStyle(io)));
    }
    throw error;
  } finally {
    await session?.close();
  }
}

/** Somebody else is at it, or it is held: whoever has to know has been told of that delivery. */
const KNOWN_TO_THE_TOLD: ReadonlySet<string> = new Set([
  'journal-held',
  'journal-unfinished',
  'revision-held',
]);

function namedBy({ asked }: PlanDocument): string {
  const { what, location } = asked;
  return typeof location === 'string' && existsSync(location) ? location : textOf(what);
}

async function applySet(
  what: string,
  document: PlanDocument | undefined,
  options: ApplyCommandOptions,
  session: Session,
  io: CliIo,
): Promise<number> {
  const started = io.clock.now();
  for (;;) {
    const report = reporter(options, io);
    let planned = await planFor(what, options, session, io, document?.salt);
    const { subject, revision, declarations } = planned.target;
    const context = deliveryContext(session, io, options.timeout, declarations);
    const recovered =
      options.dryRun === true ? [] : await recoverAll(session, context, subject, options.quiet === true, io);
    // What was taken back is what the plan has to start from.
    if (recovered.some(({ outcome }) => outcome !== 'refused'))
      planned = await planFor(what, options, session, io, document?.salt);
    const { plan, environment } = planned;
    if (document !== undefined) {
      const clusterUid = await uidOf(session.identify);
      assertAsReviewed(document, { subject, clusterUid }, planned.set, plan);
    }
    report.lines(recoveredLines(recovered, report.style));
    if (recovered.length > 0) {
      const { tellRecovered } = await import('./tell.ts');
      const heard = await tellRecovered(session, recovered, declarations, io);
      report.lines(heard.map((told) => toldLine(told, report.style).trimEnd()));
    }
    if (options.quiet !== true || plan.problems.length > 0) {
      report.lines(planLines(plan, report.style, options.dryRun === true));
    }
    const actor = {
      name: plan.identity ?? 'unknown',
      attestedBy: plan.identity === undefined ? 'nobody' : 'cluster',
    } as const;
    if (plan.problems.length > 0) {
      const message = refusalText(plan);
      const told =
        options.dryRun === true
          ? undefined
          : await tellOf(session, planned, await recordRefusal(session, planned, actor, message, io), io);
      report.end(planned, undefined, recovered, told, io.clock.now() - started);
      return EXIT.broken;
    }
    if (options.dryRun === true) {
      report.end(planned, undefined, recovered, undefined, io.clock.now() - started);
      return EXIT.ok;
    }
    await refuseHeld(session.ledger, subject, revision, options.again === true);
    let outcome: DeliveryOutcome;
    try {
      outcome = await deliver(
        { ...context, onProgress: (step) => step.step === 'restore' && report.restoring() },
        { subject, environment, revision, trigger: 'apply', actor, plan, onFailure: options.onFailure },
        io.signal,
      );
    } catch (thrown) {
      if (!isHeld(thrown) || options.wait !== true || io.clock.now() - started > options.timeout)
        throw thrown;
      await waitForTurn(session, subject, options.timeout, io);
      continue;
    }
    const told = await tellOf(session, planned, outcome.delivery, io);
    report.end(planned, outcome, recovered, told, io.clock.now() - started);
    if (io.signal.aborted) return EXIT.interrupted;
    if (outcome.state !== 'applied') return EXIT.broken;
    return outcome.unproven ? EXIT.unproven : EXIT.ok;
  }
}

/** The first problem, and how many more there are. */
function refusalText({ problems }: Plan): string {
  const [first] = problems;
  const more = problems.length - 1;
  const rest = more <= 0 ? '' : `, and ${more} more ${more === 1 ? 'problem' : 'problems'}`;
  return first === undefined ? '' : `${first.kind}/${first.name}: ${first.message}${rest}`;
}

/** What tells is loaded only where there is somebody to tell. */
async function tellOf(
  session: Session,
  planned: Planned,
  delivery: string,
  io: CliIo,
): Promise<Told | undefined> {
  if (planned.environment === undefined) return undefined;
  const { tellEnvironment } = await import('./tell.ts');
  return tellEnvironment(session, planned, delivery, io);
}

async function recordRefusal(
  session: Session,
  { target, plan, environment }: Planned,
  actor: { readonly name: string; readonly attestedBy: 'cluster' | 'nobody' },
  message: string,
  io: CliIo,
): Promise<string> {
  const at = new Date(io.clock.now()).toISOString();
  const { deliveries } = session.ledger;
  const { subject, revision } = target;
  const id = await deliveries.start({
    ...subject,
    environment,
    revision,
    trigger: 'apply',
    actor,
    startedAt: at,
  });
  const results = plan.problems.map((problem) => ({ ...problem }));
  await deliveries.update(id, { state: 'refused', message, finishedAt: at, results });
  return id;
}

/** What a run says: lines as they are known, or one document at its end. */
function reporter(options: ApplyCommandOptions, io: CliIo) {
  const style = outStyle(io);
  const text = options.output === 'text';
  const lines = (all: readonly string[]) => {
    if (text && all.length > 0) io.out(`${all.join('\n')}\n`);
  };
  return {
    style,
    lines,
    restoring() {
      const aside = errStyle(io);
      if (!io.signal.aborted || options.quiet === true) return;
      io.err(
        `${aside.yellow('!')} interrupted: taking back what was written; Ctrl-C again leaves that to landfall recover\n`,
      );
    },
    end(
      planned: Planned,
      outcome: DeliveryOutcome | undefined,
      recovered: readonly Recovered[],
      told: Told | undefined,
      tookMs: number,
    ) {
      lines(outcomeLines(planned, outcome, told, tookMs, options.dryRun === true, style));
      if (text) return;
      const { target, environment, plan } = planned;
      const state = outcome?.state ?? (plan.problems.length > 0 ? 'refused' : 'dry-run');
      const answer = {
        state,
        message: outcome?.message ?? '',
        subject: target.subject,
        environment,
        revision: target.revision,
        delivery: outcome?.delivery,
        held: outcome?.held ?? false,
        unproven: outcome?.unproven ?? false,
        ...planJson(plan),
        results: outcome?.results ?? [],
        restored: outcome?.restored,
        recovered,
        told,
        tookMs,
      };
      io.out(formatAnswer(options.output, answer, () => ''));
    },
  };
}
