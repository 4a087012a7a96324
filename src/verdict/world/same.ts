/** `same` and `different` are certain; `undecided` where too little of one of them is shown. */
export type Sameness = 'same' | 'different' | 'undecided';

/** A hexadecimal name as people shorten it: its beginning, and its end where that is shown. */
interface Shortened {
  readonly head: string;
  readonly tail: string;
  readonly whole: boolean;
}

/** Fewer characters than these are equal by chance too often: 28 bits. Git itself abbreviates to seven. */
const ENOUGH = 7;

function shortened(text: string, length: readonly number[]): Shortened | undefined {
  const at = text.lastIndexOf('@');
  const bare = text
    .slice(at + 1)
    .trim()
    .toLowerCase()
    .replace(/^sha(?:1|256|512):/, '');
  const found = /^(?<head>[0-9a-f]+)(?:(?:\.{2,}|…|\*{2,})(?<tail>[0-9a-f]*))?$/.exec(bare)?.groups;
  const head = found?.['head'];
  if (head === undefined) return undefined;
  const tail = found?.['tail'];
  return tail === undefined && length.includes(head.length)
    ? { head, tail: head, whole: true }
    : { head, tail: tail ?? '', whole: false };
}

function compare(one: string, other: string, lengths: readonly number[]): Sameness {
  const a = shortened(one, lengths);
  const b = shortened(other, lengths);
  if (a === undefined || b === undefined) return 'undecided';
  const shared = Math.min(a.head.length, b.head.length);
  if (a.head.slice(0, shared) !== b.head.slice(0, shared)) return 'different';
  const ending = Math.min(a.tail.length, b.tail.length);
  if (ending > 0 && a.tail.slice(-ending) !== b.tail.slice(-ending)) return 'different';
  if (a.whole && b.whole) return 'same';
  return shared + (a.whole && b.whole ? 0 : Math.min(ending, 64 - shared)) >= ENOUGH && shared >= 4
    ? 'same'
    : 'undecided';
}

/**
 * Whether two image digests are one, each whole or shortened (`sha256:3e7a9f2b...c841`, `3e7a9f2b`). A reference in
 * front of `@` is not looked at: mirrors rename images. Different algorithms are never compared.
 */
export function sameDigest(one: string, other: string): Sameness {
  const algorithm = (text: string) => /(?:^|@)(sha\d+):/.exec(text)?.[1];
  const [a, b] = [algorithm(one), algorithm(other)];
  if (a !== undefined && b !== undefined && a !== b) return 'undecided';
  return compare(one, other, [64, 128]);
}

/** Whether two commits are one, each whole or abbreviated; a branch or tag name decides nothing. */
export function sameCommit(one: string, other: string): Sameness {
  // `main@sha1:4f2e1d0`, `sha-4f2e1d0` and `main/4f2e1d0` are the same commit in the spelling of Flux and of CI.
  const bare = (text: string) =>
    text
      .trim()
      .replace(/^.*[@/]/, '')
      .replace(/^(?:sha1:|sha-|g(?=[0-9a-f]{7,40}$))/, '');
  return compare(bare(one), bare(other), [40]);
}

/** Whether two versions are one: a leading `v` does not count, build metadata and suffixes do. */
export function sameVersion(one: string, other: string): boolean {
  const bare = (text: string) => text.trim().replace(/^v(?=\d)/i, '');
  return bare(one) === bare(other);
}

/** Letters and digits that Kubernetes makes hashes of: no vowels, no 0, 1 and 3. */
const HASH = '[bcdfghjklmnpqrstvwxz2456789]';

/**
 * The workload that a pod's or ReplicaSet's name leads to: `api` for `api-7d4b9c6f5-x2x8k`, `api-7d4b9c6f5` and, with
 * `kind` Pod, `api-x2x8k` (DaemonSet, Job) and `db-0` (StatefulSet). Undefined where the name has no such ending.
 * Documents write hashes of any letters, so a ten-character hash of hexadecimal digits counts as well.
 */
export function ownerName(kind: string, name: string): string | undefined {
  if (kind === 'ReplicaSet')
    return new RegExp(`^(.+)-(?:${HASH}{5,10}|(?=[a-f]*\\d)[0-9a-f]{8,10})$`).exec(name)?.[1];
  if (kind !== 'Pod') return undefined;
  return (
    new RegExp(`^(.+)-(?:${HASH}{6,10}|(?=[a-z]*\\d)[0-9a-z]{8,10})-[a-z0-9]{5}$`).exec(name)?.[1] ??
    new RegExp(`^(.+)-${HASH}{5}$`).exec(name)?.[1] ??
    /^(.+)-(?:\d{1,4})$/.exec(name)?.[1]
  );
}
