import { randomUUID } from 'node:crypto';
import { messageOf } from '../kernel/index.ts';
import type { Clock, JsonObject } from '../kernel/index.ts';
import type { Ledger, LedgerSubject } from '../ledger/index.ts';
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
  /** Undefined where it cannot be written to: those who are told are told all the same. */
  readonly ledger: Pick<Ledger, 'notices'> | undefined;
  /** Something to tell the person at the terminal; nothing that stops a deploy. */
  readonly warn: (text: string) => void;
}

/** One message to every channel. */
export interface Message {
  /** Receivers may take the same id for the same message. */
  readonly id: string;
  readonly subject: LedgerSubject;
  readonly delivery: string | undefined;
  readonly environment: string | undefined;
  /** What a person is told that nobody was told of. */
  readonly about: string;
  /** Kept with the notice: what was told. */
  readonly outcome: string;
  readonly chat: string;
  readonly body: (id: string) => JsonObject;
}

async function tellOne(
  context: TellContext,
  declared: ChannelDeclaration,
  message: Message,
  signal: AbortSignal,
): Promise<Told> {
  const channel = await resolveChannel(declared, context.env);
  if ('problem' in channel)
    return { channel: channel.name, state: 'failed', attempts: 0, message: channel.problem };
  const body = JSON.stringify(channel.kind === 'slack' ? { text: message.chat } : message.body(message.id));
  return { channel: channel.name, ...(await send(channel, message.id, body, context.clock, signal)) };
}

/**
 * Tells every channel of an environment of a delivery, all at once, for at most a few seconds; keeps in the ledger how
 * each took it. What fails is a warning. Throws nothing.
 */
export function tell(
  context: TellContext,
  channels: readonly ChannelDeclaration[],
  news: News,
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const { cluster, namespace, application, environment, delivery } = news;
  const message: Message = {
    id: `msg_${randomUUID()}`,
    subject: { cluster, namespace, application },
    delivery,
    environment,
    about: environment ?? application,
    outcome: `${news.state}: ${news.reason}`,
    chat: chatText(news),
    body: (id) => webhookBody(news, id),
  };
  return tellMessage(context, channels, message, signal);
}

/** As `tell`, of anything. */
export async function tellMessage(
  context: TellContext,
  channels: readonly ChannelDeclaration[],
  message: Message,
  signal: AbortSignal,
): Promise<readonly Told[]> {
  const told = await Promise.all(channels.map((declared) => tellOne(context, declared, message, signal)));
  const { subject, environment, delivery, about, outcome } = message;
  for (const { channel, state, attempts, message: answer } of told) {
    if (state === 'failed') context.warn(`${about} was not told: ${channel} ${answer}`);
    try {
      await context.ledger?.notices.record({
        ...subject,
        delivery,
        environment,
        channel,
        state,
        attempts,
        message: state === 'told' ? outcome : answer,
      });
    } catch (thrown) {
      context.warn(`the ledger does not know that ${channel} was told: ${messageOf(thrown)}`);
    }
  }
  return told;
}
