import { randomUUID } from 'node:crypto';
import { messageOf } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { Ledger } from '../ledger/index.ts';
import { resolveChannel } from './channel.ts';
import type { ChannelDeclaration } from './channel.ts';
import { chatText, webhookBody } from './news.ts';
import type { News } from './news.ts';
import { send } from './send.ts';
import type { Sent } from './send.ts';

/** How one channel took it. */
export interface Told extends Sent {
  /** `webhook hooks.corp.io`. */
  readonly channel: string;
}

export interface TellContext {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly ledger: Pick<Ledger, 'notices'>;
  /** Something to tell the person at the terminal; nothing that stops a deploy. */
  readonly warn: (text: string) => void;
}

async function tellOne(
  context: TellContext,
  declared: ChannelDeclaration,
  news: News,
  signal: AbortSignal,
): Promise<Told> {
  const channel = await resolveChannel(declared, context.env);
  if ('problem' in channel)
    return { channel: channel.name, state: 'failed', attempts: 0, message: channel.problem };
  const id = `msg_${randomUUID()}`;
  const body = JSON.stringify(channel.kind === 'slack' ? { text: chatText(news) } : webhookBody(news, id));
  return { channel: channel.name, ...(await send(channel, id, body, context.clock, signal)) };
}

/**
 * Tells every channel of an environment, all at once, for at most a few seconds; keeps in the ledger how each took it.
 * What fails is a warning. Throws nothing.
 */
export async function tell(
  context: TellContext,
  channels: readonly ChannelDeclaration[],
  news: News,
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const told = await Promise.all(channels.map((declared) => tellOne(context, declared, news, signal)));
  const { cluster, namespace, application, environment, delivery } = news;
  for (const { channel, state, attempts, message } of told) {
    if (state === 'failed') context.warn(`${environment ?? application} was not told: ${channel} ${message}`);
    try {
      await context.ledger.notices.record({
        cluster,
        namespace,
        application,
        delivery,
        environment,
        channel,
        state,
        attempts,
        message: state === 'told' ? `${news.state}: ${news.reason}` : message,
      });
    } catch (thrown) {
      context.warn(`the ledger does not know that ${channel} was told: ${messageOf(thrown)}`);
    }
  }
  return told;
}
