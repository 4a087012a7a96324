import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from './program.js';

let api;
let worker;

before(async () => {
  worker = await start('async');
  api = await start('api', { ASYNC_URL: worker.url });
});

after(() => Promise.all([api.stop(), worker.stop()]));

const post = (url, body) => fetch(url, { method: 'POST', body: JSON.stringify(body) });

test('both modes say that they are well, and what they were built from', async () => {
  for (const [mode, program] of [
    ['api', api],
    ['async', worker],
  ]) {
    const response = await fetch(`${program.url}/health`);
    assert.equal(response.status, 200);
    const health = await response.json();
    assert.equal(health.mode, mode);
    assert.match(health.version, /^\d+\.\d+\.\d+$/);
    assert.match(await (await fetch(`${program.url}/metrics`)).text(), /app_build_info\{version="\d/);
  }
});

test('the api greets', async () => {
  const response = await fetch(`${api.url}/v1/greeting?name=Ada`);
  assert.deepEqual(await response.json(), { greeting: 'Hello, Ada' });
});

test('a message goes to async; what is none is refused', async () => {
  assert.equal((await post(`${api.url}/v1/messages`, { to: 'Ada', text: 'hi' })).status, 202);
  assert.equal((await post(`${api.url}/v1/messages`, { to: 'Ada' })).status, 400);
  assert.equal((await fetch(`${api.url}/v1/else`)).status, 404);
  assert.match(await (await fetch(`${worker.url}/metrics`)).text(), /jobs_total\{status="accepted"\} 1/);
});

test('a message that nobody takes is not said to be taken', async () => {
  const alone = await start('api', { ASYNC_URL: 'http://127.0.0.1:1' });
  assert.equal((await post(`${alone.url}/v1/messages`, { to: 'Ada', text: 'hi' })).status, 503);
  await alone.stop();
});

test('a mode that there is not is refused', async () => {
  await assert.rejects(start('web'), /there is no mode "web"/);
});
