/** Boundary 3: from the files of a commit to objects whose every field knows its line. */
export { decideRender } from './decide.ts';
export { fluxVariables, renderFlux } from './flux.ts';
export { sopsOf } from './sops.ts';
export { ignorePatterns, withoutIgnored } from './source-ignore.ts';
export { chartCreated } from './chart-created.ts';
export { renderHelm, resolveChart } from './helm.ts';
export type { HelmAccess, HelmProgram } from './helm-program.ts';
export { renderApplication } from './render-application.ts';
export type { RenderApplicationOptions } from './render-application.ts';
export { kustomizeOptions } from './kustomize-settings.ts';
export { KUSTOMIZATION_FILES } from './source-type.ts';
export { parseImageOverride } from './image-override.ts';
export { imageOverrideOf, imageOverrides, overrideList } from './override-lists.ts';
export type { ImageOverrideEntry } from './override-lists.ts';
export { KUSTOMIZE_OPTIONS } from './source-overrides.ts';
export type { OverrideOwner } from './source-overrides.ts';
export { buildEnvironment } from './source-environment.ts';
export type { RenderedFor } from './source-environment.ts';
export type { RenderFailure, RenderedSet, SourceType } from './rendered-set.ts';
export { createArtifacts, ociArtifactFacts, ociArtifactNow, ociDigest } from './oci-artifact.ts';
export {
  HELM_NAMESPACE_LABEL,
  HELM_NAME_LABEL,
  TEST_WAVE,
  chartOf,
  chartOfHelmChart,
  composeValues,
  fluxFailure,
  isFirstRelease,
  releaseName,
  releaseSpec,
  renderRelease,
  valuesDigest,
} from './release/index.ts';
export type {
  Chart,
  ChartOptions,
  FluxFailure,
  ReleaseName,
  ReleaseRequest,
  ReleaseValues,
  RenderedRelease,
} from './release/index.ts';
export { argoCredentials, helmAccess, normalizedUrl } from './repository-access.ts';
export type { RepositoryCredentials, RepositorySecrets } from './repository-access.ts';
export { checkSparse, gitArtifact, includedOf } from './git-artifact.ts';
export { highestTag } from './versions.ts';
