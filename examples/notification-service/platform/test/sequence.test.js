import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequence } from '../sequence.js';

test('a seed repeats, and any fifty numbers show the rate', () => {
  const [first, second] = [sequence(23), sequence(23)];
  const numbers = Array.from({ length: 1000 }, () => first());
  assert.deepEqual(
    numbers,
    Array.from({ length: 1000 }, () => second()),
  );
  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  for (let from = 0; from + 50 <= numbers.length; from++) {
    const share = numbers.slice(from, from + 50).filter((number) => number < 0.35).length / 50;
    assert.ok(Math.abs(share - 0.35) <= 0.06, `from ${from}: ${share}`);
  }
});
