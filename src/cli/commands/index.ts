import { checkCommand } from './check.ts';
import { clusterCommand } from './cluster.ts';
import type { CliCommand } from './command.ts';
import { completionCommand } from './completion.ts';
import { driftCommand } from './drift.ts';
import { demoCommand } from './demo.ts';
import { explainCommand } from './explain.ts';
import { helpCommand } from './help.ts';
import { imageCommand } from './image.ts';
import { initCommand } from './init.ts';
import { investigateCommand } from './investigate.ts';
import { layoutCommand } from './layout.ts';
import { proveCommand } from './prove.ts';
import { renderCommand } from './render.ts';
import { serveCommand } from './serve.ts';
import { statusCommand } from './status.ts';
import { traceCommand } from './trace.ts';
import { triageCommand } from './triage.ts';

/** In the order of the help: asking first, then doing, then trying. */
export const commands: readonly CliCommand[] = [
  proveCommand,
  traceCommand,
  explainCommand,
  triageCommand,
  investigateCommand,
  statusCommand,
  driftCommand,
  renderCommand,
  checkCommand,
  layoutCommand,
  initCommand,
  imageCommand,
  serveCommand,
  clusterCommand,
  demoCommand,
  completionCommand,
  helpCommand,
];
