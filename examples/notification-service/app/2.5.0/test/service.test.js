import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { createApp } from '../app.js';
import { readSettings } from '../settings.js';

const servers = [];
const seen = [];
let base;
let app;

function listen(handler) {
  const server = createServer(handler);
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

before(async () => {
  const neighbours = await listen((request, response) => {
    seen.push(request.url);
    request.resume();
    if (request.url.startsWith('/flags/')) response.end('{"enabled":true}');
    else response.writeHead(202).end();
  });
  app = createApp(
    readSettings({
      EMAIL_GATEWAY_URL: neighbours,
      SMS_GATEWAY_URL: neighbours,
      FLAG_SERVICE_URL: neighbours,
    }),
  );
  base = await listen((request, response) => app.handle(request, response));
});

after(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});

function post(body) {
  return fetch(`${base}/notifications`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

test('an e-mail is handed to the gateway and counted', async () => {
  const response = await post({ channel: 'email', to: 'ada@example.com', text: 'Hello' });
  assert.equal(response.status, 200);
  assert.ok(seen.includes('/send'));
  assert.match(
    await (await fetch(`${base}/metrics`)).text(),
    /notifications_sent_total\{channel="email",status="success"\} 1/,
  );
});

test('an SMS goes through the provider of this version', async () => {
  const response = await post({ channel: 'sms', to: '+4912345', text: 'Hello' });
  assert.equal(response.status, 200);
  assert.ok(seen.includes('/v2/send'));
  const metrics = await (await fetch(`${base}/metrics`)).text();
  assert.match(metrics, /feature_flag_check_total\{flag="sms_provider_v2",result="enabled"\} 1/);
});

test('what is no notification is refused', async () => {
  assert.equal((await post('{')).status, 400);
  assert.equal((await post({ channel: 'fax', to: 'x', text: 'y' })).status, 400);
  assert.equal((await post({ channel: 'email', to: 'x', text: 'y'.repeat(20_000) })).status, 413);
});

test('health fails once the process is told to stop', async () => {
  assert.equal((await fetch(`${base}/health`)).status, 200);
  app.stopping = true;
  assert.equal((await fetch(`${base}/health`)).status, 503);
  app.stopping = false;
});
