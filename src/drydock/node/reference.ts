import { LandfallError } from '../../kernel/index.ts';

export interface ImageReference {
  /** Where it is pulled from: `registry.corp.io`, `127.0.0.1:5000`, `docker.io`. */
  readonly registry: string;
  /** The path below it: `library/nginx`. */
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /** `registry/repository`. */
  readonly name: string;
  /** The whole reference as containerd writes it; with a digest, the tag is dropped. */
  readonly text: string;
}

const NAME = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** Reads an image reference as the distribution project does: docker.io and `library/` are filled in, as is `latest`. */
export function parseReference(text: string): ImageReference {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const tag = tagged ? named.slice(colon + 1) : undefined;
  const whole = tagged ? named.slice(0, colon) : named;

  const slash = whole.indexOf('/');
  const head = slash < 0 ? '' : whole.slice(0, slash);
  const hasRegistry =
    head !== '' && (/[.:]/.test(head) || head === 'localhost' || head !== head.toLowerCase());
  const registry = hasRegistry ? head.replace(/^index\.docker\.io$/, 'docker.io') : 'docker.io';
  let repository = hasRegistry ? whole.slice(slash + 1) : whole;
  if (registry === 'docker.io' && !repository.includes('/')) repository = `library/${repository}`;

  const wrong =
    !NAME.test(repository) ||
    (tag !== undefined && !TAG.test(tag)) ||
    (digest !== undefined && !DIGEST.test(digest));
  if (wrong) {
    const upper = repository !== repository.toLowerCase();
    const why = upper ? `: repository name (${repository}) must be lowercase` : '';
    throw new LandfallError(`couldn't parse image name "${text}": invalid reference format${why}`, {
      kind: 'invalid-input',
      code: 'image-reference',
      object: text,
    });
  }
  const name = `${registry}/${repository}`;
  const effectiveTag = tag ?? (digest === undefined ? 'latest' : undefined);
  return {
    registry,
    repository,
    tag: effectiveTag,
    digest,
    name,
    text: digest === undefined ? `${name}:${effectiveTag ?? 'latest'}` : `${name}@${digest}`,
  };
}
