/** Flux' GitRepository and Kustomization, reconciled by the rules of its controllers. */
export { startFlux } from './flux.ts';
export type { Flux } from './flux.ts';
