import { answer, readMessage } from './http.js';
import { log } from './log.js';

const MAX_QUEUE = 1000;

/** Delivers messages one after another. What it has accepted it finishes before it ends. */
export function createAsync({ settings, metrics }) {
  metrics.declare('jobs_total', 'Messages, by what became of them.');
  const queue = [];
  let working;

  async function work() {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      await new Promise((resolve) => setTimeout(resolve, settings.workMs));
      metrics.count('jobs_total', { status: 'delivered' });
      log('INFO', `delivered ${job.text.length} characters to ${JSON.stringify(job.to)}`);
    }
    working = undefined;
  }

  return {
    async handle(request, response, url) {
      if (request.method !== 'POST' || url.pathname !== '/jobs') {
        answer(response, 404, { error: 'not found' });
        return;
      }
      const message = await readMessage(request, response);
      if (message === undefined) return;
      if (queue.length >= MAX_QUEUE) {
        answer(response, 503, { error: 'the queue is full' });
        return;
      }
      queue.push(message);
      metrics.count('jobs_total', { status: 'accepted' });
      working ??= work();
      answer(response, 202, { status: 'accepted' });
    },
    async finish() {
      await working;
    },
  };
}
