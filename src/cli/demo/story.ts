import path from 'node:path';
import { applicationStatus, percent, shareOf, syncCounts } from '../../boundaries/index.ts';
import type { ErrorShare } from '../../boundaries/index.ts';
import { LandfallError, silentLogger, sleep } from '../../kernel/index.ts';
import { openLedger } from '../../ledger/index.ts';
import type { Ledger } from '../../ledger/index.ts';
import { pinImage } from '../../pipeline/index.ts';
import { prove, proveUntil, traceImage, writeNote } from '../../verdict/index.ts';
import type { Look, Proof } from '../../verdict/index.ts';
import type { DemoOptions } from '../commands/demo.ts';
import { EXIT } from '../exit.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { formatAnswer } from '../output/format.ts';
import { renderNote } from '../output/note.ts';
import { renderProof } from '../output/proof.ts';
import { duration } from '../output/style.ts';
import { renderTrace } from '../output/trace.ts';
import { questionOf, rememberErrors } from '../question.ts';
import { untilAborted } from '../until-aborted.ts';
import { APPLICATION, openStage, PLATFORM, REGISTRY } from './stage.ts';
import type { Stage } from './stage.ts';

/** Generous: a busy machine is no reason to break the story off. */
const LANDING_MS = 300_000;
const SAMPLES_MS = 30_000;
const OVERLAY = 'k8s/overlays/prod/kustomization.yaml';
const IMAGE = `${REGISTRY}/notification-service`;

/** What the whole story has to come to; anything else is a failure of the demo. */
const EXPECTED = ['landed', 'stopped at intent', 'landed'];

interface Teller {
  readonly say: (text: string) => void;
  readonly show: (text: string) => void;
}

function tellerOf(options: DemoOptions, io: CliIo): Teller {
  const style = outStyle(io);
  const loud = options.output === 'text';
  const say =
    loud && options.quiet !== true
      ? (text: string) => io.out(`\n${style.bold(style.cyan('▸'))} ${style.bold(text)}\n`)
      : () => {};
  return { say, show: loud ? io.out : () => {} };
}

function smsOf(look: Look): ErrorShare | undefined {
  return look.material.observed
    .flatMap((observed) => (observed.errors?.state === 'read' ? observed.errors.value : []))
    .find((share) => share.group === 'channel=sms');
}

function asserted(proof: Proof, wanted: string): Proof {
  if (proof.verdict.summary === wanted) return proof;
  const report = proof.boundaries.find((candidate) => candidate.boundary === proof.verdict.boundary);
  throw new LandfallError(
    `The delivery was to be '${wanted}'; it is '${proof.verdict.summary}'${report === undefined ? '' : `: ${report.detail}`}.`,
    {
      kind: 'unavailable',
      code: 'demo-verdict',
      object: proof.subject.name,
      hint: 'Run it again; when it happens twice, please report it with this output.',
    },
  );
}

async function landed(stage: Stage, ledger: Ledger, application: string, signal: AbortSignal): Promise<Look> {
  const look = await proveUntil(
    stage.sources,
    questionOf({ application }, stage.sources, ledger),
    LANDING_MS,
    signal,
  );
  asserted(look.proof, 'landed');
  return look;
}

/** Lets users send until there are enough samples to know how each channel does, at most half a minute. */
async function enoughSamples(
  stage: Stage,
  ledger: Ledger,
  minimum: number,
  signal: AbortSignal,
): Promise<Look> {
  const question = questionOf({ application: APPLICATION }, stage.sources, ledger);
  const end = stage.sources.clock.now() + SAMPLES_MS;
  for (;;) {
    const look = await prove(stage.sources, question, signal);
    if ((smsOf(look)?.total ?? 0) >= minimum || stage.sources.clock.now() > end) {
      await rememberErrors(look.material, look.proof, ledger);
      return look;
    }
    await sleep(stage.sources.clock, 500, signal);
  }
}

