import { createHmac } from 'node:crypto';
import { messageOf, sleep } from '../kernel/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { Channel } from './channel.ts';

/** All attempts at one channel together, so that nobody waits long for a chat that is down. */
const BUDGET_MS = 5_000;
const ATTEMPT_MS = 2_000;
/** With less time than this left, another attempt is none. */
const LEAST_MS = 500;
const PAUSES_MS = [200, 600, 1_200] as const;
const MAX_ANSWER = 200;

export interface Sent {
  readonly state: 'told' | 'failed';
  readonly attempts: number;
  /** Why it failed, without anything secret; what was answered otherwise. */
  readonly message: string;
}

/**
 * The signature that Standard Webhooks describes (https://www.standardwebhooks.com): HMAC-SHA256 of id, time and body.
 * A secret that begins with `whsec_` holds its bytes in base64 behind that; any other is taken as it is written.
 */
function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret, 'utf8');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const { value } = await reader.read();
  await reader.cancel();
  return Buffer.from((value as Uint8Array | undefined) ?? new Uint8Array())
    .subarray(0, MAX_ANSWER)
    .toString('utf8')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** Whether it may go better the next time: the server says so, or it was not reached. */
function isPassing(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

interface Attempt {
  readonly done: boolean;
  readonly again: boolean;
  readonly message: string;
}

async function attempt(
  channel: Channel,
  id: string,
  body: string,
  clock: Clock,
  leftMs: number,
  signal: AbortSignal,
): Promise<Attempt> {
  const timestamp = String(Math.floor(clock.now() / 1000));
  const limit = new AbortController();
  const timer = clock.after(Math.min(ATTEMPT_MS, leftMs), () => limit.abort());
  try {
    const response = await fetch(channel.url, {
      method: 'POST',
      // Nobody else than the one who was named is told.
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'landfall',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(channel.secret === undefined
          ? {}
          : { 'webhook-signature': signature(channel.secret, id, timestamp, body) }),
      },
      body,
    });
    const answer = await beginningOf(response).catch(() => '');
    const message = `answered ${response.status}${response.ok || answer === '' ? '' : `: ${answer}`}`;
    return { done: response.ok, again: isPassing(response.status), message };
  } catch (thrown) {
    if (signal.aborted) return { done: false, again: false, message: 'was cancelled' };
    if (limit.signal.aborted) return { done: false, again: true, message: 'did not answer in time' };
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    return { done: false, again: true, message: `could not be reached: ${messageOf(cause)}` };
  } finally {
    timer.cancel();
  }
}

/** The address of a chat is its key, and so is everything in it behind the host. */
function withoutSecrets(text: string, { url, secret }: Channel): string {
  const secrets = [url.href, `${url.pathname}${url.search}`, url.password, secret ?? ''];
  return secrets.filter((each) => each.length > 3).reduce((told, each) => told.replaceAll(each, '…'), text);
}

/** Posts a body, and again for a while when that did not work. Throws nothing: who deploys must not fail over a chat. */
export async function send(
  channel: Channel,
  id: string,
  body: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Sent> {
  const started = clock.now();
  for (let attempts = 1; ; attempts += 1) {
    const left = BUDGET_MS - (clock.now() - started);
    const { done, again, message } = await attempt(channel, id, body, clock, left, signal);
    const told = withoutSecrets(message, channel);
    if (done) return { state: 'told', attempts, message: told };
    const pause = PAUSES_MS[attempts - 1];
    const enough = pause === undefined || clock.now() - started + pause + LEAST_MS > BUDGET_MS;
    if (!again || enough) return { state: 'failed', attempts, message: told };
    try {
      await sleep(clock, pause, signal);
    } catch {
      return { state: 'failed', attempts, message: told };
    }
  }
}
