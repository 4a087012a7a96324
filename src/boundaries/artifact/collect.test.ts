import { expect, it } from 'vitest';
import { fullRepository } from './collect.ts';

it('takes two spellings of one repository for the same', () => {
  expect(fullRepository('nginx')).toBe(fullRepository('docker.io/library/nginx'));
  expect(fullRepository('registry.example/a/b')).not.toBe(fullRepository('registry.example/b'));
  expect(fullRepository('Not A Reference')).toBe('Not A Reference');
});
