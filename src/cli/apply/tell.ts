import { newsOf, tell } from '../../notify/index.ts';
import { channelsOf, parseLandfallYaml } from '../../pipeline/index.ts';
import type { LandfallError } from '../../kernel/index.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { ApplyCommandOptions } from './options.ts';
import type { Planned, Session } from './session.ts';
import { declarationsBeside } from './target.ts';

/** Who was told of how a delivery ended. */
export interface Told {
  readonly environment: string;
  /** `slack hooks.slack.com`. */
  readonly channels: readonly string[];
  readonly failed: readonly string[];
}

const PATIENCE = 15_000;

/**
 * Tells the environment how a delivery ended, good or bad: staging as loudly as production. Undefined where no
 * environment is named. Throws what the ledger cannot read.
 */
export async function tellEnvironment(
  session: Session,
  planned: Planned,
  delivery: string,
  io: CliIo,
): Promise<Told | undefined> {
  const { environment, target } = planned;
  return environment === undefined
    ? undefined
    : tellChannels(session, environment, target.declarations, delivery, io);
}

async function tellChannels(
  session: Session,
  environment: string,
  declarations: string | undefined,
  delivery: string,
  io: CliIo,
): Promise<Told> {
  const file = declarations === undefined ? undefined : parseLandfallYaml(declarations);
  const channels = channelsOf(file, environment);
  const kept = await session.ledger.deliveries.get(delivery);
  if (kept === undefined || channels.length === 0) return { environment, channels: [], failed: [] };
  const style = errStyle(io);
  // A Ctrl-C that took everything back is news too.
  const patience = new AbortController();
  const timer = io.clock.after(PATIENCE, () => patience.abort());
  try {
    const told = await tell(
      {
        clock: io.clock,
        env: io.env,
        ledger: session.ledger,
        warn: (text) => io.err(`${style.yellow('!')} ${text}\n`),
      },
      channels,
      newsOf(kept),
      patience.signal,
    );
    const named = (state: string) => told.filter((one) => one.state === state).map(({ channel }) => channel);
    return { environment, channels: named('told'), failed: named('failed') };
  } finally {
    timer.cancel();
  }
}

/**
 * Tells the environment of an apply that failed before there was a plan: manifests that do not render, a cluster that
 * is away. Undefined where nobody can be told; never throws, since the failure itself is what counts.
 */
export async function tellOfFailure(
  session: Session,
  what: string,
  options: ApplyCommandOptions,
  error: LandfallError,
  io: CliIo,
): Promise<Told | undefined> {
  const { env: environment } = options;
  if (environment === undefined || options.dryRun === true) return undefined;
  try {
    const { kube } = session.sources;
    const at = new Date(io.clock.now()).toISOString();
    const delivery = await session.ledger.deliveries.start({
      cluster: kube.server,
      namespace: options.namespace ?? kube.namespace,
      application: options.name ?? what,
      environment,
      revision: '',
      trigger: 'apply',
      actor: { name: 'unknown', attestedBy: 'nobody' },
      startedAt: at,
    });
    const message = error.message;
    await session.ledger.deliveries.update(delivery, { state: 'refused', message, finishedAt: at });
    return await tellChannels(session, environment, await declarationsBeside(what, io), delivery, io);
  } catch {
    return undefined;
  }
}
