import type { JsonValue } from '../../kernel/index.ts';

/** What becomes of a field of a spec. */
export type Support =
  | { readonly how: 'yes'; readonly note?: string }
  /** Anything else is refused. */
  | { readonly how: 'only'; readonly values: readonly JsonValue[]; readonly why: string }
  /** Accepted, and there is nothing to be done for it here. */
  | { readonly how: 'idle'; readonly why: string }
  | { readonly how: 'no'; readonly why: string };

/** By path below `spec`; a path stands for everything below it. */
export type Fields = Readonly<Record<string, Support>>;

export const YES: Support = { how: 'yes' };

export function yes(note: string): Support {
  return { how: 'yes', note };
}

export function only(values: readonly JsonValue[], why: string): Support {
  return { how: 'only', values, why };
}

export function idle(why: string): Support {
  return { how: 'idle', why };
}

export function no(why: string): Support {
  return { how: 'no', why };
}
