import { answer, readMessage } from './http.js';
import { greet } from './greet.js';
import { log } from './log.js';

const ATTEMPTS = 3;
const PAUSE_MS = 100;
const TIMEOUT_MS = 2000;

/** What is answered to requests from outside. Messages go to async, which has them once it says 202. */
export function createApi({ settings, metrics }) {
  metrics.declare('messages_total', 'Messages handed to async, by outcome.');

  async function handOver(message) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await fetch(new URL('/jobs', settings.asyncUrl), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(message),
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.arrayBuffer();
        if (response.status === 202) return true;
      } catch (error) {
        if (attempt === ATTEMPTS) log('ERROR', `async did not take a message: ${error.message}`);
      }
      if (attempt === ATTEMPTS) return false;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }

  return {
    async handle(request, response, url) {
      if (request.method === 'GET' && url.pathname === '/v1/greeting') {
        const name = (url.searchParams.get('name') ?? 'friend').slice(0, 100);
        answer(response, 200, { greeting: greet({ name, languages: request.headers['accept-language'] }) });
        return;
      }
      if (request.method === 'POST' && url.pathname === '/v1/messages') {
        const message = await readMessage(request, response);
        if (message === undefined) return;
        const taken = await handOver(message);
        metrics.count('messages_total', { status: taken ? 'taken' : 'refused' });
        answer(response, taken ? 202 : 503, taken ? { status: 'taken' } : { error: 'try again later' });
        return;
      }
      answer(response, 404, { error: 'not found' });
    },
    /** Nothing is left behind when the last request is answered. */
    async finish() {},
  };
}
