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

/** In the order of the help: asking first, then doing, then trying. */
export const commands: readonly CliCommand[] = [
  proveCommand,
  traceCommand,
  explainCommand,
  healthCommand,
  triageCommand,
  investigateCommand,
  statusCommand,
  historyCommand,
  noteCommand,
  driftCommand,
  renderCommand,
  updatesCommand,
  releasesCommand,
  promoteCommand,
  rollbackCommand,
  holdsCommand,
  syncCommand,
  planCommand,
  diffCommand,
  applyCommand,
  recoverCommand,
  checkCommand,
  layoutCommand,
  initCommand,
  imageCommand,
  buildsCommand,
  serveCommand,
  clusterCommand,
  demoCommand,
  completionCommand,
  helpCommand,
];
