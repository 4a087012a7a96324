import { LandfallError } from '../../../kernel/index.ts';
import type { Build, BuildStep } from '../../../ledger/index.ts';
import { pushImage } from '../../../oci/index.ts';
import { DEFAULTS, planOf, shortRef } from '../definition.ts';
import type { BuildPlan } from '../definition.ts';
import type { Ended, RunContext } from './context.ts';
import { stepEnvironment } from './environment.ts';
import type { StepEnvironment } from './environment.ts';
import { logged } from './logged.ts';
import { packageImage, patiently, presentAt, recordOf, refuseOther, resolvePushed } from './publish.ts';
import type { Present } from './publish.ts';
import { publishRecord } from './records.ts';
import { runStep } from './run-step.ts';
import type { StepOutcome } from './run-step.ts';
import type { Workspace } from './workspace.ts';

const GRACE_MS = 5_000;
/** Checks out, runs every step, makes and pushes the image, and keeps its record. */
export async function workOn(
  context: RunContext,
  build: Build,
  workspace: Workspace,
  signal: AbortSignal,
): Promise<Ended> {
  const plan = planOf(build);
  const steps = plan.steps ?? [];
  const { registry, clock } = context;
  const present = await patiently(
    clock,
    signal,
    () => {},
    () => presentAt(registry, build.image, signal),
  );
  const early = decidedByTag(build, plan, present);
  if (early !== undefined) return early;
  // All secrets of all steps are left out of each output: a later step may show what an earlier one kept.
  const environments: StepEnvironment[] = [];
  for (const step of steps)
    environments.push(await stepEnvironment(build, plan, step, workspace, context.env));
  const secrets = environments.flatMap((each) => each.secrets);
  const committedAt = await logged(context, build, 0, 'checkout', { secrets }, (output) =>
    checkout(context, build, workspace, (text) => output.write(Buffer.from(`${text}\n`)), signal),
  );
  for (const [index, step] of steps.entries()) {
    // A step without a limit of its own has the whole build's.
    const timeoutMs = step.timeout ?? plan.timeout ?? DEFAULTS.buildMs;
    const failed = await logged(context, build, index + 1, step.name, { secrets }, async (output) => {
      const value = await runStep(
        {
          build: build.id,
          run: step.run,
          cwd: workspace.source,
          env: environments[index]?.env ?? {},
          timeoutMs,
          graceMs: context.graceMs ?? GRACE_MS,
          clock,
          output,
        },
        signal,
      );
      return {
        value: failureOf(step.name, value, timeoutMs),
        state: stateOf(value),
        ...(value.how === 'exited' ? { exitCode: value.code } : {}),
      };
    });
    if (failed !== undefined) return failed;
  }
  return logged(context, build, steps.length + 1, 'push', { secrets }, (output) =>
    push(
      context,
      build,
      workspace,
      { committedAt, present },
      (text) => output.write(Buffer.from(`${text}\n`)),
      signal,
    ),
  );
}

/** The tag is taken: by this very commit, so that there is nothing to do, or by another, so that there is no use. */
function decidedByTag(build: Build, plan: BuildPlan, present: Present | undefined): Ended | undefined {
  if (present === undefined || plan.overwrite === true) return undefined;
  const { commit, says, resolution } = present;
  if (commit === build.commit) {
    if (build.origin !== 'trigger' || build.attempt > 1 || build.runs > 1) return undefined;
    return {
      state: 'SUCCESS',
      message: `${build.image} was there already as ${resolution.digest.slice(0, 19)}, and its ${says} says that it is of this commit; nothing was built`,
    };
  }
  refuseOther(build.image, present, undefined);
  return undefined;
}

async function checkout(
  context: RunContext,
  build: Build,
  workspace: Workspace,
  say: (text: string) => void,
  signal: AbortSignal,
) {
  const mirror = await context.openSource(planOf(build).repository, signal);
  // Brings a commit that was pushed since the last look.
  await mirror.resolve(build.commit, signal);
  const { lfs, submodules } = await mirror.checkout(build.commit, workspace.source, signal);
  say(`${build.repository} at ${build.commit} (${shortRef(build.ref)})`);
  const notes = [
    ...(lfs.length === 0
      ? []
      : [`${lfs.join(', ')}: pointers of Git LFS, not their content; a step has to fetch it`]),
    ...(submodules.length === 0
      ? []
      : [`${submodules.join(', ')}: empty, since submodules are not fetched; a step has to`]),
  ];
  for (const note of notes) {
    say(note);
    await context.builds.note(build.id, { note });
  }
  return { value: (await mirror.commitInfo(build.commit, signal)).time, state: 'done' as const };
}

