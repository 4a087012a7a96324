import { array, boolean, int, record, strictObject, string } from 'zod';
import { duration } from './duration.ts';
import { name } from './parts.ts';

/** Who has to agree before something goes on. */
export const approval = strictObject({
  /** Different people. */
  count: int().min(1).max(10).exactOptional(),
  /** Users as the cluster names them, or `group:NAME`. Left out: whoever may `approve` `builds.landfall.dev` there. */
  by: array(name).min(1).max(100).exactOptional(),
  /** Neither author nor committer of the commit. */
  notAuthor: boolean().exactOptional(),
  /** How long one approval counts. Default 30d. */
  expires: duration.exactOptional(),
});

/** Who is who: the e-mail addresses in commits of each user of the cluster. */
export const people = record(name, array(string().regex(/^[^\s@]+@[^\s@]+$/, 'an e-mail address is wanted')));
