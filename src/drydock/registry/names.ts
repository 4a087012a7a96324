import { createHash } from 'node:crypto';
import { OciFailure } from './failure.ts';

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[a-f0-9]{64}$/;
const NAME_LIMIT = 255;

export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** A repository's name as the distribution specification allows it. */
export function checkName(name: string): string {
  if (name.length <= NAME_LIMIT && NAME.test(name)) return name;
  throw new OciFailure(400, 'NAME_INVALID', `'${name.slice(0, NAME_LIMIT)}' is not a repository name.`, {
    detail: { name: name.slice(0, NAME_LIMIT) },
  });
}

/** SHA-256 is the only algorithm stored here; another one is refused, not ignored. */
export function checkDigest(digest: string): string {
  if (DIGEST.test(digest)) return digest;
  throw new OciFailure(400, 'DIGEST_INVALID', `'${digest.slice(0, 200)}' is not a sha256 digest.`, {
    detail: { digest: digest.slice(0, 200) },
  });
}

export function checkTag(tag: string): string {
  if (TAG.test(tag)) return tag;
  throw new OciFailure(400, 'TAG_INVALID', `'${tag.slice(0, 200)}' is neither a tag nor a sha256 digest.`, {
    detail: { tag: tag.slice(0, 200) },
  });
}
