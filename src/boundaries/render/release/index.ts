/** Releases of charts as helm-controller makes them: the chart, its values, and what they render to. */
export { chartOf, chartOfHelmChart } from './chart.ts';
export type { Chart, ChartOptions, ChartSource } from './chart.ts';
export { fluxFailure } from './failure.ts';
export type { FluxFailure } from './failure.ts';
export { HELM_NAMESPACE_LABEL, HELM_NAME_LABEL, TEST_WAVE, releaseName, renderRelease } from './render.ts';
export type { ReleaseName, ReleaseRequest, RenderedRelease } from './render.ts';
export { isFirstRelease, releaseSpec, valuesDigest } from './spec.ts';
export { composeValues } from './values.ts';
export type { ReleaseValues } from './values.ts';
