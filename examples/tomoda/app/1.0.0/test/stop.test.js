import assert from 'node:assert/strict';
import { test } from 'node:test';
import { start } from './program.js';

const post = (url, body) => fetch(url, { method: 'POST', body: JSON.stringify(body) });

test('told to stop, it answers until its endpoint is gone, and ends with 0', async () => {
  const program = await start('api', { DRAIN_MS: '1500' });
  const stopped = program.stop();
  let response = await fetch(`${program.url}/health`);
  while (response.headers.get('connection') !== 'close') {
    assert.equal(response.status, 200);
    response = await fetch(`${program.url}/health`);
  }
  assert.equal(response.status, 200);
  assert.equal(await stopped, 0);
});

test('told to stop, async finishes what it has accepted', async () => {
  const program = await start('async', { DRAIN_MS: '50', WORK_MS: '10' });
  for (let job = 0; job < 20; job += 1) {
    assert.equal((await post(`${program.url}/jobs`, { to: 'Ada', text: `${job}` })).status, 202);
  }
  assert.equal(await program.stop(), 0);
  assert.equal(program.output().match(/delivered/g).length, 20);
});
