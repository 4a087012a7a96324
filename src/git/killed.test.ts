import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isOnce, openKilledCommits, type KilledCommits } from '../../test/git-kills.ts';

// After each call of git: test/slow/git-kills.ts. Here after those that leave something behind.
const MINUTE = 60_000;

let stage: KilledCommits;

beforeAll(async () => {
  stage = await openKilledCommits();
}, 2 * MINUTE);

afterAll(() => stage.close());

describe('a commit whose process is killed is made once, and whole, when it is made again', () => {
  test.each<[string, readonly string[]]>([
    ['clone', ['First']],
    ['commit-tree', ['First']],
    ['push', ['Pin the image', 'First']],
  ])(
    'after git %s',
    async (command, left) => {
      const at = stage.calls.indexOf(command) + 1;
      expect(at).toBeGreaterThan(0);
      const killed = await stage.suffer(at);
      expect(killed).toMatchObject({ left });
      expect(killed).toSatisfy(isOnce);
    },
    2 * MINUTE,
  );
});
