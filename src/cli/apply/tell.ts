import { newsOf, tell } from '../../notify/index.ts';
import { channelsOf, parseLandfallYaml } from '../../pipeline/index.ts';
import { errStyle } from '../io.ts';
import type { CliIo } from '../io.ts';
import type { Planned, Session } from './session.ts';

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
  if (environment === undefined) return undefined;
  const { declarations } = target;
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
