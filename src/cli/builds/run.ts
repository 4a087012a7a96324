import path from 'node:path';
import { createGitMirrors, withoutCredentials } from '../../git/index.ts';
import type { GitMirrors, GitRef } from '../../git/index.ts';
import { jsonLogger, LandfallError, nearest } from '../../kernel/index.ts';
import type { Build, Ledger } from '../../ledger/index.ts';
import { createRegistryClient } from '../../oci/index.ts';
import {
  declaredBuilds,
  isOfTrigger,
  LANDFALL_FILE,
  newBuildOf,
  parseLandfallYaml,
  runBuild,
} from '../../pipeline/index.ts';
import type { DeclaredBuild } from '../../pipeline/index.ts';
import { rememberRecord } from '../built-images.ts';
import type { RunOptions } from '../commands/builds.ts';
import { EXIT } from '../exit.ts';
import { cacheFolder, stateFolder } from '../folders.ts';
import { outStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import { ledgerOf } from '../ledger.ts';
import { formatAnswer } from '../output/format.ts';
import { kubeconfigMirrors, registryOptions } from '../sources.ts';
import { codeOf, findBuild } from './find.ts';
import { followBuild } from './logs.ts';
import { buildMark, buildRow, nextCommand } from './text.ts';

/** What the default branch of the deployment repository declares under a name. */
async function declarationOf(
  trigger: string,
  options: RunOptions,
  ledger: Ledger,
  git: GitMirrors,
  io: CliIo,
): Promise<DeclaredBuild> {
  const [last] = await ledger.builds.list({ trigger }, 1);
  const from = options.declaredIn ?? (last?.origin === 'report' ? undefined : last?.declaredIn) ?? io.cwd;
  const mirror = git.open(from);
  await mirror.fetch(io.signal);
  const { commit } = await mirror.resolve('HEAD', io.signal);
  const bytes = await mirror.tree(commit).readFile(LANDFALL_FILE);
  const file = bytes === undefined ? undefined : parseLandfallYaml(Buffer.from(bytes).toString('utf8'));
  const all = file === undefined ? [] : declaredBuilds(file, from, commit);
  const found = all.find((each) => each.name === trigger);
  if (found !== undefined) return found;
  const names = all.map((each) => each.name);
  const [near] = nearest(trigger, names);
  throw new LandfallError(`${LANDFALL_FILE} of ${mirror.display} declares no build '${trigger}'.`, {
    kind: 'not-found',
    code: 'build-trigger',
    object: trigger,
    hint:
      near === undefined
        ? names.length === 0
          ? 'It declares none; name another repository with --declared-in.'
          : `It declares ${names.join(', ')}.`
        : `Did you mean '${near}'?`,
  });
}

function refOf(declared: DeclaredBuild, refs: readonly GitRef[], wanted: string | undefined): GitRef {
  const mine = refs.filter(({ ref }) => isOfTrigger(declared.plan, ref));
  const found =
    wanted === undefined
      ? mine[0]
      : mine.find(
          ({ ref }) => ref === wanted || ref === `refs/tags/${wanted}` || ref === `refs/heads/${wanted}`,
        );
  if (found !== undefined) return found;
  const { branch, tag } = declared.plan.on;
  const rule = branch === undefined ? `tags ${tag ?? ''}` : `the branch ${branch}`;
  throw new LandfallError(
    wanted === undefined
      ? `${declared.name} builds ${rule}, and ${withoutCredentials(declared.plan.repository)} has none.`
      : `'${wanted.slice(0, 100)}' is not what ${declared.name} builds: ${rule}.`,
    {
      kind: 'not-found',
      code: 'build-ref',
      object: wanted ?? rule,
      hint:
        mine.length === 0
          ? 'Push it first.'
          : `There are ${mine
              .slice(0, 5)
              .map(({ ref }) => ref)
              .join(', ')}.`,
    },
  );
}

/** Adds a build by hand, and runs or follows it where that is asked for. */
export async function runByHand(trigger: string, options: RunOptions, io: CliIo): Promise<number> {
  const ledger = ledgerOf(options, io);
  const git = createGitMirrors({ folder: path.join(cacheFolder(io.env), 'git'), clock: io.clock });
  try {
    const declared = await declarationOf(trigger, options, ledger, git, io);
    const source = git.open(declared.plan.repository);
    await source.fetch(io.signal);
    const { ref, commit } = refOf(declared, await source.refs(io.signal), options.ref);
    const info = await source.commitInfo(commit, io.signal);
    const wanted = newBuildOf(declared, { ref, commit, movedFrom: undefined }, info, 'run');
    const { build, added } = await ledger.builds.add({ ...wanted, again: true });
    const next = nextCommand(build);
    const say = (): string =>
      `${buildMark(build.state, outStyle(io))} build ${build.id} ${added ? 'added' : 'is there already'}: ${trigger}, commit ${commit.slice(0, 12)}, ${build.state}: ${build.message}\n${next === undefined ? '' : `Next: ${next}\n`}`;
    const follows = options.here === true || options.wait === true;
    if (!follows || options.output === 'text') io.out(formatAnswer(options.output, buildRow(build), say));
    if (options.here === true) return await runHere(build, options, ledger, git, io);
    if (options.wait !== true) return EXIT.ok;
    const ended = await followBuild(build.id, ledger, options.output, io);
    if (options.output !== 'text') io.out(formatAnswer(options.output, buildRow(ended), () => ''));
    return codeOf(ended.state);
  } finally {
    git.close();
    await ledger.close();
  }
}

async function runHere(
  build: Build,
  options: RunOptions,
  ledger: Ledger,
  git: GitMirrors,
  io: CliIo,
): Promise<number> {
  const claimed = await ledger.builds.claim(build.id);
  if (claimed === undefined) {
    throw new LandfallError(
      `The build ${build.id} cannot be run here: it is ${build.state}, ${build.message}.`,
      {
        kind: 'conflict',
        code: 'build-not-queued',
        object: build.id,
        hint: nextCommand(build) ?? `landfall builds show ${build.id}`,
      },
    );
  }
  const registry = createRegistryClient(registryOptions(options, io, await kubeconfigMirrors(options, io)));
  try {
    await runBuild(
      {
        builds: ledger.builds,
        openSource: (url) => Promise.resolve(git.open(url)),
        registry,
        clock: io.clock,
        logger: jsonLogger(io.err, () => io.clock.now()),
        folder: path.join(stateFolder(io.env), 'builds'),
        env: io.env,
        onPushed: (record) => rememberRecord(stateFolder(io.env), record),
      },
      claimed,
      io.signal,
    );
  } finally {
    registry.close();
  }
  const ended = await findBuild(ledger, build.id);
  if (options.output === 'text')
    io.out(`${buildMark(ended.state, outStyle(io))} build ${ended.id}: ${ended.state}, ${ended.message}\n`);
  else io.out(formatAnswer(options.output, buildRow(ended), () => ''));
  return codeOf(ended.state);
}
