import { LandfallError } from '../../kernel/index.ts';
import { KUSTOMIZE_OPTIONS } from './source-overrides.ts';

/** One of `spec.source.kustomize.images`, in its parts; what is not written is empty. */
export interface ImageOverride {
  /** The image as manifests name it. */
  readonly name: string;
  readonly newName: string;
  readonly newTag: string;
  readonly digest: string;
}

/**
 * `name=new:tag@digest`, with tag or digest or both left out; `name:tag@digest`; `*` keeps what the kustomization says.
 * As kustomize reads it since 5.4 (its pull request 5234); before, all that stood before `@` was the name, its tag
 * included. Throws `invalid-input` where nothing is said of the image.
 */
export function parseImageOverride(text: string): ImageOverride {
  const equals = text.indexOf('=');
  const { name, tag, digest } = splitImageName(text.slice(equals + 1));
  if (equals >= 0) return { name: text.slice(0, equals), newName: name, newTag: tag, digest };
  if (name !== text) return { name, newName: '', newTag: tag, digest };
  throw new LandfallError(
    `spec.source.kustomize.images: invalid format of image '${text.slice(0, 200)}': <image>=<newimage>, <image>=<newimage>:<newtag>, <image>=<newimage>@<digest>, <image>=<newimage>:<newtag>@<digest>, <image>:<newtag>, <image>@<digest> or <image>:<newtag>@<digest> is wanted.`,
    {
      kind: 'invalid-input',
      code: 'source-options',
      object: KUSTOMIZE_OPTIONS,
      hint: 'Mend the image in the Application or in its overrides.',
    },
  );
}

/** What stands before the first slash may hold the colon of a port. */
function splitImageName(text: string): {
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
} {
  const from = Math.max(text.indexOf('/'), 0);
  const at = text.indexOf('@', from);
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? '' : text.slice(at + 1);
  const colon = named.indexOf(':', from);
  return colon < 0
    ? { name: named, tag: '', digest }
    : { name: named.slice(0, colon), tag: named.slice(colon + 1), digest };
}