async function play(
  stage: Stage,
  ledger: Ledger,
  options: DemoOptions,
  io: CliIo,
  teller: Teller,
): Promise<readonly Proof[]> {
  const { say, show } = teller;
  const { signal } = io;
  const style = outStyle(io);
  const quiet = options.quiet === true;
  const detail = (text: string) => {
    if (!quiet) show(text);
  };

  say('CI builds notification-service 2.3.1 and pushes it; two Applications are handed to the controller');
  await stage.build('v2.3.1');
  await stage.register(PLATFORM);
  await stage.register(APPLICATION);
  await landed(stage, ledger, PLATFORM, signal);
  const first = await landed(stage, ledger, APPLICATION, signal);
  show(`\n${renderProof(first.proof, style)}`);
  const before = await enoughSamples(stage, ledger, 100, signal);
  const early = smsOf(before);
  if (early !== undefined)
    detail(
      `\n  Users send: ${percent(shareOf(early))} of ${early.total} SMS fail over the legacy gateway.\n`,
    );

  say('CI builds 2.5.0 and pushes it to the same tag, latest. Somebody presses Sync');
  await stage.build('v2.5.0');
  const synced = await stage.sync(APPLICATION);
  const status = applicationStatus(synced);
  const counts = syncCounts(status.operation?.results ?? []);
  detail(
    `  app ${APPLICATION} synced to ${(status.operation?.revision ?? '').slice(0, 8)}: ${status.operation?.phase ?? ''}. Resources: ${counts.created + counts.changed} updated, ${counts.unchanged} unchanged\n` +
      `  Application says ${status.sync}, ${status.health}. Everything is green. Did it get there?\n`,
  );
  const question = questionOf({ application: APPLICATION }, stage.sources, ledger);
  const stuck = await proveUntil(stage.sources, question, LANDING_MS, signal);
  asserted(stuck.proof, 'stopped at intent');
  show(`\n${renderProof(stuck.proof, style)}`);
  say(`landfall trace ${APPLICATION} image`);
  detail(renderTrace(traceImage(stuck.proof.boundaries, stuck.proof.image ?? IMAGE), io.clock.now(), style));
  say(`landfall explain ${APPLICATION}`);
  detail(renderNote(writeNote(stuck.proof, stuck.material), style));

  say('The fix is a commit: tag and digest, in the overlay');
  const { release } = stuck.proof;
  const mirror = stage.sources.git.open(stage.repositories.deployment.folder);
  const tip = (await mirror.resolve('main', signal)).commit;
  const text = Buffer.from((await mirror.tree(tip).readFile(OVERLAY)) ?? new Uint8Array()).toString('utf8');
  const pinned = pinImage({
    text,
    file: OVERLAY,
    image: IMAGE,
    ...(release.version === undefined ? {} : { newTag: release.version }),
    digest: release.digest ?? '',
  });
  const { commit } = await mirror.commit(
    {
      branch: 'main',
      expectParent: tip,
      files: { [OVERLAY]: pinned },
      message: `Deploy notification-service ${release.version ?? ''}\n\nPinned by tag and digest, so that the next push cannot change what this asks for.`,
      author: { name: 'Notification Team', email: 'notifications@corp.io' },
    },
    signal,
  );
  detail(
    `  ${commit.slice(0, 8)} ${OVERLAY}\n${diffLines(text, pinned)
      .map((line) => `    ${line.startsWith('+') ? style.green(line) : style.red(line)}`)
      .join('\n')}\n`,
  );
  await stage.refresh(APPLICATION);
  const last = await landed(stage, ledger, APPLICATION, signal);
  show(`\n${renderProof(last.proof, style)}`);
  const late = smsOf(last);
  if (early !== undefined && late !== undefined)
    detail(
      `\n  SMS failing: ${percent(shareOf(early))} under 2.3.1, ${percent(shareOf(late))} of ${late.total} under ${last.proof.release.version ?? 'the release'}.\n`,
    );
  return [first.proof, stuck.proof, last.proof];
}

/** Lines that only one of two texts has; enough for an edit of a few lines. */
function diffLines(before: string, after: string): readonly string[] {
  const old = before.split('\n');
  const now = after.split('\n');
  return [
    ...old.filter((line) => !now.includes(line)).map((line) => `- ${line.trim()}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`),
  ];
}

/** Plays the incident on a stage of its own; answers with the exit code. Nothing is left behind. */
export async function tellStory(options: DemoOptions, io: CliIo): Promise<number> {
  const started = io.clock.now();
  const teller = tellerOf(options, io);
  const style = outStyle(io);
  teller.say(
    'Drydock comes up: an embedded Kubernetes with three nodes, and an OCI registry that stands in for registry.corp.io',
  );
  const stage = await openStage({
    clock: io.clock,
    signal: io.signal,
    port: options.port,
    registryPort: options.registryPort,
    keep: options.keep === undefined ? undefined : path.resolve(io.cwd, options.keep),
    logger: silentLogger,
    onLog: (line) => {
      if (options.quiet !== true) teller.show(`  ${style.dim(line)}\n`);
    },
  });
  const ledger = openLedger({ folder: path.join(stage.folder, 'state'), clock: io.clock });
  try {
    const proofs = await play(stage, ledger, options, io, teller);
    if (options.output !== 'text') io.out(formatAnswer(options.output, proofs, () => ''));
    const told = proofs.map((proof) => proof.verdict.summary);
    const right = EXPECTED.every((summary, index) => told[index] === summary);
    teller.show(
      `\n${style.bold(told.join(' → '))}   in ${duration(io.clock.now() - started)}, all of it measured on running processes\n`,
    );
    if (options.once !== true) {
      teller.show(
        `\n  It stays up until Ctrl-C. In another terminal, in this folder:\n    export KUBECONFIG=${stage.kubeconfig}\n    kubectl get pods -n comms -o wide\n    npx landfall prove ${APPLICATION}\n`,
      );
      await untilAborted(io.signal);
    }
    return right ? EXIT.ok : EXIT.broken;
  } finally {
    await ledger.close();
    await stage.close();
  }
}
