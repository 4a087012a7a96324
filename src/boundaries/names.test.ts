import { describe, expect, it } from 'vitest';
import { shortReference, shortTag } from './names.ts';

const COMMIT = '9c4d8e1a'.repeat(5);
const DIGEST = `sha256:${'3e7a9f2b'.repeat(8)}`;

describe('a reference for people', () => {
  it.each([
    ['registry.corp.io:5000/shop', ':latest'],
    ['registry.corp.io:5000/shop:1.4.0', ':1.4.0'],
    [`registry.corp.io/shop@${DIGEST}`, '3e7a9f2b'],
    [`registry.corp.io/shop:1.4.0@${DIGEST}`, ':1.4.0@3e7a9f2b'],
    [`europe-docker.pkg.dev/p/r/shop:sha-${COMMIT}@${DIGEST}`, ':sha-9c4d8e1a@3e7a9f2b'],
    [`shop:${COMMIT}`, ':9c4d8e1a'],
  ])('%s', (reference, wanted) => {
    expect(shortReference(reference)).toBe(wanted);
  });

  it('leaves hexadecimal digits alone that are no commit', () => {
    expect(shortTag('20241130123456')).toBe('20241130123456');
    expect(shortTag(`build-${'a'.repeat(41)}`)).toBe(`build-${'a'.repeat(41)}`);
  });
});
