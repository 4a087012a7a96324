import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greet } from '../greet.js';

test('a friend is greeted by name', () => {
  assert.equal(greet({ name: 'Ada' }), 'Hello, Ada');
});

test('in the first of their languages that is known', () => {
  assert.equal(greet({ name: 'Ada', languages: 'de-CH,de;q=0.9,en;q=0.8' }), 'Hallo, Ada');
  assert.equal(greet({ name: 'Ada', languages: 'nl,ja;q=0.5' }), 'こんにちは, Ada');
  assert.equal(greet({ name: 'Ada', languages: '*' }), 'Hello, Ada');
});
