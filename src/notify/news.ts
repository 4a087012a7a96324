import { getString } from '../kernel/index.ts';
import type { JsonObject } from '../kernel/index.ts';
import { redact, redactText, stoppedAt } from '../ledger/index.ts';
import type { Actor, Delivery, DeliveryState, LedgerSubject } from '../ledger/index.ts';

/** What went wrong with one object, and where it is asked for. */
export interface ObjectNews {
  /** `Service/shop/checkout`. */
  readonly object: string;
  readonly message: string;
  /** `deploy/service.yaml:11`. */
  readonly where?: string;
}

/** What is told of one delivery. */
export interface News extends LedgerSubject {
  readonly environment: string | undefined;
  /** Id in the ledger; undefined where it was refused before there was one. */
  readonly delivery: string | undefined;
  readonly revision: string;
  readonly state: DeliveryState;
  /** `stopped at intent`; undefined without a proof. */
  readonly verdict?: string | undefined;
  readonly boundary?: string | undefined;
  /** One sentence: why it stands so. */
  readonly reason: string;
  readonly objects: readonly ObjectNews[];
  readonly actor: Actor;
  /** ISO 8601. */
  readonly at: string;
}

const GOOD: readonly DeliveryState[] = ['applied', 'landed'];
/** Nothing went wrong with these; what a failure kept from being reached is not its cause. */
const FINE: readonly string[] = ['done', 'unchanged', 'skipped', 'not-reached'];
/** Objects that one message names; the rest is counted. */
const NAMED = 10;

function objectOf(result: JsonObject): string {
  return [getString(result, 'kind'), getString(result, 'namespace'), getString(result, 'name')]
    .filter((part) => part !== undefined && part !== '')
    .join('/');
}

/** What the ledger says of a delivery, with the objects that did not go well. */
export function newsOf(delivery: Delivery): News {
  const { cluster, namespace, application, environment, id, revision, state, message, actor } = delivery;
  const bad = delivery.results.filter((result) => !FINE.includes(getString(result, 'state') ?? ''));
  return {
    cluster,
    namespace,
    application,
    environment,
    delivery: id,
    revision,
    state,
    verdict: getString(delivery.proof, 'verdict', 'summary'),
    boundary: stoppedAt(delivery),
    reason: message,
    objects: GOOD.includes(state)
      ? []
      : bad.map((result) => {
          const where = getString(result, 'where');
          return {
            object: objectOf(result),
            message: getString(result, 'message') ?? '',
            ...(where === undefined ? {} : { where }),
          };
        }),
    actor,
    at: delivery.finishedAt ?? delivery.startedAt,
  };
}

/** Commands to paste: what happened, and how it stands now. */
export function commandsOf({ application, namespace, delivery }: News): readonly string[] {
  return [
    ...(delivery === undefined ? [] : [`landfall history ${application} ${delivery}`]),
    // A folder that was applied is no Application that could be asked about; no name of an object has a slash.
    ...(application.includes('/') ? [] : [`landfall explain ${application} -n ${namespace}`]),
  ];
}

/** The body of a generic webhook. */
export function webhookBody(news: News, id: string): JsonObject {
  const { cluster, namespace, application, revision, state, at } = news;
  return redact({
    apiVersion: 'landfall.dev/v1',
    kind: 'DeliveryNotice',
    id,
    at,
    cluster,
    namespace,
    application,
    environment: news.environment ?? null,
    delivery: news.delivery ?? null,
    revision,
    state,
    ok: GOOD.includes(state),
    verdict: news.verdict ?? null,
    boundary: news.boundary ?? null,
    reason: news.reason,
    objects: news.objects.slice(0, NAMED).map((each) => ({ ...each })),
    moreObjects: Math.max(0, news.objects.length - NAMED),
    actor: { ...news.actor },
    commands: [...commandsOf(news)],
  });
}

/** https://docs.slack.dev/messaging/formatting-message-text: three characters have to be escaped. */
export function escaped(text: string): string {
  return redactText(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const LONGEST = 600;

export function short(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

/** The text of a chat message: the answer first, then why, which objects, and what to do. */
export function chatText(news: News): string {
  const { application, environment, revision, state, reason, verdict, actor, delivery } = news;
  const mark = GOOD.includes(state) ? '✓' : '✗';
  const told = [state, verdict === state ? undefined : verdict].filter((part) => part !== undefined);
  const lines = [
    `${mark} *${escaped(application)} → ${escaped(environment ?? 'no environment')}: ${escaped(told.join(', '))}*`,
    escaped(short(reason)),
    `revision ${escaped(revision.slice(0, 12))} by ${escaped(actor.name)}${delivery === undefined ? '' : `, delivery ${delivery}`}`,
    ...news.objects
      .slice(0, NAMED)
      .map(
        ({ object, message, where }) =>
          `• ${escaped(object)}: ${escaped(short(message))}${where === undefined ? '' : ` (${escaped(where)})`}`,
      ),
    ...(news.objects.length > NAMED ? [`and ${news.objects.length - NAMED} more objects`] : []),
    ...commandsOf(news).map((command) => `\`${escaped(command)}\``),
  ];
  return lines.filter((line) => line !== '').join('\n');
}
