import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greet } from '../greet.js';

test('a friend is greeted by name', () => {
  assert.equal(greet({ name: 'Ada' }), 'Hello, Ada');
});
