/** Releases of charts: rendered by the helm program, delivered like everything else. */
export { reconcileHelmRelease } from './release.ts';
export type { ReleaseOptions } from './release-options.ts';
export { HELM_NAMESPACE_LABEL, HELM_NAME_LABEL, createReleaseRenderer } from './render.ts';
