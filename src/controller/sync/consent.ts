import type { KubeObject } from '../../kube/index.ts';
import { isKeptKind } from '../../apply/index.ts';
import { objectOptions, optionValue } from './options.ts';

/** Kinds that hold others' data: never deleted as a consequence of something else. */
export function isPrecious(object: KubeObject): boolean {
  return isKeptKind(object.kind);
}

/** Whether an object that left Git may be deleted. */
export type Consent =
  | { readonly may: 'prune' }
  | { readonly may: 'ask' }
  | { readonly may: 'not'; readonly why: string };

export interface Asked {
  /** The operation prunes at all. */
  readonly prune: boolean;
  /** `Prune=` of the application's sync options. */
  readonly byDefault: string | undefined;
  /** Somebody approved deletions since the operation began. */
  readonly approved: boolean;
}

/**
 * `Prune=false` keeps an object, `Prune=confirm` keeps it until somebody approves. Kinds that hold others' data go only
 * where the object itself says `Prune=true`, or somebody approves.
 */
export function pruneConsent(live: KubeObject, asked: Asked): Consent {
  if (!asked.prune) return { may: 'not', why: 'ignored (requires pruning)' };
  const own = optionValue(objectOptions(live), 'Prune');
  const value = own ?? asked.byDefault;
  if (value === 'false') return { may: 'not', why: 'ignored (no prune)' };
  if (asked.approved) return { may: 'prune' };
  if (value === 'confirm') return { may: 'ask' };
  if (isPrecious(live) && own !== 'true') {
    return {
      may: 'not',
      why: `ignored (a ${live.kind} is pruned only with the annotation argocd.argoproj.io/sync-options: Prune=true)`,
    };
  }
  return { may: 'prune' };
}
