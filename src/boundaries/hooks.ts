import type { KubeObject } from '../kube/index.ts';

/** The parts of one sync, in the order in which they run; SyncFail only after a failure. */
export type SyncPhase = 'PreSync' | 'Sync' | 'PostSync' | 'SyncFail';

/** When a hook runs. PreDelete and PostDelete belong to the end of an Application, not to a sync. */
export type HookType = SyncPhase | 'PreDelete' | 'PostDelete' | 'Skip';

export type HookDeletePolicy = 'BeforeHookCreation' | 'HookSucceeded' | 'HookFailed';

const HOOK = 'argocd.argoproj.io/hook';
const HELM_HOOK = 'helm.sh/hook';
/** Keeps a hook readable until its outcome has been seen, whoever deletes it. Argo CD's name. */
export const HOOK_FINALIZER = 'argocd.argoproj.io/hook-finalizer';

const TYPES: ReadonlySet<string> = new Set<HookType>([
  'PreSync',
  'Sync',
  'PostSync',
  'SyncFail',
  'PreDelete',
  'PostDelete',
  'Skip',
]);

/** Helm's hooks as Argo CD runs them; `test`, `pre-rollback` and `post-rollback` have no counterpart. */
const HELM_TYPES: ReadonlyMap<string, HookType> = new Map([
  ['pre-install', 'PreSync'],
  ['pre-upgrade', 'PreSync'],
  ['post-install', 'PostSync'],
  ['post-upgrade', 'PostSync'],
  ['pre-delete', 'PreDelete'],
  ['post-delete', 'PostDelete'],
]);

const POLICIES: ReadonlyMap<string, HookDeletePolicy> = new Map([
  ['BeforeHookCreation', 'BeforeHookCreation'],
  ['HookSucceeded', 'HookSucceeded'],
  ['HookFailed', 'HookFailed'],
  ['before-hook-creation', 'BeforeHookCreation'],
  ['hook-succeeded', 'HookSucceeded'],
  ['hook-failed', 'HookFailed'],
]);

/** The values of an annotation that is a list, each once, in the order in which they stand. */
export function annotationList(object: KubeObject, name: string): readonly string[] {
  const texts = (object.metadata.annotations?.[name] ?? '').split(',').map((text) => text.trim());
  return [...new Set(texts.filter((text) => text !== ''))];
}

/** When an object runs as a hook; Helm's annotation counts only where Argo CD's names nothing. */
export function hookTypes(object: KubeObject): readonly HookType[] {
  const own = annotationList(object, HOOK).filter((text): text is HookType => TYPES.has(text));
  if (own.length > 0) return own;
  const helm = annotationList(object, HELM_HOOK).flatMap((text) => HELM_TYPES.get(text) ?? []);
  return [...new Set(helm)];
}

/** `argocd.argoproj.io/hook: Skip`: the object stands in Git and is never applied. */
export function isSkipped(object: KubeObject): boolean {
  const types = hookTypes(object);
  return types.length === 1 && types[0] === 'Skip';
}

/**
 * True for Argo CD's hooks and Helm's that it maps to its own, those without a known type too: these are never
 * applied. A chart's `crd-install` is an ordinary object.
 */
export function isHook(object: KubeObject): boolean {
  const annotations = object.metadata.annotations ?? {};
  if (annotations[HOOK] !== undefined) return !isSkipped(object);
  const helm = annotations[HELM_HOOK];
  return helm !== undefined && helm !== 'crd-install';
}

/** The phases of a sync that an object takes part in: none for hooks of other times. */
export function syncPhases(object: KubeObject): readonly SyncPhase[] {
  if (isSkipped(object)) return [];
  if (!isHook(object)) return ['Sync'];
  return hookTypes(object).filter(
    (type): type is SyncPhase => type !== 'Skip' && type !== 'PreDelete' && type !== 'PostDelete',
  );
}

/** What happens to a hook after its run; `BeforeHookCreation` where it says nothing. */
export function hookDeletePolicies(object: KubeObject): readonly HookDeletePolicy[] {
  const texts = [
    ...annotationList(object, `${HOOK}-delete-policy`),
    ...annotationList(object, `${HELM_HOOK}-delete-policy`),
  ];
  const policies = texts.flatMap((text) => POLICIES.get(text) ?? []);
  return policies.length === 0 ? ['BeforeHookCreation'] : [...new Set(policies)];
}

/** The wave of a sync that an object belongs to: its own, else the weight of a Helm hook, else 0. */
export function syncWave(object: KubeObject): number {
  const annotations = object.metadata.annotations ?? {};
  return (
    wholeNumber(annotations['argocd.argoproj.io/sync-wave']) ??
    wholeNumber(annotations['helm.sh/hook-weight']) ??
    0
  );
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined;
}
