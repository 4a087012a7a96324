import { fullRepository, shortDigest, withoutTag } from '../../../boundaries/index.ts';

const SHORTENED = /^(?:sha256:)?([0-9a-f]{6,64})(?:(?:\.{2,3}|…)([0-9a-f]{2,}))?$/;

/** The digest in an imageID, a reference or a digest alone, shortened or not; undefined where there is none. */
export function digestIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const at = text.lastIndexOf('@');
  const bare = (at < 0 ? text : text.slice(at + 1)).trim();
  return bare.startsWith('sha256:') && SHORTENED.test(bare) ? bare : undefined;
}

/** One spelling for a repository: `nginx` and `docker.io/library/nginx` are one. */
export function repositoryOf(reference: string): string {
  return fullRepository(withoutTag(reference));
}

/** The tag that a reference names; `latest` where it names neither tag nor digest. */
export function tagOf(reference: string): string | undefined {
  const name = reference.split('@')[0] ?? reference;
  const colon = name.lastIndexOf(':');
  if (colon > name.lastIndexOf('/')) return name.slice(colon + 1);
  return reference.includes('@') ? undefined : 'latest';
}

export function sameReference(a: string, b: string): boolean {
  return (
    a === b ||
    (repositoryOf(a) === repositoryOf(b) && tagOf(a) === tagOf(b) && !a.includes('@') && !b.includes('@'))
  );
}

/** `9c4d8e1a`, also of a digest that was shortened already. */
export function shortOf(digest: string): string {
  const head = SHORTENED.exec(digest)?.[1];
  return head === undefined ? shortDigest(digest) : head.slice(0, 8);
}
