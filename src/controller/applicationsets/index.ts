/** Argo CD's ApplicationSets: generators, templates, and the Applications that they stand for. */
export { filesMatching, foldersOf } from './git-sources.ts';
export type { ClusterFacts, GeneratorSources } from './generators.ts';
export { SET_REFRESH_ANNOTATION, reconcileSet } from './reconcile.ts';
export { APPLICATION_SET_KIND, isGenerated } from './write-application.ts';
