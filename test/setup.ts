import * as fc from 'fast-check';

/**
 * Every property test takes the same cases in every run, so that a run that fails says something about the
 * change and not about chance. Random seeds belong into runs that look for new cases, such as
 * `bench/kustomize-trees.ts`.
 */
fc.configureGlobal({ seed: 20_260_101 });
