/** Releases of charts: rendered by the helm program, delivered like everything else. */
export { chartOptions, reconcileHelmRelease } from './release.ts';
export { reconcileHelmChart } from './helm-chart.ts';
export { reconcileHelmRepository } from './helm-repository.ts';
export type { ReleaseOptions } from './release-options.ts';
export { createReleaseRenderer } from './render.ts';
