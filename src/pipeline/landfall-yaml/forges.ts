import { array, enum as oneOf, strictObject, string } from 'zod';
import { secret } from './parts.ts';

const host = string().regex(
  /^[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?$/,
  'a host is wanted as in the URL of the repository: git.example.com',
);
const api = string().regex(
  /^https:\/\/[^\s/@?#]+(?:\/[^\s?#]*)?$/,
  'the https address of an API is wanted, without user and password: https://git.example.com/api/v1',
);

/** Where pull requests are opened, by the host of the repository. */
export const forges = array(
  strictObject({
    host,
    provider: oneOf(['github', 'gitlab', 'gitea']).exactOptional(),
    /** Left out: where the provider has it on that host. */
    api: api.exactOptional(),
    /** Left out: GITHUB_TOKEN, GITLAB_TOKEN or GITEA_TOKEN. */
    token: secret.exactOptional(),
  }),
).max(50);
