import { array, enum as oneOf, literal, number, strictObject, string, union } from 'zod';
import type { output } from 'zod';
import { compilePattern, parseConstraint } from '../../boundaries/intent/index.ts';
import { messageOf } from '../../kernel/index.ts';
import { isTag } from '../../oci/index.ts';
import { name, secret } from './parts.ts';

/** Refused when it is read, at its line, and not at the first cycle. */
const pattern = string().superRefine((text, context) => {
  try {
    compilePattern(text, 'updates');
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: messageOf(thrown) });
  }
});
const range = string().superRefine((text, context) => {
  try {
    if (text !== '') parseConstraint(text, 'updates');
  } catch (thrown) {
    context.addIssue({ code: 'custom', message: messageOf(thrown) });
  }
});
const tag = string().refine(isTag, 'a tag is wanted, such as latest');
const order = oneOf(['ascending', 'descending']);
const platform = string().regex(
  /^[a-z0-9]+\/[a-z0-9]+(?:\/[a-z0-9]+)?$/,
  'a platform is wanted, such as linux/amd64',
);
const duration = string().regex(
  /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/,
  'a duration is wanted, such as 90s or 2m',
);
const inside = string().regex(
  /^(?!\/)(?!(?:.*\/)?\.\.(?:\/|$))\S+$/,
  'a path inside of the repository is wanted, without a slash in front',
);

const policy = union(
  [
    /** The newest commit of this branch of the source repository that has an image. */
    strictObject({ commits: name }),
    strictObject({ semver: range }),
    strictObject({ numerical: order }),
    strictObject({ alphabetical: order }),
    strictObject({ newestBuild: literal(true) }),
    /** What this tag is now. */
    strictObject({ digest: tag }),
  ],
  'a policy is one of {commits: BRANCH}, {semver: RANGE}, {numerical: ascending}, {alphabetical: ascending}, {newestBuild: true} and {digest: TAG}',
);

const target = union(
  [
    strictObject({ kustomization: inside }),
    strictObject({
      values: inside,
      name: name.exactOptional(),
      tag: name.exactOptional(),
      digest: name.exactOptional(),
      spec: name.exactOptional(),
    }),
  ],
  'a target is {kustomization: FOLDER} or {values: FILE, tag: PATH, digest: PATH}; left out, it is where the rendered image comes from',
);

/** One image of an application that an updater keeps at what a policy chooses. */
export const imageUpdate = strictObject({
  /** Where its tags are. */
  image: name,
  /** As the manifests name it, where that is another name. */
  as: name.exactOptional(),
  policy,
  /** Only tags that match; RE2. */
  allow: pattern.exactOptional(),
  /** What is compared instead of the tag: `$ts`. */
  extract: name.exactOptional(),
  /** Shell patterns of tags that are left out. */
  ignore: array(name).max(25).exactOptional(),
  platforms: array(platform).max(20).exactOptional(),
  /** Name of a Secret with a Docker configuration in the namespace of the Application. */
  pullSecret: name.exactOptional(),
  target: target.exactOptional(),
});

/** How the updater commits, whatever the application. */
export const updates = strictObject({
  author: strictObject({ name, email: name }).exactOptional(),
  /** `{application}` and `{images}` are filled in. */
  message: name.exactOptional(),
  interval: duration.exactOptional(),
  /** Commits for one application in an hour, at most. */
  perHour: number().int().min(1).max(1000).exactOptional(),
  /** A key file of this machine, or the identity of an OpenPGP key. */
  sign: strictObject({ format: oneOf(['ssh', 'openpgp']), key: name }).exactOptional(),
  pullRequest: strictObject({
    /** `{application}` is filled in. */
    branch: name.exactOptional(),
    forge: oneOf(['github', 'gitlab', 'gitea']).exactOptional(),
    token: secret.exactOptional(),
  }).exactOptional(),
});

export type ImageUpdateDeclaration = output<typeof imageUpdate>;
export type UpdatesDeclaration = output<typeof updates>;
