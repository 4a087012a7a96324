/** `9c4d8e1a` for a digest or commit: long enough to be read out, never used to compare. */
export function shortDigest(digest: string): string {
  const at = digest.lastIndexOf('@');
  const bare = at < 0 ? digest : digest.slice(at + 1);
  const hex = bare.startsWith('sha256:') ? bare.slice('sha256:'.length) : bare;
  return /^[0-9a-f]{12,}$/.test(hex) ? hex.slice(0, 8) : bare;
}

/** Digests shortened to what tells them apart, at least eight characters. */
export function shortNames(digests: readonly string[]): ReadonlyMap<string, string> {
  const unique = [...new Set(digests)];
  const bare = (digest: string) => digest.replace(/^sha256:/, '');
  let length = 8;
  while (length < 64 && new Set(unique.map((digest) => bare(digest).slice(0, length))).size < unique.length)
    length++;
  return new Map(unique.map((digest) => [digest, bare(digest).slice(0, length)]));
}

/** A tag with the commit in it shortened, as in `sha-9c4d8e1a`. */
export function shortTag(tag: string): string {
  return tag.replaceAll(/(?<![0-9a-f])[0-9a-f]{40}(?:[0-9a-f]{24})?(?![0-9a-f])/g, (hex) => hex.slice(0, 8));
}

/** What a reader looks for in an image reference: `:latest`, or the digest it is pinned to. */
export function shortReference(reference: string): string {
  const at = reference.indexOf('@');
  const name = at < 0 ? reference : reference.slice(0, at);
  const colon = name.lastIndexOf(':');
  const tag = colon > name.lastIndexOf('/') ? shortTag(name.slice(colon)) : '';
  if (at >= 0) return tag === '' ? shortDigest(reference) : `${tag}@${shortDigest(reference)}`;
  return tag === '' ? ':latest' : tag;
}

/** A reference as it is written, without tag and digest. */
export function withoutTag(reference: string): string {
  const name = reference.split('@')[0] ?? reference;
  const colon = name.lastIndexOf(':');
  return colon > name.lastIndexOf('/') ? name.slice(0, colon) : name;
}
