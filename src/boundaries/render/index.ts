/** Boundary 3: from the files of a commit to objects whose every field knows its line. */
export { decideRender } from './decide.ts';
export { renderApplication } from './render-application.ts';
export type { RenderApplicationOptions } from './render-application.ts';
export type { RenderFailure, RenderedSet, SourceType } from './rendered-set.ts';
