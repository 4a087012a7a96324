/** What Argo CD's ConfigMap `argocd-cm` says that changes what is delivered, for whoever delivers, plans or proves. */
export { globOf } from './glob.ts';
export type { KustomizeSettings } from './kustomize.ts';
export { SETTINGS_NAME, instanceName, readHome, settingsIn } from './read-settings.ts';
export type { ArgoHome } from './read-settings.ts';
export { ignoreRules, isExcluded, settingsOf } from './settings.ts';
export type { ArgoSettings, HealthScript, PollSettings } from './settings.ts';
