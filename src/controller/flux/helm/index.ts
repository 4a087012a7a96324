/** Releases of charts: rendered by the helm program, delivered like everything else. */
export { reconcileHelmRelease } from './release.ts';
export type { ReleaseOptions } from './release-options.ts';
export { createReleaseRenderer } from './render.ts';
