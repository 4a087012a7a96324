import { applyCommand } from './apply.ts';
import { buildsCommand } from './builds.ts';
import { checkCommand } from './check.ts';
import { clusterCommand } from './cluster.ts';
import type { CliCommand } from './command.ts';
import { completionCommand } from './completion.ts';
import { driftCommand } from './drift.ts';
import { demoCommand } from './demo.ts';
import { diffCommand } from './diff.ts';
import { explainCommand } from './explain.ts';
import { healthCommand } from './health.ts';
import { helpCommand } from './help.ts';
import { historyCommand } from './history.ts';
import { holdsCommand } from './holds.ts';
import { imageCommand } from './image.ts';
import { initCommand } from './init.ts';
import { planCommand } from './plan.ts';
import { noteCommand } from './note.ts';
import { investigateCommand } from './investigate.ts';
import { layoutCommand } from './layout.ts';
import { promoteCommand } from './promote.ts';
import { proveCommand } from './prove.ts';
import { recoverCommand } from './recover.ts';
import { renderCommand } from './render.ts';
import { releasesCommand } from './releases.ts';
import { rollbackCommand } from './rollback.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { syncCommand } from './sync.ts';
import { traceCommand } from './trace.ts';
import { triageCommand } from './triage.ts';
import { updatesCommand } from './updates.ts';

/** By name, in the order of the help: asking first, then doing, then trying. */
const COMMANDS: Readonly<Record<string, CliCommand>> = {
  prove: proveCommand,
  trace: traceCommand,
  explain: explainCommand,
  health: healthCommand,
  triage: triageCommand,
  investigate: investigateCommand,
  status: statusCommand,
  history: historyCommand,
  note: noteCommand,
  drift: driftCommand,
  render: renderCommand,
  updates: updatesCommand,
  releases: releasesCommand,
  promote: promoteCommand,
  rollback: rollbackCommand,
  holds: holdsCommand,
  sync: syncCommand,
  plan: planCommand,
  diff: diffCommand,
  apply: applyCommand,
  recover: recoverCommand,
  check: checkCommand,
  layout: layoutCommand,
  init: initCommand,
  image: imageCommand,
  builds: buildsCommand,
  serve: serveCommand,
  cluster: clusterCommand,
  demo: demoCommand,
  completion: completionCommand,
  help: helpCommand,
};

/** Commands that speak of all the others. */
const KNOW_ALL = new Set(['help', 'completion']);

/**
 * The commands that a first word needs: the one that it names, which saves describing all the others at every start;
 * all of them where it names none, so that what is near can be suggested.
 */
export function commandsFor(word: string | undefined): readonly CliCommand[] {
  const named =
    word === undefined || KNOW_ALL.has(word)
      ? undefined
      : Object.entries(COMMANDS).find(([name]) => name === word);
  return named === undefined ? Object.values(COMMANDS) : [named[1]];
}
