import type { Verb } from './permissions.ts';
import type { PlanAction } from './plan.ts';

/** What each action needs. */
export const VERBS: Readonly<Record<PlanAction, readonly Verb[]>> = {
  // What is taken back is read, and deleted or patched.
  create: ['get', 'create', 'patch', 'delete'],
  change: ['get', 'patch'],
  recreate: ['get', 'create', 'patch', 'delete'],
  prune: ['get', 'create', 'patch', 'delete'],
  unchanged: [],
  skip: [],
};
