import http from 'node:http';
import { sequence } from './sequence.js';
import { serve } from './serve.js';

const RATE = Number(process.env.RATE ?? 40);
const SMS_SHARE = Number(process.env.SMS_SHARE ?? 0.3);
const TARGET = process.env.NOTIFICATIONS_URL ?? 'http://notification-service:8080/notifications';
const MAX_IN_FLIGHT = 200;

// A connection per notification, so that every replica gets its share.
const agent = new http.Agent({ keepAlive: false });
const nextChannel = sequence(process.env.SEED ?? 42);
let order = 0;
let inFlight = 0;
let owed = 0;
let lastComplaint = 0;

function send() {
  order += 1;
  const channel = nextChannel() < SMS_SHARE ? 'sms' : 'email';
  const to = channel === 'sms' ? `+49170${String(order).padStart(7, '0')}` : `customer-${order}@example.com`;
  const body = JSON.stringify({ channel, to, text: `Your order ${order} has been shipped.` });
  inFlight += 1;
  let open = true;
  const done = (problem) => {
    if (!open) return;
    open = false;
    inFlight -= 1;
    if (problem === undefined || Date.now() - lastComplaint < 5000) return;
    lastComplaint = Date.now();
    process.stdout.write(`order-events: ${TARGET}: ${problem}\n`);
  };
  const request = http.request(TARGET, {
    method: 'POST',
    agent,
    timeout: 3000,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  request.on('timeout', () => request.destroy(new Error('no answer within 3 s')));
  request.on('error', (error) => done(error.message));
  request.on('response', (response) => {
    response.resume();
    response.on('close', () => done());
  });
  request.end(body);
}

let last = performance.now();
setInterval(() => {
  const now = performance.now();
  // After a pause, for instance of a suspended laptop, it does not make up for more than a second.
  owed = Math.min(owed + ((now - last) / 1000) * RATE, RATE);
  last = now;
  while (owed >= 1) {
    owed -= 1;
    if (inFlight < MAX_IN_FLIGHT) send();
  }
}, 25);

serve('order-events', (_request, response) => response.writeHead(404).end());
