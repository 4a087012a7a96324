/** Argo CD's ConfigMap `argocd-cm`, followed. */
export { followSettings } from './followed-settings.ts';
export type { Settings } from './followed-settings.ts';