function stateOf(outcome: StepOutcome): BuildStep['state'] {
  if (outcome.how === 'timeout') return 'timeout';
  if (outcome.how === 'stopped') return 'cancelled';
  return outcome.how === 'exited' && outcome.code === 0 ? 'done' : 'failed';
}

function failureOf(name: string, outcome: StepOutcome, timeoutMs: number): Ended | undefined {
  const at = `step ${name}`;
  if (outcome.how === 'timeout')
    return { state: 'TIMEOUT', message: `${at} took longer than ${Math.round(timeoutMs / 1000)} s` };
  if (outcome.how === 'stopped') return { state: 'CANCELLED', message: `${at} was stopped` };
  if (outcome.how === 'not-started') return { state: 'FAILURE', message: `${at}: ${outcome.why}` };
  if (outcome.how === 'killed') return { state: 'FAILURE', message: `${at} was ended by ${outcome.by}` };
  return outcome.code === 0
    ? undefined
    : { state: 'FAILURE', message: `${at} failed with exit code ${outcome.code}` };
}

interface Made {
  readonly committedAt: string;
  /** What had the tag before. */
  readonly present: Present | undefined;
}

async function push(
  context: RunContext,
  build: Build,
  workspace: Workspace,
  made: Made,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<{ readonly value: Ended; readonly state: 'done' }> {
  const plan = planOf(build);
  const { registry, clock, builds } = context;
  const builtAt = new Date(clock.now()).toISOString();
  let digest: string;
  if (plan.package === undefined) digest = await pushedByStep(context, build, made, say, signal);
  else {
    const image = await packageImage(build, plan, workspace.source, made.committedAt, signal);
    say(`made ${image.index.digest}: ${image.files} files, ${image.platforms.length} platforms`);
    digest = await patiently(clock, signal, say, async () => {
      // As late as can be: a tag may have been pushed while the steps ran.
      if (plan.overwrite !== true)
        refuseOther(build.image, await presentAt(registry, build.image, signal), image.index.digest);
      await builds.note(build.id, { pushing: image.index.digest });
      return (await pushImage(registry, image, build.image, signal, { clock })).index;
    });
  }
  const resolution = await patiently(clock, signal, say, () =>
    resolvePushed(registry, build.image, digest, signal),
  );
  const pushedAt = new Date(clock.now()).toISOString();
  const record = recordOf(build, resolution, { builtAt, pushedAt });
  await publishRecord(context, build, record, plan.package !== undefined, signal);
  say(`pushed ${build.image}@${digest}`);
  return {
    value: { state: 'SUCCESS', message: `pushed ${digest.slice(0, 19)}` },
    state: 'done',
  };
}

/** A step had to push: the registry must have something new under the tag, and it must not be of another commit. */
async function pushedByStep(
  context: RunContext,
  build: Build,
  { present: before }: Made,
  say: (text: string) => void,
  signal: AbortSignal,
): Promise<string> {
  const { registry, clock, builds } = context;
  const present = await patiently(clock, signal, say, () => presentAt(registry, build.image, signal));
  const refuse = (why: string) =>
    new LandfallError(`No step pushed ${build.image}: ${why}.`, {
      kind: 'not-found',
      code: 'build-not-pushed',
      object: build.image,
      hint: "Let a step push to $LANDFALL_IMAGE, or declare 'package'.",
    });
  if (present === undefined) throw refuse('the registry has no such tag');
  const { digest, manifests } = present.resolution;
  const labels = manifests.map((each) => each.labels['org.opencontainers.image.revision']);
  const other = labels.find((label) => label !== undefined && label !== build.commit);
  if (other !== undefined) throw refuse(`what is there says that it is of commit ${other.slice(0, 12)}`);
  if (before !== undefined && before.resolution.digest === digest && before.commit !== build.commit)
    throw refuse('what is there was there before');
  if (before !== undefined && before.resolution.digest !== digest) {
    const note = `a step moved ${build.image} from ${before.resolution.digest} to ${digest}`;
    say(note);
    await builds.note(build.id, { note });
  }
  if (labels.some((label) => label === undefined))
    await builds.note(build.id, {
      note: 'the image carries no org.opencontainers.image.revision label: only the record says of which commit it is',
    });
  return digest;
}
