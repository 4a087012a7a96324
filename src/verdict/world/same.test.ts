import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ownerName, sameCommit, sameDigest, sameVersion } from './same.ts';

const WHOLE = `sha256:3e7a9f2b${'0'.repeat(52)}c841`;

describe('shortened digests', () => {
  it.each([
    [WHOLE, 'sha256:3e7a9f2b...c841', 'same'],
    [WHOLE, 'registry.corp.io/app@sha256:3e7a9f2b…c841', 'same'],
    [WHOLE, '3e7a9f2b', 'same'],
    ['sha256:3e7a9f2b...c841', 'sha256:3e7a9f2b...c841', 'same'],
    ['sha256:3e7a9f2b...c841', 'sha256:9c4d8e1a...f273', 'different'],
    // The same beginning and another end is another digest.
    [WHOLE, 'sha256:3e7a9f2b...f273', 'different'],
    ['sha256:3e7a9f2b...c841', 'sha256:3e7a9f2b...f273', 'different'],
    // Too little is shown to say that it is one.
    [WHOLE, '3e7a', 'undecided'],
    [WHOLE, 'sha512:3e7a9f2b', 'undecided'],
    [WHOLE, 'latest', 'undecided'],
    [WHOLE, '', 'undecided'],
  ])('%s and %s: %s', (one, other, wanted) => {
    expect(sameDigest(one, other)).toBe(wanted);
    expect(sameDigest(other, one)).toBe(wanted);
  });

  it('never takes two whole digests for one unless they are', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
    fc.assert(
      fc.property(hex, hex, (a, b) => (sameDigest(`sha256:${a}`, `sha256:${b}`) === 'same') === (a === b)),
      { seed: 6 },
    );
  });
});

describe('commits', () => {
  it.each([
    ['e3b7d9f1', 'e3b7d9f1aabbccddeeff00112233445566778899', 'same'],
    ['main@sha1:4f2e1d0a', '4f2e1d0', 'same'],
    ['sha-4f2e1d0', '4f2e1d0a', 'same'],
    ['e3b7d9f1', 'b91e4c7a', 'different'],
    ['main', 'b91e4c7a', 'undecided'],
    ['abc', 'abcdef1', 'undecided'],
  ])('%s and %s: %s', (one, other, wanted) => {
    expect(sameCommit(one, other)).toBe(wanted);
  });
});

it('versions are one with and without a v, and another with a suffix', () => {
  expect(sameVersion('v2.5.0', '2.5.0')).toBe(true);
  expect(sameVersion('2.5.0-rc1', '2.5.0')).toBe(false);
});

describe('the workload behind a name', () => {
  it.each([
    ['Pod', 'api-7d4b9c6f5-x2x8k', 'api'],
    ['Pod', 'notification-service-6b7f9a8d43-h2k4l', 'notification-service'],
    ['Pod', 'db-0', 'db'],
    ['Pod', 'agent-x7k2p', 'agent'],
    ['ReplicaSet', 'api-7d4b9c6f5', 'api'],
    ['ReplicaSet', 'web-app', undefined],
    ['Service', 'api-7d4b9c6f5', undefined],
  ])('%s %s: %s', (kind, name, wanted) => {
    expect(ownerName(kind, name)).toBe(wanted);
  });
});
