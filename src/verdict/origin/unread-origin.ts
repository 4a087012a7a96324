import { LandfallError } from '../../kernel/index.ts';
import type { Reading } from '../../boundaries/index.ts';
import type { ApplicationSpec, ComesFrom } from '../application.ts';
import type { Origin } from './origin.ts';

/** A source that is not there, or of a kind that is not read here: everything behind it is not known. */
export function unreadOrigin(spec: ApplicationSpec, from: Extract<ComesFrom, { kind: 'unread' }>): Origin {
  const { why, code, hint, missing } = from;
  const reading: Reading<never> = { state: missing ? 'absent' : 'unreadable', why, code, hint };
  const error = () => new LandfallError(why, { kind: 'unavailable', code, object: spec.name, hint });
  return {
    display: spec.repository,
    tracked: reading,
    expected: reading,
    since: undefined,
    files: undefined,
    render: () => Promise.reject(error()),
    find: () => Promise.reject(error()),
  };
}
