import { newsOf, tell } from '../../notify/index.ts';
import type { ChannelDeclaration, News } from '../../notify/index.ts';
import { channelsOf, declarationsOf, parseLandfallYaml } from '../../pipeline/index.ts';
import { messageOf } from '../../kernel/index.ts';
import type { LandfallError } from '../../kernel/index.ts';
import type { Recovered } from '../../apply/index.ts';
import type { Ledger } from '../../ledger/index.ts';
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

type NewDelivery = Parameters<Ledger['deliveries']['start']>[0];

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

/**
 * Tells the environments of deliveries that a dead process had left half done and that were ended now: whoever waited
 * for them heard nothing. A delivery without an environment has nobody to tell. Never throws, since what was ended is
 * what counts.
 */
export async function tellRecovered(
  session: Session,
  recovered: readonly Recovered[],
  declarations: string | undefined,
  io: CliIo,
): Promise<readonly Told[]> {
  const told: Told[] = [];
  for (const { delivery, outcome } of recovered) {
    if (outcome === 'held' || outcome === 'refused') continue;
    try {
      const environment = (await session.ledger.deliveries.get(delivery))?.environment;
      if (environment === undefined) continue;
      told.push(await tellChannels(session, environment, declarations, delivery, io));
    } catch (thrown) {
      io.err(`${errStyle(io).yellow('!')} nobody was told of it: ${messageOf(thrown)}\n`);
    }
  }
  return told;
}

async function tellChannels(
  session: Session,
  environment: string,
  declarations: string | undefined,
  delivery: string,
  io: CliIo,
): Promise<Told> {
  const channels = declaredChannels(declarations, environment);
  const kept = await session.ledger.deliveries.get(delivery);
  if (kept === undefined) return { environment, channels: [], failed: [] };
  return tellNews(session.ledger, environment, channels, newsOf(kept), io);
}

function declaredChannels(declarations: string | undefined, environment: string) {
  return channelsOf(declarations === undefined ? undefined : parseLandfallYaml(declarations), environment);
}

async function tellNews(
  ledger: Pick<Ledger, 'notices'> | undefined,
  environment: string,
  channels: readonly ChannelDeclaration[],
  news: News,
  io: CliIo,
): Promise<Told> {
  if (channels.length === 0) return { environment, channels: [], failed: [] };
  const style = errStyle(io);
  // A Ctrl-C that took everything back is news too.
  const patience = new AbortController();
  const timer = io.clock.after(PATIENCE, () => patience.abort());
  try {
    const told = await tell(
      {
        clock: io.clock,
        env: io.env,
        ledger,
        warn: (text) => io.err(`${style.yellow('!')} ${text}\n`),
      },
      channels,
      news,
      patience.signal,
    );
    const named = (state: string) => told.filter((one) => one.state === state).map(({ channel }) => channel);
    return { environment, channels: named('told'), failed: named('failed') };
  } finally {
    timer.cancel();
  }
}

/**
 * Tells the environment of an apply that failed before there was a plan: manifests that do not render, a cluster or a
 * kubeconfig that is away, a ledger that cannot be written to. Undefined where nobody can be told; never throws, since
 * the failure itself is what counts.
 */
export async function tellOfFailure(
  session: Session | undefined,
  what: string,
  options: ApplyCommandOptions,
  error: LandfallError,
  io: CliIo,
): Promise<Told | undefined> {
  if (options.dryRun === true) return undefined;
  try {
    const beside = await declarationsBeside(what, io);
    const application = options.name ?? beside.name;
    const environment = options.env ?? declarationsOf(beside.text, application).environment;
    if (environment === undefined) return undefined;
    const kube = session?.sources.kube;
    const refused: NewDelivery = {
      cluster: kube?.server ?? '',
      namespace: options.namespace ?? kube?.namespace ?? '',
      application,
      environment,
      revision: '',
      trigger: 'apply',
      actor: { name: 'unknown', attestedBy: 'nobody' },
      startedAt: new Date(io.clock.now()).toISOString(),
    };
    const { message } = error;
    const delivery = session && (await recordFailure(session, refused, message).catch(() => undefined));
    const { trigger: _trigger, startedAt: at, ...subject } = refused;
    return await tellNews(
      delivery === undefined ? undefined : session?.ledger,
      environment,
      declaredChannels(beside.text, environment),
      { ...subject, delivery, state: 'refused', reason: message, objects: [], at },
      io,
    );
  } catch {
    return undefined;
  }
}

async function recordFailure(session: Session, refused: NewDelivery, message: string): Promise<string> {
  const { deliveries } = session.ledger;
  const delivery = await deliveries.start(refused);
  await deliveries.update(delivery, { state: 'refused', message, finishedAt: refused.startedAt });
  return delivery;
}
