import { describe, expect, it } from 'vitest';
import { exactText, exactWords } from './combine.ts';

describe('one text from the right words and the right shape', () => {
  it.each([
    ['takes the shape where the words agree', 'One. Two.', 'One.\n\nTwo.', 'One.\n\nTwo.'],
    ['keeps the words of the right version', 'All old pods.', 'All new pods.', 'All old pods.'],
    ['restores an empty line within what differs', 'A. Was  beta. Z', 'A. Z', 'A. Was\n\nbeta. Z'],
    ['keeps breaks on both sides of what differs', 'A B old C D', 'A\nB new C\n\nD', 'A\nB old C\n\nD'],
    ['restores the lines of a list', 'Of: - a gone - b', 'Of:\n- a\n- b', 'Of:\n- a gone\n- b'],
    ['restores the continuation of a line', '- a   beta - b', '- a\n- b', '- a\n  beta\n- b'],
    ['takes the shape where there are no words', '', 'Only here.', 'Only here.'],
  ])('%s', (_, exact, shaped, wanted) => {
    expect(exactWords(exact, shaped)).toBe(wanted);
  });

  it('keeps the list of values, of which the exact words know nothing', () => {
    expect(exactText('How to copy.', 'How to move.\n\nPossible enum values:\n - `"A"` first')).toBe(
      'How to copy.\n\nPossible enum values:\n - `"A"` first',
    );
  });
});
