/** `ascending` takes the highest, as Flux and Argo CD Image Updater mean it. */
export type Order = 'ascending' | 'descending';

/** Which of the tags that a repository has is the one to run. */
export type TagPolicy =
  /** `strict`: only three whole numbers are a version, as in Flux; else `1.2` is one too. */
  | { readonly kind: 'semver'; readonly range: string; readonly strict: boolean }
  | { readonly kind: 'numerical'; readonly order: Order }
  | { readonly kind: 'alphabetical'; readonly order: Order }
  | { readonly kind: 'newest-build' }
  /** What one tag is now. */
  | { readonly kind: 'digest'; readonly tag: string }
  /** The newest commit of a branch of the source repository that has an image. */
  | { readonly kind: 'commits'; readonly branch: string };

/** Which tags are looked at. Patterns are RE2; globs are Go's. */
export interface TagFilter {
  /** Only tags that match. */
  readonly allow?: string;
  /** What is compared instead of the tag: `$ts`, from the groups of `allow`. */
  readonly extract?: string;
  readonly ignoreGlobs?: readonly string[];
  readonly ignorePatterns?: readonly string[];
}

/** A tag, and what is compared in its place. */
export interface Candidate {
  readonly tag: string;
  readonly value: string;
}

/** A tag that was not chosen, and why. */
export interface PassedOver {
  readonly tag: string;
  readonly why: string;
}

/** What a policy makes of the tags. Plain data. */
export interface TagChoice {
  /** Undefined where nothing fits; `why` says what was looked for. */
  readonly tag: string | undefined;
  /** For the policy `commits`: the commit of the chosen tag. */
  readonly commit?: string;
  readonly why: string;
  /** At most {@link SHOWN}: the next best first, then a few of every other reason. */
  readonly passedOver: readonly PassedOver[];
  /** How many tags there were. */
  readonly seen: number;
}

export const SHOWN = 20;
