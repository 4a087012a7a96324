/** What Argo CD's ConfigMap `argocd-cm` says that changes what is delivered. */
export { followSettings } from './followed-settings.ts';
export type { Settings } from './followed-settings.ts';
export type { KustomizeSettings } from './kustomize.ts';
export type { ArgoSettings, HealthScript } from './settings.ts';
