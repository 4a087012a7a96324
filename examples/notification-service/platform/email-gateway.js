import { sequence } from './sequence.js';
import { serve } from './serve.js';

/** The share of e-mails that bounce: full mailboxes and addresses that are gone. */
const BOUNCES = Number(process.env.EMAIL_BOUNCES ?? 0.056);
const next = sequence(process.env.SEED ?? 11);

serve('email-gateway', (request, response, pathname) => {
  if (request.method !== 'POST' || pathname !== '/send') response.writeHead(404).end();
  else response.writeHead(next() < BOUNCES ? 502 : 202).end();
});
