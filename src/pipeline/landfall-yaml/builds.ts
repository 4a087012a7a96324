import { array, boolean, int, record, strictObject, string, union } from 'zod';
import type { output } from 'zod';
import { approval } from './approval.ts';
import { duration } from './duration.ts';
import { channel } from './notify.ts';
import { name, secret } from './parts.ts';

const variableName = string().regex(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  'the name of an environment variable is wanted',
);
const values = record(variableName, string());
const secrets = record(variableName, secret);
const argv = array(string().regex(/^[^\0]*$/, 'a zero byte is in it'))
  .min(1)
  .refine(([program = '']) => program !== '', 'a program is wanted');

/** A part of a ref's name that git-check-ref-format(1) allows, and that no program takes for an option. */
const refName = string().regex(
  /^(?![-/.])(?!.*(?:\.\.|@\{|\/\/|\/\.))[^\s~^:?[\\\p{Cc}]{1,200}$/u,
  'the name of a branch or tag is wanted, without spaces and not starting with "-"',
);

const inside = string().regex(
  /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\\]+$/,
  'a folder inside of the repository is wanted, such as "." or "dist"',
);

const step = strictObject({
  name: string().regex(/^[\w][\w .-]{0,63}$/, 'a short name of letters and digits is wanted'),
  /** Program and arguments, one word each; no shell reads them. */
  run: argv,
  timeout: duration.exactOptional(),
  env: values.exactOptional(),
  /** From mounted files or variables of the server; shown nowhere. */
  secretEnv: secrets.exactOptional(),
});

const packaging = strictObject({
  /** What becomes the image. */
  folder: inside.exactOptional(),
  entrypoint: argv,
  cmd: array(string()).exactOptional(),
  env: values.exactOptional(),
  workdir: string()
    .regex(/^\/\S*$/, 'an absolute path is wanted')
    .exactOptional(),
  ports: array(
    union([
      int().min(1).max(65_535),
      string().regex(/^\d{1,5}\/(?:tcp|udp|sctp)$/, 'a port is 8080 or 8125/udp'),
    ]),
  ).exactOptional(),
  user: name.exactOptional(),
  platforms: array(
    string().regex(/^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9]+)?$/, 'a platform is linux/amd64'),
  ).exactOptional(),
});

/** What starts a build, who has to approve it, and what it does. */
export const build = strictObject({
  /** Where the source is; how it is reached is known to whoever builds, never written here. */
  repository: name.refine(
    (url) => !/\/\/[^/@\s]*:[^/@\s]*@/.test(url),
    'a repository without a password is wanted: what is secret is never in Git',
  ),
  on: strictObject({
    branch: refName.exactOptional(),
    /** `*` stands for anything. */
    tag: refName.exactOptional(),
  }).refine(
    ({ branch, tag }) => (branch === undefined) !== (tag === undefined),
    "one of 'branch' and 'tag' is wanted",
  ),
  approval: approval.exactOptional(),
  /** Registry and repository, without a tag. */
  image: string().regex(/^[^\s@]+$/, 'registry and repository of the image are wanted, without digest'),
  tag: string()
    .regex(/^(?:[\w.-]|\{commit\}|\{tag\})+$/, 'a tag is wanted in which {commit} and {tag} are filled in')
    .exactOptional(),
  /** Another image may take the place of the one that has the tag now. Default false. */
  overwrite: boolean().exactOptional(),
  steps: array(step).max(50).exactOptional(),
  /** Left out: a step pushes the image, and Landfall resolves what was pushed. */
  package: packaging.exactOptional(),
  env: values.exactOptional(),
  secretEnv: secrets.exactOptional(),
  /** Of the whole build. Default 30m. */
  timeout: duration.exactOptional(),
  /** Who is told. Left out: everybody who is told of the deliveries of any environment. */
  notify: array(channel).exactOptional(),
})
  .refine(
    ({ on, tag }) => on.tag !== undefined || tag === undefined || !tag.includes('{tag}'),
    'only a build of a tag can fill in {tag}; use {commit}',
  )
  .refine(
    ({ steps = [], package: made }) => made !== undefined || steps.length > 0,
    "nothing would be built: give 'package', or 'steps' that push the image",
  )
  .refine(
    ({ steps = [] }) => new Set(steps.map((each) => each.name)).size === steps.length,
    'two steps have the same name',
  );

export const builds = record(
  string().regex(
    /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/,
    'a name is lower-case letters, digits, "-" and "."',
  ),
  build,
);

export type BuildDeclaration = output<typeof build>;
export type ApprovalDeclaration = output<typeof approval>;
