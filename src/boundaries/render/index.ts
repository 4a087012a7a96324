/** Boundary 3: from the files of a commit to objects whose every field knows its line. */
export { decideRender } from './decide.ts';
export { renderHelm, resolveChart } from './helm.ts';
export type { ChartPlace, HelmAccess, HelmProgram } from './helm.ts';
export { joined, kustomizationFile, withKustomization } from './kustomization-edit.ts';
export { renderApplication } from './render-application.ts';
export type { RenderApplicationOptions } from './render-application.ts';
export { buildEnvironment } from './source-environment.ts';
export type { RenderedFor } from './source-environment.ts';
export type { RenderFailure, RenderedSet, SourceType } from './rendered-set.ts';
