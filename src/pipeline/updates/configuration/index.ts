/** Reads what other updaters are configured with, unchanged, and `updates:` of landfall.yaml. Pure. */
export { readArgo } from './argo.ts';
export {
  IMAGE_POLICY,
  IMAGE_REPOSITORY,
  IMAGE_UPDATE_AUTOMATION,
  intervalOf,
  policyRule,
  readFlux,
  repositoryOf,
} from './flux.ts';
export type { FluxObjects } from './flux.ts';
export { IMAGE_UPDATER } from './image-updater.ts';
export { readLandfall, withDeclaredStyle } from './landfall.ts';
export type { DeclaredFor } from './landfall.ts';
export type {
  CommitStyle,
  Configuration,
  GitPlace,
  ImageRule,
  PullRequestPolicy,
  PullSecretReference,
  RefusedRule,
  Updater,
} from './model.ts';
