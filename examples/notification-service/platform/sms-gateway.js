import { sequence } from './sequence.js';
import { serve } from './serve.js';

/** The share of messages that each provider loses. */
const LOSSES = { '/legacy/send': 0.351, '/v2/send': 0.006 };
const next = Object.fromEntries(Object.keys(LOSSES).map((path) => [path, sequence(process.env.SEED ?? 23)]));

serve('sms-gateway', (request, response, pathname) => {
  if (request.method !== 'POST' || !Object.hasOwn(LOSSES, pathname)) response.writeHead(404).end();
  else response.writeHead(next[pathname]() < LOSSES[pathname] ? 502 : 202).end();
});
